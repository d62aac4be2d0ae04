"""One cycle of the two-polarizer junction: reset, pulse, read, the whole population at once."""

from dataclasses import dataclass

import torch

from spinloom.devices.mtj.design import JunctionDesign, mean_magnetization, thermal_step
from spinloom.devices.parameters import require_plausible
from spinloom.errors import InputError, require_count, require_finite, require_number
from spinloom.magnetism import Constant, Magnet, double, simulate
from spinloom.seeding import child_seed, generator

STEP = 1e-12
"""s; halving it moves the curves by less than 1e-3 (tested)."""
READ_SAMPLES = 8
MOST_CELLS = 1_500_000
"""Cells in one batch: drives are simulated in parts, so that memory stays below a gigabyte."""


@dataclass(frozen=True)
class Reads:
    """What the reader gets, (drives, devices, realisations): m_x and m_z, averaged over the read window."""

    value: torch.Tensor
    gradient: torch.Tensor
    after_reset: torch.Tensor
    """m (3, ...) just before the pulse: what is left of the previous output."""


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
    source, resting = generator(seed), made.magnet()
    cells = () if resting.mesh is None else resting.mesh.shape
    step, method = STEP, "heun" if temperature > 0 else "rk43" if cells else "rk4"
    if cells and temperature > 0:
        step = thermal_step(resting, STEP)

    def run(magnet: Magnet, m: torch.Tensor, length: float, records: int = 1) -> torch.Tensor:
        seed = child_seed(source)
        return simulate(magnet, m, length, step, method=method, temperature=temperature, seed=seed, records=records).m  # type: ignore[arg-type]

    def read(drive: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Value, gradient and m after the reset for some of the drives, as one batch."""
        m = _start((len(drive), devices, realizations), temperature, source, dtype)
        m = made.lifted(m).expand(*m.shape, *cells)
        m = run(made.magnet(reset=Constant(made.lifted(made.reset_density))), m, float(made.reset))[-1]
        after_reset = mean_magnetization(resting, m)
        wave = made.lifted(drive.to(torch.float64).reshape(-1, 1, 1))
        m = run(made.magnet(write=Constant(wave)), m, float(made.pulse))[-1]
        window = run(resting, m, made.read, READ_SAMPLES)
        return *made.read_out(mean_magnetization(resting, window.mean(0))), after_reset

    most = MOST_CELLS // (devices * realizations * (resting.mesh.count if resting.mesh else 1))
    parts = [read(part) for part in drive.split(max(1, min(len(drive), most)))]
    value, gradient, after_reset = zip(*parts, strict=True)
    return Reads(torch.cat(value), torch.cat(gradient), torch.cat(after_reset, dim=1))


def _start(
    batch: tuple[int, int, int], temperature: float, source: torch.Generator, dtype: torch.dtype
) -> torch.Tensor:
    """Random earlier outputs (tanh u, 0, sech u), or +z at 0 K."""
    u = 6 * torch.rand(batch, generator=source, dtype=torch.float64) - 3
    if temperature == 0:
        u = torch.zeros_like(u)
    return torch.stack([u.tanh(), torch.zeros_like(u), 1 / u.cosh()]).to(dtype)


def require_run(drive: torch.Tensor | None, devices: int, temperature: float, dtype: torch.dtype) -> None:
    """Raise InputError for a drive that is no increasing (points,), a count below 1, a temperature below 0.

    SpinloomWarning for a drive or a temperature that looks like a slip of the unit.
    """
    require_count(devices=devices)
    require_number("K", "non-negative", temperature=temperature)
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
