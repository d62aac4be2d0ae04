"""Noise of one read in closed form, so that the descent can follow it.

At small angles nothing but the torque acts on m: in the coordinate u = atanh(m_x) the pulse shifts u, and a thermal
kick of the angle is a kick of u that is cosh(u) times as large. Brownian motion of an angle has the diffusion constant
D = alpha gamma kB T / (Ms V (1 + alpha^2)) (W. F. Brown, Phys. Rev. 130, 1677 (1963)), so with x the network input

    var m_x = sech(x)^4 [ v0 + D tau (1 + sinh(2 x) / (2 x)) ] + sech(x)^2 2 D t_read / 3
    v0 = D tau / r (1 - exp(-2 r t_reset / tau)),   r: reset drive

where v0 is what the reset leaves of thermal motion. Against simulations at 300 K it is 3 to 6 % low in the standard
deviation for 70 to 125 ps, 80 to 120 nm, damping 0.01 to 0.03; only ratios of it are used.
"""

import torch

from spinloom import units
from spinloom.devices import TwoPolarizerMTJ


def thermal_variance(device: TwoPolarizerMTJ, inputs: torch.Tensor, temperature: float) -> torch.Tensor:
    """Of one operation, mean over the network inputs (points,); differentiable."""
    damping = torch.as_tensor(device.damping, dtype=torch.float64)
    moment = device.saturation_magnetization * device.shape.volume
    diffusion = damping * units.GAMMA * units.KB * temperature / (moment * (1 + damping**2))
    pulse, drive = device.pulse, device.reset_drive
    left = diffusion * pulse / drive * (1 - torch.exp(torch.as_tensor(-2 * drive * device.reset / pulse)))
    stretch = torch.where(inputs == 0, 1.0, torch.sinh(2 * inputs) / (2 * torch.where(inputs == 0, 1.0, inputs)))
    square = 1 / torch.cosh(inputs).square()
    variance = square.square() * (left + diffusion * pulse * (1 + stretch)) + square * 2 * diffusion * device.read / 3
    return variance.mean() / len(device.polarities)


def electrical_variance(device: TwoPolarizerMTJ, temperature: float) -> torch.Tensor:
    """Tunnel and amplifier noise of one operation; differentiable in the area. Without temperature there is none."""
    if temperature == 0:
        return torch.zeros((), dtype=torch.float64)
    tunnel = device.barrier.read_noise(device.area, device.read_voltage, device.read, temperature)
    return (tunnel.square() + device.amplifier_noise**2) / len(device.polarities)
