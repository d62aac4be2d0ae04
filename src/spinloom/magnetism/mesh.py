"""The regular grid on which a magnet is resolved in space."""

import math
from dataclasses import dataclass

import torch

from spinloom.errors import InputError, as_whole, require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.vectors import Triple


def _three(values: object) -> bool:
    return isinstance(values, tuple | list) and len(values) == 3


@dataclass(frozen=True)
class Mesh:
    """Equal rectangular cells. A state on it has shape (3, *batch, nz, ny, nx); a macrospin is a mesh of one cell.

    cells: (nx, ny, nz), how many. cell: (dx, dy, dz), lengths of one cell in m; each a number, or a tensor of shape
    (*batch,) when the members of a batch have different sizes.

    Raises InputError unless counts are whole and >= 1, lengths are finite and > 0 and broadcast to one batch.
    """

    cells: tuple[int, int, int]
    cell: tuple[Quantity, Quantity, Quantity]

    def __post_init__(self) -> None:
        if not _three(self.cells) or any((as_whole(count) or 0) < 1 for count in self.cells):
            raise InputError(f"cells must be three whole numbers >= 1 (nx, ny, nz), got {self.cells!r}")
        if not _three(self.cell):
            raise InputError(f"cell must be three lengths in m (dx, dy, dz), got {self.cell!r}")
        dx, dy, dz = self.cell
        require_positive("m", dx=dx, dy=dy, dz=dz)
        shapes = [tuple(length.shape) for length in self.lengths]
        try:
            torch.broadcast_shapes(*shapes)
        except RuntimeError as error:
            raise InputError(f"the lengths of a cell must broadcast to one batch, got shapes {shapes}") from error

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx), the last axes of a state."""
        nx, ny, nz = self.cells
        return nz, ny, nx

    @property
    def count(self) -> int:
        """Cells of one member."""
        return math.prod(self.cells)

    @property
    def lengths(self) -> Triple:
        """(dx, dy, dz) in m, float64, shape () or (*batch,)."""
        dx, dy, dz = (double(length) for length in self.cell)
        return dx, dy, dz

    @property
    def spatial_lengths(self) -> Triple:
        """(dx, dy, dz) in m, () or (*batch, 1, 1, 1): they broadcast against (*batch, nz, ny, nx)."""
        dx, dy, dz = (length if length.ndim == 0 else length[..., None, None, None] for length in self.lengths)
        return dx, dy, dz

    @property
    def cell_volume(self) -> torch.Tensor:
        """m^3, () or (*batch, 1, 1, 1)."""
        dx, dy, dz = self.spatial_lengths
        return dx * dy * dz

    def require_state(self, m: torch.Tensor) -> None:
        """Raise InputError unless m has the shape of a state on this mesh."""
        if m.ndim < 4 or m.shape[-3:] != self.shape:
            raise InputError(
                f"a state on this mesh must have shape (3, *batch, nz, ny, nx) with {self.shape} last, "
                f"got {tuple(m.shape)}"
            )

    def coordinates(self) -> Triple:
        """x (1, 1, nx), y (1, ny, 1), z (nz, 1, 1) of the cell centres in m, the origin in the middle of the grid.

        With lengths of shape (*batch,) each gains those axes in front.
        """
        x, y, z = (
            length[..., None] * (torch.arange(n, dtype=torch.float64) - (n - 1) / 2)
            for n, length in zip(self.cells, self.lengths, strict=True)
        )
        return x[..., None, None, :], y[..., None, :, None], z[..., :, None, None]
