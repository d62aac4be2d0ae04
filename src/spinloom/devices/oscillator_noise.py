"""The stationary distribution of a noisy auto-oscillator's power."""

import torch

_POINTS = 4001


def mean_power(xi: torch.Tensor, q: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Mean of p over the stationary distribution on [0, 1]; arguments broadcast.

    density(p) ~ exp( -scale * integral of 1 - xi (1 - s) / (1 + q s) from 0 to p ) with scale = beta / (kB T):
    V. Tiberkevich, A. Slavin and J.-V. Kim, Appl. Phys. Lett. 91, 192506 (2007). The integrals run over p = x^4, whose
    even points lie dense where a damped oscillator has its power.
    """
    xi, q, scale = torch.broadcast_tensors(xi, q, scale)
    x = torch.linspace(0, 1, _POINTS, dtype=torch.float64)
    shape = (-1, *[1] * xi.ndim)
    p, weight = x.pow(4).reshape(shape), (4 * x.pow(3)).reshape(shape)
    excess = (1 - xi * (1 - p) / (1 + q * p)) * weight
    exponent = -scale * torch.cumulative_trapezoid(excess, dx=1 / (_POINTS - 1), dim=0)
    exponent = torch.cat((torch.zeros_like(exponent[:1]), exponent))
    density = (exponent - exponent.amax(0, keepdim=True)).exp() * weight
    return (p * density).sum(0) / density.sum(0)
