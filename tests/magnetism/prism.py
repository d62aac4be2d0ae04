"""The field of a uniformly magnetised prism, for comparison."""

import torch


def prism_field(x, y, z, lengths) -> torch.Tensor:
    """H / Ms of a prism centred on the origin: (6, *points), the symmetric tensor T with H_i = T_ij M_j / Ms, float64.

    x, y, z: where, tensors (or numbers) that broadcast, in m. lengths: full lengths of the prism in m. Parts xx, yy,
    zz, xy, xz, yz. Trace -1 inside, 0 outside; nan or infinite on lines through edges. T_ab = d^2 / da db of
    the integral of 1 / (4 pi r) over the prism (R. I. Joseph, E. Schloemann, J. Appl. Phys. 36, 1579 (1965)).
    """
    points = torch.broadcast_tensors(*(torch.as_tensor(part, dtype=torch.float64) for part in (x, y, z)))
    total = torch.zeros(6, *points[0].shape, dtype=torch.float64)
    for i in (0.5, -0.5):
        for j in (0.5, -0.5):
            for k in (0.5, -0.5):
                corner = [p + s * float(d) for p, s, d in zip(points, (i, j, k), lengths, strict=True)]
                total += (8 * i * j * k) * _corner(*corner)
    return total / (4 * torch.pi)


def _corner(x: torch.Tensor, y: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    r = (x * x + y * y + z * z).sqrt()
    angles = [-torch.atan(y * z / (x * r)), -torch.atan(z * x / (y * r)), -torch.atan(x * y / (z * r))]
    logs = [torch.asinh(z / torch.hypot(x, y)), torch.asinh(y / torch.hypot(x, z)), torch.asinh(x / torch.hypot(y, z))]
    return torch.stack(angles + logs)
