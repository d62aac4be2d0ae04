"""The stray field of very small meshes as a matrix product: below some 160 cells quicker than any transform."""

from collections.abc import Sequence

import numpy as np
import torch

from spinloom.magnetism.demag import ODD_AXES
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.newell import demagnetizing_tensor

MOST_CELLS = 160


def matrices(mesh: Mesh) -> torch.Tensor:
    """-N between all cells of the mesh: (6, *batch, cells, cells), float64, parts xx, yy, zz, xy, xz, yz."""
    tensor = demagnetizing_tensor(mesh)
    nz, ny, nx = mesh.shape
    z, y, x = (place.flatten() for place in torch.meshgrid(*map(torch.arange, (nz, ny, nx)), indexing="ij"))
    offsets = [a[:, None] - a[None, :] for a in (z, y, x)]
    dz, dy, dx = (offset.abs() for offset in offsets)
    found = []
    for part, odd in zip(tensor, ODD_AXES, strict=True):
        sign = torch.ones_like(dx)
        for axis in odd:
            sign = sign * offsets[axis].sign()
        found.append(-sign * part[..., dz, dy, dx])
    return torch.stack(found)


class DenseStray:
    """H / Ms of states (3, members, nz, ny, nx) on a mesh of at most MOST_CELLS cells."""

    def __init__(self, mesh: Mesh, batch: Sequence[int], like: torch.Tensor) -> None:
        kernel = matrices(mesh).to(like)
        lead = (*(1,) * (len(batch) - (kernel.ndim - 3)), *kernel.shape[1:-2])
        own = [axis for axis, size in enumerate(lead) if size > 1]
        self.batch, self.shape = tuple(batch), mesh.shape
        self.order = own + [
            axis for axis in range(len(batch)) if axis not in own
        ]  # those with a tensor of their own first
        self.kernel = kernel.reshape(len(kernel), -1, mesh.count, mesh.count)
        self.flat = mesh.shape[0] == 1

    def __call__(self, m: np.ndarray) -> np.ndarray:
        """(3, members, nz, ny, nx)."""
        cells = self.kernel.shape[-1]
        axes = [0, *(1 + axis for axis in self.order), 1 + len(self.batch)]
        state = torch.from_numpy(m).reshape(3, *self.batch, cells).permute(axes)
        x, y, z = state.reshape(3, self.kernel.shape[1], -1, cells)
        xx, yy, zz, xy, xz, yz = self.kernel
        out = torch.stack([torch.bmm(x, xx).baddbmm_(y, xy), torch.bmm(x, xy).baddbmm_(y, yy), torch.bmm(z, zz)])
        if not self.flat:
            out[0].baddbmm_(z, xz)
            out[1].baddbmm_(z, yz)
            out[2].baddbmm_(x, xz).baddbmm_(y, yz)
        back = [axes.index(axis) for axis in range(len(axes))]
        field = out.reshape(3, *(self.batch[axis] for axis in self.order), cells).permute(back)
        return field.reshape(3, -1, *self.shape).contiguous().numpy()
