"""The magnetostatic field on a mesh: convolution with Newell's tensor by fast Fourier transform.

H = -sum_j N(i - j) M(j) as a product in Fourier space (convolution theorem, zero padding to at least 2n - 1 along every
axis). What saves time: the transform of each axis starts before the padding of the next one exists, so zeros are never
transformed; the transformed tensor is real (its parts are even, or odd in two axes); one layer needs no xz and yz.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from scipy.fft import fft, ifft, irfft, next_fast_len, rfft

from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.stray.tensor import demagnetizing_tensor

_ODD_AXES = ((), (), (), (-1, -2), (-1, -3), (-2, -3))  # axes in which xx, yy, zz, xy, xz, yz are odd
MOST_CELLS = 160
"""Of a mesh whose stray field is a sum over all pairs of its cells."""


class Demag:
    """Field of a mesh in units of the magnetisation: `operator(m)` gives H / Ms.

    kernel: (parts, *batch, Pz, Py, Px // 2 + 1), real, minus the transformed tensor, parts xx, yy, zz, xy (xz, yz).
    lengths: (Pz, Py, Px). tensor: as it is, of a mesh of at most MOST_CELLS cells.
    """

    def __init__(self, mesh: Mesh, like: torch.Tensor) -> None:
        self.mesh, self.cells = mesh, mesh.shape
        # 1, or the least even number >= 2 count - 1 with factors 2, 3, 5 only
        self.lengths = tuple(1 if count == 1 else 2 * next_fast_len(count, real=True) for count in mesh.shape)
        tensor = demagnetizing_tensor(mesh)
        self.tensor = tensor if mesh.count <= MOST_CELLS else None
        parity = zip(tensor[: 4 if mesh.shape[0] == 1 else 6], _ODD_AXES, strict=False)
        parts = [torch.fft.rfftn(self._mirrored(part, odd), dim=(-3, -2, -1)).real for part, odd in parity]
        self.kernel = -torch.stack(parts).to(like.device, like.dtype)

    def __call__(self, m: torch.Tensor) -> torch.Tensor:
        """(3, *batch, nz, ny, nx) to the same shape."""
        return self.inverse(self.product(self.forward(m)))

    def forward(self, m: torch.Tensor) -> torch.Tensor:
        """Transform with padding: (3, *batch, Pz, Py, Px // 2 + 1), complex."""
        pz, py, px = self.lengths
        f = torch.fft.rfft(m, n=px, dim=-1)
        f = torch.fft.fft(f, n=py, dim=-2) if py > 1 else f
        return torch.fft.fft(f, n=pz, dim=-3) if pz > 1 else f

    def product(self, f: torch.Tensor) -> torch.Tensor:
        """The tensor times the transformed magnetisation."""
        k = self.kernel
        x, y, z = f[0], f[1], f[2]
        if len(k) == 4:
            return torch.stack([k[0] * x + k[3] * y, k[3] * x + k[1] * y, k[2] * z])
        return torch.stack(
            [k[0] * x + k[3] * y + k[4] * z, k[3] * x + k[1] * y + k[5] * z, k[4] * x + k[5] * y + k[2] * z]
        )

    def inverse(self, f: torch.Tensor) -> torch.Tensor:
        """Back, without the padding."""
        (pz, py, px), (nz, ny, nx) = self.lengths, self.cells
        f = torch.fft.ifft(f, dim=-3)[..., :nz, :, :] if pz > 1 else f
        f = torch.fft.ifft(f, dim=-2)[..., :ny, :] if py > 1 else f
        return torch.fft.irfft(f, n=px, dim=-1)[..., :nx]

    def _mirrored(self, part: torch.Tensor, odd: tuple[int, ...]) -> torch.Tensor:
        """The part at positive and negative offsets, in the wrapped order of a transform."""
        for axis, length in zip((-3, -2, -1), self.lengths, strict=True):
            count = part.shape[axis]
            if length > 1:
                back = part.narrow(axis, 1, count - 1).flip(axis) * (-1 if axis in odd else 1)
                gap = list(part.shape)
                gap[axis] = length - 2 * count + 1
                part = torch.cat([part, part.new_zeros(gap), back], axis)
        return part


def demag(mesh: Mesh, like: torch.Tensor) -> Demag:
    """The operator for this mesh in the type and on the device of `like`; the last few meshes are remembered."""
    if any(length.requires_grad for length in mesh.lengths):
        return Demag(mesh, like)
    lengths = tuple((length.shape, *length.flatten().tolist()) for length in mesh.lengths)
    return _remembered(tuple(mesh.cells), lengths, like.dtype, like.device)


@lru_cache(8)
def _remembered(cells: Any, lengths: Any, dtype: torch.dtype, device: torch.device) -> Demag:
    dx, dy, dz = (torch.tensor(values, dtype=torch.float64).reshape(shape) for shape, *values in lengths)
    return Demag(Mesh(cells, (dx, dy, dz)), torch.zeros((), dtype=dtype, device=device))


def reference(ms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The largest Ms of each member, () or (*batch, 1, 1, 1), and the share of it in each cell where they differ."""
    if ms.ndim < 3 or ms.shape[-3:].numel() == 1:
        return ms, None
    largest = ms.amax((-3, -2, -1), keepdim=True)
    return largest, ms / largest


def stray_field(mesh: Mesh, saturation_magnetization: Quantity, m: torch.Tensor) -> torch.Tensor:
    """Magnetostatic field in A/m of a state m, (3, *batch, nz, ny, nx), whose cells have Ms in A/m."""
    largest, share = reference(double(saturation_magnetization))
    operator = demag(mesh, m)
    return largest.to(m) * operator(m if share is None else share.to(m) * m)


_PARTS = 8
"""Pieces of work in a product: a few per core, so that none waits long for the other."""
_KEPT_BY_THE_ALLOCATOR = 30 << 20
"""bytes. glibc gives freed memory back above twice the largest block it ever mapped: after one of this size, the arrays
of a large film are not mapped anew at every call, which took as long as the transforms."""


class MeshStray:
    """H / Ms of states (3, members, nz, ny, nx).

    parallel: PyTorch's transforms on all cores, for large meshes; else scipy's on one, which for small ones are as
    quick and do not suffer when other programs keep the machine busy. kernels: `mesh_kernels` compiled to match.
    kernel: (parts, 1 or members, n).
    """

    def __init__(
        self, demag: Demag, batch: Sequence[int], like: torch.Tensor, parallel: bool, kernels: ModuleType
    ) -> None:
        self.demag, self.parallel, self.kernels = demag, parallel, kernels
        self.number = like.new_zeros(()).numpy().dtype.type
        spectral = [like.ndim - 3, like.ndim - 2, like.ndim - 1]
        if parallel:  # as the axes lie in memory, slowest first: PyTorch puts the last axis transformed last
            f = demag.forward(like)
            spectral.sort(key=lambda axis: (f.stride()[axis], f.shape[axis]), reverse=True)
            np.empty(_KEPT_BY_THE_ALLOCATOR, dtype=np.uint8)
        kernel, lead, spectrum = demag.kernel, demag.kernel.shape[1:-3], demag.kernel.shape[-3:]
        shape = (1,) * len(batch) if lead.numel() == 1 else tuple(batch)
        kernel = kernel.reshape(len(kernel), *(1,) * (len(batch) - len(lead)), *lead, *spectrum)
        kernel = kernel.expand(len(kernel), *shape, *spectrum).permute([*range(like.ndim - 3), *spectral])
        self.kernel = kernel.reshape(len(kernel), math.prod(shape), -1).contiguous().numpy()

    def __call__(self, m: np.ndarray) -> np.ndarray:
        """(3, members, nz, ny, nx)."""
        return np.ascontiguousarray(self._threaded(m) if self.parallel else self._single(m))

    def _single(self, m: np.ndarray) -> np.ndarray:
        (pz, py, px), (nz, ny, nx) = self.demag.lengths, self.demag.cells
        f = rfft(m, n=px, axis=-1)
        f = fft(f, n=py, axis=-2, overwrite_x=True) if py > 1 else f
        f = fft(f, n=pz, axis=-3, overwrite_x=True) if pz > 1 else f
        self.kernels.product(f.reshape(3, f.shape[1], -1, 1).view(self.number), self.kernel, 1)
        f = ifft(f, axis=-3, overwrite_x=True)[..., :nz, :, :] if pz > 1 else f
        f = ifft(f, axis=-2, overwrite_x=True)[..., :ny, :] if py > 1 else f
        return irfft(f, n=px, axis=-1)[..., :nx]

    def _threaded(self, m: np.ndarray) -> np.ndarray:
        f = self.demag.forward(torch.from_numpy(m))
        members, size = f.shape[1], f.shape[-3:].numel()
        assert f.stride(0) == members * size
        flat = f.as_strided((3, members, size), (members * size, size, 1))  # in the order of the memory
        self.kernels.product(torch.view_as_real(flat).numpy(), self.kernel, max(1, _PARTS // members))
        return self.demag.inverse(f).numpy()


class DenseStray:
    """H / Ms of states (3, members, nz, ny, nx) on a mesh of at most MOST_CELLS cells.

    kernel: -N between all cells, (6, members or 1, cells, cells), parts xx, yy, zz, xy, xz, yz.
    """

    def __init__(self, demag: Demag, batch: Sequence[int], like: torch.Tensor) -> None:
        mesh, tensor = demag.mesh, demag.tensor
        assert tensor is not None
        places = [place.flatten() for place in torch.meshgrid(*map(torch.arange, mesh.shape), indexing="ij")]
        offsets = [place[:, None] - place[None, :] for place in places]
        dz, dy, dx = (offset.abs() for offset in offsets)
        signs = [math.prod((offsets[axis].sign() for axis in odd), start=torch.ones_like(dx)) for odd in _ODD_AXES]
        parts = [-sign * part[..., dz, dy, dx] for sign, part in zip(signs, tensor, strict=True)]
        kernel = torch.stack(parts).to(like)
        lead = (*(1,) * (len(batch) - (kernel.ndim - 3)), *kernel.shape[1:-2])
        own = [axis for axis, size in enumerate(lead) if size > 1]
        self.batch, self.shape = tuple(batch), mesh.shape
        self.order = own + [axis for axis in range(len(batch)) if axis not in own]  # own tensors first
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
