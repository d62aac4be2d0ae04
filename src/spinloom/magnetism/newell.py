"""PROVISIONAL exact Newell tensor so that everybody can work; helper-1 replaces this file (overwrite it)."""
import torch

from spinloom.magnetism.mesh import Mesh


def _asinh(a, b):
    return torch.asinh(a / b.clamp(min=1e-300).sqrt()) * (b > 0)


def _f(x, y, z):
    x, y, z = x.abs(), y.abs(), z.abs()
    r = (x * x + y * y + z * z).sqrt()
    t = torch.where((x > 0) & (r > 0), torch.atan(y * z / (x * r).clamp(min=1e-300)), 0.0)
    return (
        y / 2 * (z * z - x * x) * _asinh(y, x * x + z * z)
        + z / 2 * (y * y - x * x) * _asinh(z, x * x + y * y)
        - x * y * z * t
        + (2 * x * x - y * y - z * z) * r / 6
    )


def _at(a, b):
    return torch.where(b.abs() > 0, torch.atan(a / torch.where(b == 0, 1.0, b)), 0.0)


def _g(x, y, z):
    r = (x * x + y * y + z * z).sqrt()
    return (
        x * y * z * _asinh(z, x * x + y * y)
        + y / 6 * (3 * z * z - y * y) * _asinh(x, y * y + z * z)
        + x / 6 * (3 * z * z - x * x) * _asinh(y, x * x + z * z)
        - z**3 / 6 * _at(x * y, z * r)
        - z * y * y / 2 * _at(x * z, y * r)
        - z * x * x / 2 * _at(y * z, x * r)
        - x * y * r / 3
    )


def demagnetizing_tensor(mesh: Mesh) -> torch.Tensor:
    dx, dy, dz = torch.broadcast_tensors(*mesh.lengths)
    scale = dx
    dx, dy, dz = dx / scale, dy / scale, dz / scale
    nz, ny, nx = mesh.shape
    x = torch.arange(-1, nx + 1).double() * dx[..., None]
    y = torch.arange(-1, ny + 1).double() * dy[..., None]
    z = torch.arange(-1, nz + 1).double() * dz[..., None]
    x, y, z = x[..., None, None, :], y[..., None, :, None], z[..., :, None, None]
    v = (dx * dy * dz)[..., None, None, None]

    def second(f):
        for axis in (-1, -2, -3):
            n = f.shape[axis]
            f = 2 * f.narrow(axis, 1, n - 2) - f.narrow(axis, 0, n - 2) - f.narrow(axis, 2, n - 2)
        return f / (4 * torch.pi * v)

    return torch.stack(
        [second(_f(x, y, z)), second(_f(y, x, z)), second(_f(z, y, x)), second(_g(x, y, z)), second(_g(x, z, y)), second(_g(y, z, x))]
    )
