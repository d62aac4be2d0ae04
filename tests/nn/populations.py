"""Small device populations for the tests of nn."""

import torch

from spinloom.devices import Response


def population(
    devices: int = 7, points: int = 41, noise: float = 0.02, spread: float = 0.1, even: bool = True
) -> Response:
    """Tanh-like devices driven from -3 to 3 (network units), with a slope that is not the derivative of the value."""
    source = torch.Generator().manual_seed(5)
    inputs = torch.linspace(-3, 3, points, dtype=torch.float64)
    if not even:
        inputs = 3 * torch.sinh(inputs) / float(torch.sinh(torch.tensor(3.0)))
    gain = 1 + spread * torch.randn(devices, 1, generator=source, dtype=torch.float64)
    value = torch.tanh(gain * inputs)
    slope = 0.5 * gain * (1 - value.square()) + 0.1
    sigma = noise * (1 + 0.3 * inputs.square()).expand_as(value)
    return Response(inputs * 2e10, value, slope, sigma, unit_drive=2e10)
