"""From the dynamics of the two-polarizer junction to its Response: reset, pulse, read, the whole population at once."""

from dataclasses import dataclass

import torch

from spinloom.devices.mtj.design import JunctionDesign, along
from spinloom.devices.mtj.mesh import mean_magnetization, spatial, thermal_step
from spinloom.devices.parameters import require_plausible
from spinloom.devices.response.response import Response
from spinloom.devices.spread import Spread, as_spread
from spinloom.errors import (
    InputError,
    as_whole,
    require_count,
    require_finite,
    require_non_negative,
    require_number,
)
from spinloom.magnetism import Constant, Magnet, double, simulate
from spinloom.seeding import child_seed, generator

STEP = 1e-12
"""s; halving it moves the curves by less than 1e-3 (tested)."""
READ_SAMPLES = 8
READS = 1024
"""Thermal realisations shared among the devices when the number is left open; at least 16 for each."""
MESH_READS = 64
"""The same for devices resolved in space; at least 4 for each."""
MOST_CELLS = 1_500_000
"""Cells in one batch: drives are simulated in parts, so that memory stays below a gigabyte."""


@dataclass(frozen=True)
class Reads:
    """What the reader gets, (drives, devices, realisations): m_x and m_z, averaged over the read window."""

    value: torch.Tensor
    gradient: torch.Tensor
    after_reset: torch.Tensor
    """m (3, ...) just before the pulse: what is left of the previous output."""


def respond(
    device: JunctionDesign,
    drive: torch.Tensor | None,
    spread: float | Spread | None,
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

    value: mean of m_x as read; slope: mean of the square of m_z as read; noise and slope_noise: standard deviations of
    one read of m_x and of m_z^2, thermal motion, tunnel (Johnson and shot) and amplifier noise together.

    Differentiable at 0 K in every parameter of `device` and in `drive`. The same seed gives the same response.
    Raises InputError for impossible counts or temperatures and PhysicsError where the dynamics leave the step.
    """
    if device.unit_drive.numel() != 1:
        raise InputError("thickness, polarization and saturation_magnetization of a design must be single numbers")
    require_run(drive, devices, temperature, dtype)
    drive = device.drives(121 if device.resolution is None else 61) if drive is None else torch.as_tensor(drive)
    least, shared = (16, READS) if device.resolution is None else (4, MESH_READS)
    count = realizations if realizations is not None else max(least, shared // max(devices, 1))
    if temperature == 0:
        count = 1
    elif (as_whole(count) or 0) < 2:
        raise InputError(
            f"realizations must be a whole number >= 2 at {temperature:g} K (a spread needs two), got {count!r}"
        )
    spread, source = as_spread(spread), generator(seed)
    made = device.fabricate(devices, spread, source)
    value, gradient = _operate(made, drive, devices, count, temperature, source, dtype)
    noise = _read_noise(made, temperature, devices).to(dtype).square() + (
        device.amplifier_noise**2 if temperature else 0.0
    )
    thermal, slope_thermal = (
        reads.var(-1) if count > 1 else torch.zeros_like(reads[..., 0]) for reads in (value, gradient)
    )
    # (m_z + n)^2 of one cycle varies by 4 m_z^2 n^2 + 2 n^4 for a normal n
    squared = (4 * gradient.mean(-1) * noise[:, 1] + 2 * noise[:, 1].square()) / len(device.polarities)
    return Response(
        drive=drive.to(dtype),
        value=value.mean(-1).T,
        slope=(gradient.mean(-1) + noise[:, 1]).T,
        noise=(thermal + noise[:, 0] / len(device.polarities)).detach().sqrt().T,
        slope_noise=(slope_thermal + squared).detach().sqrt().T,
        unit_drive=float(device.unit_drive.detach()),
        drive_unit="A/m^2",
        metadata={
            "device": "mtj-neuron",
            "temperature": f"{temperature:g} K",
            "realizations": str(count),
            "seed": str(seed),
            "spread": str(spread),
            "resolution": "macrospin" if device.resolution is None else f"{device.resolution * 1e9:g} nm",
        },
    )


def _operate(
    made: JunctionDesign,
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
    made: JunctionDesign,
    drive: torch.Tensor,
    devices: int,
    realizations: int,
    temperature: float,
    seed: int,
    dtype: torch.dtype,
) -> Reads:
    """One cycle (reset, pulse, read) of fabricated devices (parameters (devices, 1)); drive (points,), A/m^2."""
    source = generator(seed)
    most = MOST_CELLS // (devices * realizations * _cells(made))
    parts = [
        _read_drives(made, part, devices, realizations, temperature, source, dtype)
        for part in drive.split(max(1, min(len(drive), most)))
    ]
    value, gradient, after_reset = zip(*parts, strict=True)
    return Reads(torch.cat(value), torch.cat(gradient), torch.cat(after_reset, dim=1))


def _cells(made: JunctionDesign) -> int:
    mesh = made.magnet().mesh
    return 1 if mesh is None else mesh.count


def _read_drives(
    made: JunctionDesign,
    drive: torch.Tensor,
    devices: int,
    realizations: int,
    temperature: float,
    source: torch.Generator,
    dtype: torch.dtype,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Value, gradient and m after the reset for some of the drives, as one batch."""
    batch = (len(drive), devices, realizations)
    m = _start(batch, temperature, source, dtype)
    resting = made.magnet()
    mesh = resting.mesh
    step, method = STEP, "heun" if temperature > 0 else "rk4"
    if mesh is not None:
        m = m[..., None, None, None].expand(*m.shape, *mesh.shape)
        step, method = (thermal_step(resting, STEP), "heun") if temperature > 0 else (STEP, "rk43")

    def run(magnet: Magnet, m: torch.Tensor, length: float, records: int = 1) -> torch.Tensor:
        seed = child_seed(source)
        return simulate(magnet, m, length, step, method=method, temperature=temperature, seed=seed, records=records).m  # type: ignore[arg-type]

    wave = drive.to(torch.float64).reshape(-1, 1, 1)
    if mesh is not None:
        wave = wave[..., None, None, None]
    reset = Constant(made.reset_density if mesh is None else spatial(made.reset_density))
    m = run(made.magnet(reset=reset), m, float(made.reset))[-1]
    after_reset = mean_magnetization(resting, m)
    m = run(made.magnet(write=Constant(wave)), m, float(made.pulse))[-1]
    window = run(resting, m, made.read, READ_SAMPLES)
    value, gradient = (along(p, mean_magnetization(resting, window.mean(0))) for p in made.references())
    return made.barrier.read(value, made.readout), made.reset_barrier.read(gradient, made.readout), after_reset


def _start(
    batch: tuple[int, int, int], temperature: float, source: torch.Generator, dtype: torch.dtype
) -> torch.Tensor:
    """Random earlier outputs (tanh u, 0, sech u), or +z at 0 K."""
    u = 6 * torch.rand(batch, generator=source, dtype=torch.float64) - 3
    if temperature == 0:
        u = torch.zeros_like(u)
    return torch.stack([u.tanh(), torch.zeros_like(u), 1 / u.cosh()]).to(dtype)


def _read_noise(made: JunctionDesign, temperature: float, devices: int) -> torch.Tensor:
    """Tunnel noise of the value and the gradient read of each device, (devices, 2); none at 0 K, the ideal case."""
    if temperature == 0:
        return torch.zeros(devices, 2, dtype=torch.float64)
    noise = [
        barrier.read_noise(made.area, made.read_voltage, made.read, temperature).detach().reshape(-1).expand(devices)
        for barrier in (made.barrier, made.reset_barrier)
    ]
    return torch.stack(noise, dim=-1)


def require_run(drive: torch.Tensor | None, devices: int, temperature: float, dtype: torch.dtype) -> None:
    """Raise InputError for a drive that is no increasing (points,), a count below 1, a temperature below 0.

    SpinloomWarning for a drive or a temperature that looks like a slip of the unit.
    """
    require_count(devices=devices)
    require_number("K", temperature=temperature)
    require_non_negative("K", temperature=temperature)
    require_plausible(temperature=temperature)
    require_float(dtype)
    if drive is None:
        return
    require_finite("A/m^2", drive=drive)
    given = double(drive).detach()
    if given.ndim != 1 or len(given) < 2 or not bool((given.diff() > 0).all()):
        raise InputError(
            f"drive must be (points,), 2 or more that increase strictly, in A/m^2; got shape {tuple(given.shape)}, "
            f"{float(given.min()):g} to {float(given.max()):g} A/m^2"
        )
    require_plausible(current_density=given.abs().max())


def require_float(dtype: torch.dtype) -> None:
    """Raise InputError for a type that simulations do not have."""
    if dtype not in (torch.float32, torch.float64):
        raise InputError(f"dtype must be torch.float32 or torch.float64, got {dtype!r}")
