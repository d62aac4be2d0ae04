"""Carlson's symmetric elliptic integrals in torch, differentiable (scipy's are not).

Duplication theorem: B. C. Carlson, Numerical Algorithms 10, 13 (1995); series as in DLMF 19.36.
"""

import torch

_DOUBLINGS = 10  # every doubling divides the spread of the arguments by 4: below 1e-6 in every case here


def carlson_rf(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """R_F(x, y, z); at most one argument may be 0. Shapes broadcast; float64."""
    for _ in range(_DOUBLINGS):
        sx, sy, sz = x.sqrt(), y.sqrt(), z.sqrt()  # apart: the root of a product with 0 has no gradient
        step = sx * sy + sy * sz + sz * sx
        x, y, z = (x + step) / 4, (y + step) / 4, (z + step) / 4
    mean = (x + y + z) / 3
    dx, dy = 1 - x / mean, 1 - y / mean
    dz = -dx - dy
    e2, e3 = dx * dy - dz * dz, dx * dy * dz
    return (1 - e2 / 10 + e3 / 14 + e2 * e2 / 24 - 3 * e2 * e3 / 44) / mean.sqrt()


def carlson_rd(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """R_D(x, y, z); z > 0, at most one of x, y may be 0. Shapes broadcast; float64."""
    total, factor = torch.zeros_like(x + y + z), 1.0
    for _ in range(_DOUBLINGS):
        sx, sy, sz = x.sqrt(), y.sqrt(), z.sqrt()
        step = sx * sy + sy * sz + sz * sx
        total = total + factor / (sz * (z + step))
        factor /= 4
        x, y, z = (x + step) / 4, (y + step) / 4, (z + step) / 4
    mean = (x + y + 3 * z) / 5
    dx, dy = 1 - x / mean, 1 - y / mean
    dz = -(dx + dy) / 3
    e2 = dx * dy - 6 * dz * dz
    e3 = (3 * dx * dy - 8 * dz * dz) * dz
    e4 = 3 * (dx * dy - dz * dz) * dz * dz
    series = 1 - 3 * e2 / 14 + e3 / 6 + 9 * e2 * e2 / 88 - 3 * e4 / 22 - 9 * e2 * e3 / 52
    return 3 * total + factor * series / (mean * mean.sqrt())


def complete_e_d(complement: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Complete elliptic integrals E and D = (K - E) / k^2 from the complementary parameter 1 - k^2 > 0."""
    zero, one = torch.zeros_like(complement), torch.ones_like(complement)
    d = carlson_rd(zero, complement, one) / 3
    return carlson_rf(zero, complement, one) - (1 - complement) * d, d
