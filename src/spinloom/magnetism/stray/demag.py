"""The magnetostatic field on a mesh: convolution with Newell's tensor by fast Fourier transform.

H = -sum_j N(i - j) M(j) as a product in Fourier space (convolution theorem, zero padding to at least 2n - 1 along every
axis). What saves time: the transform of each axis starts before the padding of the next one exists, so zeros are never
transformed; the transformed tensor is real (its parts are even, or odd in two axes); one layer needs no xz and yz.
"""

from collections import OrderedDict

import torch

from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.stray.tensor import demagnetizing_tensor

ODD_AXES = ((), (), (), (-1, -2), (-1, -3), (-2, -3))  # axes in which xx, yy, zz, xy, xz, yz are odd
_KEPT = 8
_cache: OrderedDict[tuple[object, ...], "Demag"] = OrderedDict()


def padded(count: int) -> int:
    """Transform length for `count` cells: 1, or the least even number >= 2 count - 1 with factors 2, 3, 5 only."""
    if count == 1:
        return 1
    length = 2 * count - 1 + (2 * count - 1) % 2
    while not _smooth(length):
        length += 2
    return length


def _smooth(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1


class Demag:
    """Field of a mesh in units of the magnetisation: `operator(m)` gives H / Ms.

    kernel: (parts, *batch, Pz, Py, Px // 2 + 1), real, minus the transformed tensor, parts xx, yy, zz, xy (xz, yz).
    lengths: (Pz, Py, Px).
    """

    def __init__(self, mesh: Mesh, like: torch.Tensor) -> None:
        self.mesh, self.cells = mesh, mesh.shape
        self.lengths = (padded(mesh.shape[0]), padded(mesh.shape[1]), padded(mesh.shape[2]))
        tensor = demagnetizing_tensor(mesh)
        tensor = tensor[:4] if mesh.shape[0] == 1 else tensor
        parity = zip(tensor, ODD_AXES[: len(tensor)], strict=True)
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
    lengths = mesh.lengths
    if any(length.requires_grad for length in lengths):
        return Demag(mesh, like)
    key = (mesh.cells, *(tuple(length.flatten().tolist()) for length in lengths), like.dtype, like.device)
    key = (*key, *(length.shape for length in lengths))
    if key not in _cache:
        _cache[key] = Demag(mesh, like)
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    _cache.move_to_end(key)
    return _cache[key]


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
