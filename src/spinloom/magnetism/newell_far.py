"""The tensor of distant cells: the dipole field averaged over both cells by Gaussian quadrature.

Along one axis, points of two cells of length d are apart by the offset plus d u, with the density 1 - |u| of u on
-1 .. 1. Gauss's rule with m nodes for this density has all multipoles of the two cells right up to the order 2m - 1 in
d / distance, and it also converges where the multipole series is slow, one cell diagonal apart.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import torch

# Nodes along an axis, from gap / d on (gap: distance less cell diagonal). Each errs by < 1e-11 of the largest part;
# measured with cells 1x1x1 to 20x20x1 and 1x1x20 in 17 directions against 40 nodes.
_NODES = (24, 20, 16, 14, 12, 10, 8, 7, 6, 5, 4, 3, 2)
_FROM = torch.tensor([0.35, 0.5, 0.8, 1.0, 1.5, 2.5, 4.0, 6.0, 10.0, 20.0, 60.0, 500.0], dtype=torch.float64)
_WORK = 30_000  # nodes in one pass: arrays stay in the cache, and below the size at which torch starts threads (32768)

Rule = tuple[torch.Tensor, torch.Tensor]
"""Nodes and weights."""


def averaged_dipole(
    offsets: list[torch.Tensor], lengths: list[torch.Tensor], gap: torch.Tensor, skip: torch.Tensor
) -> torch.Tensor:
    """N (6, *batch, nz, ny, nx), parts xx, yy, zz, xy, xz, yz; 0 where `skip` is True.

    offsets: x, y, z, and lengths: dx, dy, dz, which broadcast to (*batch, nz, ny, nx), the shape of gap (see _NODES).
    Along an axis of one cell only nodes u >= 0 are taken, by symmetry; parts odd in it, which vanish, come out wrong.
    """
    folded = [offset.shape[axis] == 1 for offset, axis in zip(offsets, (-1, -2, -3), strict=True)]
    points = [part.expand(gap.shape).flatten() for part in (*offsets, *lengths)]
    where, values = [], []
    for nodes, chosen in _by_nodes(lengths, gap, skip):
        rules = [_rule(m, half) for m, half in zip(nodes, folded, strict=True)]
        each = len(rules[0][0]) * len(rules[1][0]) * len(rules[2][0])
        for part in chosen.split(max(1, _WORK // each)):
            where.append(part)
            values.append(_average([point[part] for point in points], rules))
    result = points[0].new_zeros(6, gap.numel())
    if where:
        result = result.index_copy(1, torch.cat(where), torch.cat(values, 1))
    return result.reshape(6, *gap.shape)


def _by_nodes(
    lengths: list[torch.Tensor], gap: torch.Tensor, skip: torch.Tensor
) -> Iterator[tuple[list[int], torch.Tensor]]:
    """Numbers of nodes along x, y, z, with the (flat) indices of the offsets that want them."""
    kinds = len(_NODES)
    code = torch.zeros_like(gap, dtype=torch.long)
    for length in lengths:
        code = code * kinds + torch.bucketize(gap / length.detach(), _FROM, right=True)
    code = torch.where(skip, -1, code).flatten()
    present = (code[code >= 0].bincount() > 0).nonzero().flatten().tolist()
    for key in present:
        nodes = [_NODES[key // kinds**2], _NODES[key // kinds % kinds], _NODES[key % kinds]]
        yield nodes, (code == key).nonzero().flatten()


def _rule(nodes: int, half: bool) -> Rule:
    u, w = _gauss(nodes, half)  # kept as arrays: a tensor made in inference mode would be of no use outside
    return torch.from_numpy(u), torch.from_numpy(w)


@lru_cache
def _gauss(nodes: int, half: bool) -> tuple[np.ndarray, np.ndarray]:
    """Gauss's nodes and weights for the density 1 - |u| on -1 .. 1 (half: those with u >= 0, of doubled weight).

    The nodes are eigenvalues of the Jacobi matrix (Golub and Welsch, Math. Comp. 23, 221 (1969)), whose elements
    Stieltjes' procedure gives from a Legendre rule that is exact on either side of the kink.
    """
    u, w = np.polynomial.legendre.leggauss(nodes + 1)
    u = np.concatenate([-(1 - u) / 2, (1 + u) / 2])
    w = np.concatenate([w / 2, w / 2]) * (1 - abs(u))
    before, p, elements = np.zeros_like(u), np.ones_like(u), [0.0]
    for _ in range(nodes - 1):
        q = u * p - elements[-1] * before
        elements.append(float(np.sqrt((w * q * q).sum())))
        before, p = p, q / elements[-1]
    u, vectors = np.linalg.eigh(np.diag(elements[1:], 1) + np.diag(elements[1:], -1))
    w = vectors[0] ** 2
    u, w = (u - u[::-1]) / 2, (w + w[::-1]) / 2
    if half:
        u, w = u[nodes // 2 :], np.where(u > 0, 2, 1)[nodes // 2 :] * w[nodes // 2 :]
    return u, w


def _average(points: list[torch.Tensor], rules: list[Rule]) -> torch.Tensor:
    """Mean of V (r^2 - 3 r r) / (4 pi r^5): (6, points). points: x, y, z, dx, dy, dz, each (points,)."""
    (ux, wx), (uy, wy), (uz, wz) = rules
    px, py, pz, dx, dy, dz = points
    x = (px + dx * ux[:, None])[:, None, None]
    y = (py + dy * uy[:, None])[:, None]
    z = pz + dz * uz[:, None]
    weight = wx[:, None, None] * wy[:, None] * wz
    inverse = (x * x + y * y + z * z).rsqrt()  # (mx, my, mz, points)
    square = inverse * inverse
    s = square * square * inverse * weight[..., None]
    sz = s * z
    s0, s1, s2 = s.sum(2), sz.sum(2), (sz * z).sum(2)  # moments of 1 / r^5 in z, then in y, then in x
    y = y[:, 0]
    s0y = s0 * y
    x, s = x[:, 0, 0], s0.sum(1)
    sy = s0y.sum(1)
    xx, yy, zz = (s * x * x).sum(0), (s0y * y).sum((0, 1)), s2.sum((0, 1))
    xy, xz, yz = (sy * x).sum(0), (s1.sum(1) * x).sum(0), (s1 * y).sum((0, 1))
    parts = torch.stack([yy + zz - 2 * xx, xx + zz - 2 * yy, xx + yy - 2 * zz, -3 * xy, -3 * xz, -3 * yz])
    return parts * (dx * dy * dz / (4 * torch.pi))
