"""Derivatives of a macrospin's energy on the sphere, by automatic differentiation: every field term counts."""

import torch

from spinloom import units
from spinloom.magnetism import Magnet, double


def energy_field(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """Energy / (mu0 Ms V) of the state m (3, *batch), A/m."""
    moment = double(magnet.material.saturation_magnetization) * double(magnet.cell_volume)
    return magnet.energy(m) / (units.MU0 * moment)


def derivatives(magnet: Magnet, m: torch.Tensor, u: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Slope (2, *batch) and stiffness (2, 2, *batch) along u and v, which are across m; A/m.

    Part of the graph only where a parameter has a gradient: the helper variable y must not slow down all that follows.
    """
    wanted = energy_field(magnet, m).requires_grad or u.requires_grad
    with torch.enable_grad():
        y = torch.zeros(2, *m.shape[1:], dtype=m.dtype, requires_grad=True)
        turned = m + u * y[0] + v * y[1]
        total = energy_field(magnet, turned / turned.norm(dim=0)).sum()
        (slope,) = torch.autograd.grad(total, y, create_graph=True)
        rows = [torch.autograd.grad(part.sum(), y, create_graph=True, materialize_grads=True)[0] for part in slope]
    h = torch.stack(rows)
    return (slope, h) if wanted else (slope.detach(), h.detach())


def curvature(magnet: Magnet, m: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """d^2 / d cosine^2 at m (3, *batch), an axis of symmetry, A/m: (e'''' + e'') / 3 in the angle towards u."""
    wanted = energy_field(magnet, m).requires_grad
    with torch.enable_grad():
        angle = torch.zeros(m.shape[1:], dtype=torch.float64, requires_grad=True)
        part = energy_field(magnet, m * angle.cos() + u * angle.sin())
        orders = []
        for _ in range(4):
            (part,) = torch.autograd.grad(part.sum(), angle, create_graph=True, materialize_grads=True)
            orders.append(part)
    result = (orders[3] + orders[1]) / 3
    return result if wanted else result.detach()
