"""A population of tanh devices whose errors are known."""

import torch

from spinloom.devices import Response


def tanh_devices(spread: float = 0.0, noise: float = 0.0, devices: int = 1, seed: int = 0) -> Response:
    """tanh(gain x), gains 1 + spread N(0, 1); unit drive 2 A."""
    x = torch.linspace(-4, 4, 161, dtype=torch.float64)
    gains = 1 + spread * torch.randn(devices, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    value = torch.tanh(gains * x)
    return Response(2 * x, value, 1 - value**2, torch.full_like(value, noise), unit_drive=2.0, drive_unit="A")
