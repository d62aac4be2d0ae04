"""From the dynamics of the two-polarizer junction to its Response: reset, pulse, read, the whole population at once."""

from dataclasses import dataclass

import torch

from spinloom.devices.mtj_neuron import TwoPolarizerMTJ
from spinloom.devices.response import Response
from spinloom.devices.spread import Spread
from spinloom.errors import InputError, require_non_negative
from spinloom.magnetism import Constant, simulate
from spinloom.seeding import child_seed, generator

STEP = 1e-12
"""s; halving it moves the curves by less than 1e-3 (tested)."""
READ_SAMPLES = 8
READS = 1024
"""Thermal realisations shared among the devices when the number is left open; at least 16 for each."""


@dataclass(frozen=True)
class Reads:
    """What the reader gets, (drives, devices, realisations): m_x and m_z, averaged over the read window."""

    value: torch.Tensor
    gradient: torch.Tensor
    after_reset: torch.Tensor
    """m (3, ...) just before the pulse: what is left of the previous output."""


def respond(
    device: TwoPolarizerMTJ,
    drive: torch.Tensor | None,
    spread: Spread | None,
    devices: int,
    temperature: float,
    realizations: int | None,
    seed: int,
    dtype: torch.dtype,
) -> Response:
    """Simulate drives x devices x realisations in one batch.

    drive: (points,), A/m^2, None takes `device.drives()`. Each realisation starts in a random earlier output of the
    same device, is reset, written and read, so what the reset leaves counts as noise. At 0 K there is one realisation
    and it starts at +z. A bipolar operation is two such cycles.

    value: mean of m_x as read; slope: mean of the square of m_z as read; noise: standard deviation of one read of m_x,
    thermal motion, tunnel (Johnson and shot) and amplifier noise together.

    Differentiable at 0 K in every parameter of `device` and in `drive`. The same seed gives the same response.
    Raises InputError for impossible counts or temperatures and PhysicsError where the dynamics leave the step.
    """
    require_non_negative("K", temperature=temperature)
    count = realizations if realizations is not None else max(16, READS // max(devices, 1))
    if temperature == 0:
        count = 1
    if count < 1 or (temperature > 0 and count < 2):
        raise InputError(f"realizations must be >= 2 at {temperature:g} K (a spread needs two), got {count}")
    if device.unit_drive.numel() != 1:
        raise InputError("thickness, polarization and saturation_magnetization of a design must be single numbers")
    source = generator(seed)
    made = device.fabricate(devices, spread, source)
    if drive is None:
        drive = device.drives()
    value, gradient = _operate(made, drive, devices, count, temperature, source, dtype)
    noise = _read_noise(made, temperature, devices).to(dtype).square() + (
        device.amplifier_noise**2 if temperature else 0.0
    )
    thermal = value.var(-1) if count > 1 else torch.zeros_like(value[..., 0])
    return Response(
        drive=drive.to(dtype),
        value=value.mean(-1).T,
        slope=(gradient.mean(-1) + noise[:, 1]).T,
        noise=(thermal + noise[:, 0] / len(device.polarities)).detach().sqrt().T,
        unit_drive=float(device.unit_drive.detach()),
        drive_unit="A/m^2",
        metadata={
            "device": "mtj-neuron",
            "temperature": f"{temperature:g} K",
            "realizations": str(count),
            "seed": str(seed),
            "spread": str(spread),
        },
    )


def _operate(
    made: TwoPolarizerMTJ,
    drive: torch.Tensor,
    devices: int,
    realizations: int,
    temperature: float,
    source: torch.Generator,
    dtype: torch.dtype,
) -> tuple[torch.Tensor, torch.Tensor]:
    """m_x and m_z^2 of one operation, (drives, devices, realisations): the mean over its cycles, signs put right."""
    cycles = [
        (sign, read_population(made, sign * drive, devices, realizations, temperature, child_seed(source), dtype))
        for sign in made.polarities
    ]
    value = sum(sign * reads.value for sign, reads in cycles)
    gradient = sum(reads.gradient.square() for _, reads in cycles)
    return torch.as_tensor(value) / len(cycles), torch.as_tensor(gradient) / len(cycles)


def read_population(
    made: TwoPolarizerMTJ,
    drive: torch.Tensor,
    devices: int,
    realizations: int,
    temperature: float,
    seed: int,
    dtype: torch.dtype,
) -> Reads:
    """One cycle (reset, pulse, read) of fabricated devices (parameters (devices, 1)); drive (points,), A/m^2."""
    source = generator(seed)
    batch = (len(drive), devices, realizations)
    method = "heun" if temperature > 0 else "rk4"
    m = _start(batch, temperature, source, dtype)

    def run(magnet, m, length, records=1):  # type: ignore[no-untyped-def]
        return simulate(
            magnet,
            m,
            length,
            STEP,
            method=method,
            temperature=temperature,
            seed=child_seed(source),
            records=records,
        ).m

    m = run(made.magnet(reset=Constant(made.reset_density)), m, made.reset)[-1]
    after_reset = m
    m = run(made.magnet(write=Constant(drive.to(torch.float64).reshape(-1, 1, 1))), m, made.pulse)[-1]
    window = run(made.magnet(), m, made.read, READ_SAMPLES)
    value, gradient = _project(made, window.mean(0))
    return Reads(made.barrier.read(value, made.readout), made.reset_barrier.read(gradient, made.readout), after_reset)


def _start(
    batch: tuple[int, int, int], temperature: float, source: torch.Generator, dtype: torch.dtype
) -> torch.Tensor:
    """Random earlier outputs (tanh u, 0, sech u), or +z at 0 K."""
    u = 6 * torch.rand(batch, generator=source, dtype=torch.float64) - 3
    if temperature == 0:
        u = torch.zeros_like(u)
    return torch.stack([u.tanh(), torch.zeros_like(u), 1 / u.cosh()]).to(dtype)


def _project(made: TwoPolarizerMTJ, m: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """m along the two reference layers, tilts included."""
    in_plane, perpendicular = made.references()
    value = sum(p.to(m) * c for p, c in zip(in_plane, m, strict=True))
    gradient = sum(p.to(m) * c for p, c in zip(perpendicular, m, strict=True))
    return torch.as_tensor(value), torch.as_tensor(gradient)


def _read_noise(made: TwoPolarizerMTJ, temperature: float, devices: int) -> torch.Tensor:
    """Tunnel noise of the value and the gradient read of each device, (devices, 2); none at 0 K, the ideal case."""
    if temperature == 0:
        return torch.zeros(devices, 2, dtype=torch.float64)
    noise = [
        barrier.read_noise(made.area, made.read_voltage, made.read, temperature).detach().reshape(-1).expand(devices)
        for barrier in (made.barrier, made.reset_barrier)
    ]
    return torch.stack(noise, dim=-1)
