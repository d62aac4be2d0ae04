"""`simulate`: a batch of magnets through time, by one of five schemes and two engines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from spinloom.errors import InputError, PhysicsError, require_finite, require_positive, unknown_name
from spinloom.magnetism.compiled.compiled_engine import CompiledRun, available
from spinloom.magnetism.compiled.mesh_engine import MeshRun
from spinloom.magnetism.drives import Quantity
from spinloom.magnetism.engine.adaptive import TABLEAUX, integrate
from spinloom.magnetism.engine.eager import EagerRun
from spinloom.magnetism.engine.rates import Reduced
from spinloom.magnetism.engine.right_hand_side import RightHandSide, prepared_state, right_hand_side
from spinloom.magnetism.engine.schedule import pieces
from spinloom.magnetism.engine.steps import STEPS
from spinloom.magnetism.magnet import TIME_UNIT, Magnet
from spinloom.seeding import Seed, generator

Method = Literal["auto", "rk4", "heun", "abm3", "rk43", "dopri5"]
Engine = Literal["auto", "compiled", "eager"]
_DRIFT_LIMIT = 0.1


@dataclass(frozen=True)
class Trajectory:
    """time (records,) in s; m (records, 3, *batch): the last record is the final state.

    drift: largest abs(|m|^2 - 1) in one step before renormalisation, a measure of the step's error.
    steps: accepted steps, one number (fixed step) or per member of the batch.
    last_step: of the adaptive methods, s, per member, to go on with; None for a fixed step.
    """

    time: torch.Tensor
    m: torch.Tensor
    drift: float
    steps: torch.Tensor
    last_step: torch.Tensor | None = None

    @property
    def final(self) -> torch.Tensor:
        """(3, *batch)."""
        return self.m[-1]


def simulate(
    magnet: Magnet,
    m: torch.Tensor,
    duration: float,
    step: float | torch.Tensor = 1e-12,
    *,
    start: float = 0.0,
    method: Method = "auto",
    temperature: Quantity = 0.0,
    seed: Seed = 0,
    records: int = 1,
    tolerance: float | None = None,
    engine: Engine = "auto",
    progress: Callable[[float], None] | None = None,
) -> Trajectory:
    """Integrate the Landau-Lifshitz-Gilbert-Slonczewski equation.

    m: (3, *batch), on a mesh (3, *batch, nz, ny, nx), |m| = 1 (outside a geometry it is set to 0), float32 or float64;
    its type is the type of the computation, its batch must hold that of every parameter.
    duration, step, start: s. The adaptive methods begin with `step`; on a mesh it may be a tensor, one per member.
    method: "auto" takes "heun" at a temperature, else "rk43" on a mesh and "rk4" for macrospins.
    temperature: K, needs "heun" (Stratonovich). records: states kept, evenly spaced, the last at the end.
    tolerance: error of any component in one step, adaptive methods only; None is 1e-5 for "rk43", 1e-8 for "dopri5".
    engine: "compiled" (CPU, no gradients), "eager" (torch operations, gradients, any device), "auto" takes the compiled
    one where it can serve. progress: called with the fraction done.
    The same seed gives the same result on the same engine and machine.

    Raises InputError (bad state, names, combinations) and PhysicsError (NaN, a step too long for the dynamics). Warns
    (SpinloomWarning) of cells longer than half the exchange length.
    """
    m = prepared_state(magnet, m)
    require_positive("s", duration=duration, step=step)
    thermal = bool((torch.as_tensor(temperature) > 0).any())
    scheme = _scheme(method, magnet, thermal)
    if engine not in ("auto", "compiled", "eager"):
        raise unknown_name("engine", engine, ("auto", "compiled", "eager"))
    require_finite("s", start=start)
    if not isinstance(records, int) or records < 1:
        raise InputError(f"records must be a whole number >= 1, got {records!r}")
    if scheme not in TABLEAUX and torch.as_tensor(step).numel() != 1:
        raise InputError(f"method {scheme!r} takes one step for all members, got {torch.as_tensor(step).numel()}")
    if scheme in TABLEAUX:
        if magnet.mesh is None and engine == "compiled":
            raise InputError(f"method {scheme!r} of macrospins runs on the eager engine only; use engine='auto'")
        tolerance = _TOLERANCE[scheme] if tolerance is None else tolerance
        require_positive("", tolerance=tolerance)
    rhs = right_hand_side(magnet, m, temperature)
    compiled = _compiled(engine, rhs, m)
    span = (start, start + duration)
    if scheme in TABLEAUX:
        assert tolerance is not None
        return _adaptive(scheme, rhs, compiled, m, span, step, records, tolerance, progress)
    source = generator(seed, m.device) if thermal else None
    run: Run
    if compiled and rhs.space is not None:
        run = MeshRun(scheme, rhs, m, source)
    elif compiled:
        run = CompiledRun(scheme, Reduced(rhs.layout, rhs.rows), rhs.drives, m.shape[1:], source)
    else:
        run = EagerRun(scheme, rhs, source)
    return _fixed(run, rhs, m, span, float(step), records, progress)


_TOLERANCE = {"rk43": 1e-5, "dopri5": 1e-8}
Run = EagerRun | CompiledRun | MeshRun


def _scheme(method: str, magnet: Magnet, thermal: bool) -> str:
    if method == "auto":
        method = "heun" if thermal else "rk43" if magnet.mesh is not None else "rk4"
    if method not in (*STEPS, *TABLEAUX):
        raise unknown_name("method", method, ("auto", *STEPS, *TABLEAUX))
    if thermal and method != "heun":
        raise InputError(f"method {method!r} cannot carry thermal noise (it would bias it); use method='heun'")
    return method


def _compiled(engine: str, rhs: RightHandSide, m: torch.Tensor) -> bool:
    """Whether the compiled engine serves; raises InputError where it was asked for and cannot."""
    able = m.device.type == "cpu" and not rhs.wants_gradient(m) and available() and not rhs.waves_differ_in_space()
    if engine == "compiled" and not able:
        raise InputError(
            "engine 'compiled' needs CPU tensors without gradients, numba, and waveforms that are the same in all "
            "cells (amplitudes may differ); use engine='eager'"
        )
    return able and engine != "eager"


def _fixed(
    run: Run,
    rhs: RightHandSide,
    m: torch.Tensor,
    span: tuple[float, float],
    step: float,
    records: int,
    progress: Callable[[float], None] | None,
) -> Trajectory:
    start, end = span
    plan = pieces(rhs.drives, start, end, step, records)
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
    method: str,
    rhs: RightHandSide,
    compiled: bool,
    m: torch.Tensor,
    span: tuple[float, float],
    step: float | torch.Tensor,
    records: int,
    tolerance: float,
    progress: Callable[[float], None] | None,
) -> Trajectory:
    start, end = span
    kept: list[torch.Tensor] = []
    members = rhs.member_shape(m)
    first = torch.as_tensor(step, dtype=torch.float64, device=m.device)
    if first.numel() not in (1, members.numel()):
        raise InputError(f"step must be one number or one per member ({members.numel()}), got {first.numel()}")
    first = first.reshape(()) if first.numel() == 1 else first.reshape(members)
    h = (first / TIME_UNIT).expand(members).clone()
    steps = torch.zeros(members, dtype=torch.int64, device=m.device)
    mesh = MeshRun(method, rhs, m, None) if compiled and rhs.space is not None else None
    for piece, inside in pieces(rhs.drives, start, end, (end - start) / records, records, cut=True):
        if mesh is not None:
            m, h, taken = mesh.integrate(m, piece.start, piece.end, h, tolerance)
        else:
            m, h, taken = integrate(rhs, m, piece.start, piece.end, h, tolerance, TABLEAUX[method])
        steps = steps + taken
        kept += [m] if inside else []
        if progress is not None:
            progress((piece.end - start) / (end - start))
    if rhs.space is not None:
        h, steps = h.reshape(m.shape[1:-3]), steps.reshape(m.shape[1:-3])
    return Trajectory(_times(span, records), torch.stack(kept), 0.0, steps, h * TIME_UNIT)
