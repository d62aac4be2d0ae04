"""`simulate`: a batch of magnets through time, by one of four schemes and two engines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from spinloom.errors import InputError, PhysicsError, require_finite, require_positive, unknown_name
from spinloom.magnetism import dormand_prince
from spinloom.magnetism.compiled_engine import CompiledRun, available
from spinloom.magnetism.drives import Drive, Quantity
from spinloom.magnetism.eager import EagerRun, wants_gradient
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.reduced import TIME_UNIT, Reduced, reduce_magnet
from spinloom.magnetism.schedule import pieces
from spinloom.magnetism.steps import STEPS
from spinloom.magnetism.vectors import require_unit
from spinloom.seeding import Seed, generator

Method = Literal["rk4", "heun", "abm3", "dopri5"]
Engine = Literal["auto", "compiled", "eager"]
_DRIFT_LIMIT = 0.1


@dataclass(frozen=True)
class Trajectory:
    """time (records,) in s; m (records, 3, *batch): the last record is the final state.

    drift: largest abs(|m|^2 - 1) in one step before renormalisation, a measure of the step's error.
    steps: accepted steps, one number (fixed step) or per member of the batch.
    """

    time: torch.Tensor
    m: torch.Tensor
    drift: float
    steps: torch.Tensor

    @property
    def final(self) -> torch.Tensor:
        """(3, *batch)."""
        return self.m[-1]


def simulate(
    magnet: Magnet,
    m: torch.Tensor,
    duration: float,
    step: float = 1e-12,
    *,
    start: float = 0.0,
    method: Method = "rk4",
    temperature: Quantity = 0.0,
    seed: Seed = 0,
    records: int = 1,
    tolerance: float = 1e-8,
    engine: Engine = "auto",
    progress: Callable[[float], None] | None = None,
) -> Trajectory:
    """Integrate the Landau-Lifshitz-Gilbert-Slonczewski equation.

    m: (3, *batch), |m| = 1, float32 or float64; its type is the type of the computation, its batch must hold that of
    every parameter. duration, step, start: s (`step` is the first step for "dopri5"). temperature: K, needs "heun"
    (Stratonovich). records: states kept, evenly spaced, the last at the end. engine: "compiled" (CPU, no gradients),
    "eager" (torch operations, gradients, any device), "auto" takes the compiled one where it can serve.
    progress: called with the fraction done. The same seed gives the same result on the same engine and machine.

    Raises InputError (bad state, names, combinations) and PhysicsError (NaN, a step too long for the dynamics).
    """
    require_unit(m)
    require_positive("s", duration=duration, step=step)
    if method not in (*STEPS, "dopri5"):
        raise unknown_name("method", method, (*STEPS, "dopri5"))
    thermal = bool((torch.as_tensor(temperature) > 0).any())
    if thermal and method != "heun":
        raise InputError(f"method {method!r} cannot carry thermal noise (it would bias it); use method='heun'")
    if engine not in ("auto", "compiled", "eager"):
        raise unknown_name("engine", engine, ("auto", "compiled", "eager"))
    if method == "dopri5" and engine == "compiled":
        raise InputError("method 'dopri5' runs on the eager engine only; use engine='auto'")
    require_finite("s", start=start)
    if not isinstance(records, int) or records < 1:
        raise InputError(f"records must be a whole number >= 1, got {records!r}")
    exact = reduce_magnet(magnet, temperature)
    drives = magnet.drives()
    _check_batch(exact, drives, m)
    reduced = Reduced(exact.layout, [row.to(m) for row in exact.rows])
    span = (start, start + duration)
    if method == "dopri5":
        require_positive("", tolerance=tolerance)
        return _adaptive(reduced, drives, m, span, step, records, tolerance, progress)
    run = _runner(engine, method, reduced, drives, m, generator(seed, m.device) if thermal else None)
    return _fixed(run, drives, m, span, step, records, progress)


def _check_batch(reduced: Reduced, drives: Sequence[Drive], m: torch.Tensor) -> None:
    try:
        waveforms = (wave.shape for wave in _instant(drives))
        shape = torch.broadcast_shapes(*(row.shape for row in reduced.rows), *waveforms)
        fits = torch.broadcast_shapes(shape, m.shape[1:]) == m.shape[1:]
    except RuntimeError as error:
        raise InputError(f"parameters do not broadcast: {error}") from error
    if not fits:
        raise InputError(
            f"parameters have batch shape {tuple(shape)}, the state only {tuple(m.shape[1:])}: expand the state"
        )


def _instant(drives: Sequence[Drive]) -> list[torch.Tensor]:
    """Each waveform at one instant: its batch shape, and whether a gradient goes through it."""
    return [drive.waveform(torch.zeros((), dtype=torch.float64)) for drive in drives]


Run = EagerRun | CompiledRun


def _runner(
    engine: Engine,
    method: str,
    reduced: Reduced,
    drives: Sequence[Drive],
    m: torch.Tensor,
    source: torch.Generator | None,
) -> Run:
    gradient = wants_gradient(m, *reduced.rows, *_instant(drives))
    able = m.device.type == "cpu" and not gradient and available()
    if engine == "compiled" and not able:
        raise InputError("engine 'compiled' needs CPU tensors without gradients, and numba; use engine='eager'")
    if able and engine != "eager":
        return CompiledRun(method, reduced, drives, m.shape[1:], source)
    return EagerRun(method, reduced, drives, source)


def _fixed(
    run: Run,
    drives: Sequence[Drive],
    m: torch.Tensor,
    span: tuple[float, float],
    step: float,
    records: int,
    progress: Callable[[float], None] | None,
) -> Trajectory:
    start, end = span
    plan = pieces(drives, start, end, step, records)
    kept: list[torch.Tensor] = []
    drift = m.new_zeros(())
    for piece, inside in plan:
        states, off = run(piece, m, max(1, inside))
        m = states[-1]
        drift = torch.maximum(drift, off)
        _check(states, drift, piece.step)
        kept += [states] if inside else []
        if progress is not None:
            progress((piece.end - start) / (end - start))
    steps = torch.tensor(sum(piece.steps for piece, _ in plan))
    return Trajectory(_times(span, records), torch.cat(kept), float(drift), steps)


def _times(span: tuple[float, float], records: int) -> torch.Tensor:
    return torch.linspace(span[0], span[1], records + 1, dtype=torch.float64)[1:]


def _check(states: torch.Tensor, drift: torch.Tensor, step: float) -> None:
    off = float(drift)
    if not bool(torch.isfinite(states[-1]).all()) or not off <= _DRIFT_LIMIT:
        raise PhysicsError(
            f"the step of {step * TIME_UNIT:.3g} s is too long for these fields and currents: "
            f"|m|^2 changed by {off:.2g} in one step; use a shorter step"
        )


def _adaptive(
    reduced: Reduced,
    drives: Sequence[Drive],
    m: torch.Tensor,
    span: tuple[float, float],
    step: float,
    records: int,
    tolerance: float,
    progress: Callable[[float], None] | None,
) -> Trajectory:
    start, end = span
    kept: list[torch.Tensor] = []
    h = torch.full(m.shape[1:], step / TIME_UNIT, dtype=torch.float64, device=m.device)
    steps = torch.zeros(m.shape[1:], dtype=torch.int64, device=m.device)
    for piece, inside in pieces(drives, start, end, (end - start) / records, records, cut=True):
        m, h, taken = dormand_prince.integrate(reduced, drives, m, piece.start, piece.end, h, tolerance)
        steps = steps + taken
        kept += [m] if inside else []
        if progress is not None:
            progress((piece.end - start) / (end - start))
    return Trajectory(_times(span, records), torch.stack(kept), 0.0, steps)
