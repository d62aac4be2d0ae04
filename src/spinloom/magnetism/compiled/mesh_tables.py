"""Parameters of a mesh sorted by how they vary, so that the compiled right-hand side reads as little as possible.

Each parameter becomes a `Place`: a known 0 or 1, one number per member, one per site of the mesh (the same for all
members), or one per cell of every member.
"""

from typing import Literal, NamedTuple

import numpy as np
import torch

Kind = Literal["known", "member", "site", "cell"]


class Place(NamedTuple):
    """Where a parameter stands: a known value, or a row of the table of its kind."""

    kind: Kind
    row: int
    value: float = 0.0


class Tables:
    """Collects parameters; `arrays` gives member (rows, members), site (rows, pad + sites + pad) and cell (rows, pad +
    cells + pad), padded with zeros so that a neighbour's value may be read beyond the ends."""

    def __init__(self, batch: torch.Size, mesh: torch.Size, pad: int, dtype: torch.dtype) -> None:
        self.batch, self.mesh, self.pad, self.dtype = batch, mesh, pad, dtype
        self._rows: dict[str, list[np.ndarray]] = {"member": [], "site": [], "cell": []}

    def add(self, value: torch.Tensor) -> Place:
        """Take a parameter that broadcasts over (*batch, nz, ny, nx)."""
        value = value.detach()
        for known in (0.0, 1.0):
            if bool((value == known).all()):
                return Place("known", 0, known)
        spatial = value.ndim > 0 and value.shape[-3:].numel() > 1
        batched = value.ndim > 3 and value.shape[:-3].numel() > 1
        if not spatial:
            value = value.reshape(value.shape[:-3]) if value.ndim >= 3 else value.reshape(())
            return self._keep("member", value.expand(self.batch))
        if not batched:
            return self._keep("site", value.reshape(value.shape[-3:]).expand(self.mesh))
        return self._keep("cell", value.expand(*self.batch, *self.mesh))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """member, site, cell."""
        return self._stacked("member", 0), self._stacked("site", self.pad), self._stacked("cell", self.pad)

    def _keep(self, kind: Kind, value: torch.Tensor) -> Place:
        rows = self._rows[kind]
        rows.append(value.to(self.dtype).reshape(-1).numpy())
        return Place(kind, len(rows) - 1)

    def _stacked(self, kind: str, pad: int) -> np.ndarray:
        rows = self._rows[kind]
        if not rows:
            return np.zeros((1, 1), dtype=torch.zeros((), dtype=self.dtype).numpy().dtype)
        return np.ascontiguousarray(np.pad(np.stack(rows), ((0, 0), (pad, pad))))
