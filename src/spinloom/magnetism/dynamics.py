"""`simulate`: a batch of magnets through time, by one of five schemes and two engines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from spinloom.errors import InputError, PhysicsError, require_count, require_finite, require_positive, unknown_name
from spinloom.magnetism.compiled.batch import CompiledRun
from spinloom.magnetism.compiled.mesh_run import MeshRun
from spinloom.magnetism.drives import Quantity
from spinloom.magnetism.engine.eager import EagerRun
from spinloom.magnetism.engine.rates import RightHandSide, prepared_state, right_hand_side
from spinloom.magnetism.engine.schemes import ADAPTIVE, STEPS, pieces
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
    adaptive = scheme in ADAPTIVE
    if engine not in ("auto", "compiled", "eager"):
        raise unknown_name("engine", engine, ("auto", "compiled", "eager"))
    require_finite("s", start=start)
    require_count(records=records)
    first = torch.as_tensor(step, dtype=torch.float64, device=m.device)
    if not adaptive and first.numel() != 1:
        raise InputError(f"method {scheme!r} takes one step for all members, got {first.numel()}")
    if adaptive:
        if magnet.mesh is None and engine == "compiled":
            raise InputError(f"method {scheme!r} of macrospins runs on the eager engine only; use engine='auto'")
        tolerance = ADAPTIVE[scheme] if tolerance is None else tolerance
        require_positive("", tolerance=tolerance)
    rhs = right_hand_side(magnet, m, temperature)
    source, end, members = generator(seed, m.device) if thermal else None, start + duration, rhs.member_shape(m)
    run = run_of(engine, scheme, rhs, m, source)
    if first.numel() not in (1, members.numel()):
        raise InputError(f"step must be one number or one per member ({members.numel()}), got {first.numel()}")
    h = (first.reshape(() if first.numel() == 1 else members) / TIME_UNIT).expand(members).clone()
    kept, drift, steps = [], m.new_zeros(()), torch.zeros((), dtype=torch.int64)
    longest = (end - start) / records if adaptive else float(first)
    for piece, inside in pieces(rhs.drives, start, end, longest, records, cut=adaptive):
        if isinstance(run, CompiledRun) or not adaptive:
            states, off = run(piece, m, max(1, inside))
            m, drift, steps = states[-1], torch.maximum(drift, off), steps + piece.steps
            if not bool(torch.isfinite(m).all()) or not float(drift) <= _DRIFT_LIMIT:
                raise PhysicsError(
                    f"the step of {piece.step * TIME_UNIT:.3g} s is too long for these fields and currents: "
                    f"|m|^2 changed by {float(drift):.2g} in one step; use a shorter step"
                )
        else:
            assert tolerance is not None
            m, h, taken = run.integrate(m, piece.start, piece.end, h, tolerance)
            states, steps = m[None], steps.to(m.device) + taken
        kept += [states] if inside else []
        if progress is not None:
            progress((piece.end - start) / (end - start))
    time = torch.linspace(start, end, records + 1, dtype=torch.float64)[1:]
    if not adaptive:
        return Trajectory(time, torch.cat(kept), float(drift), steps)
    batch = m.shape[1:] if rhs.space is None else m.shape[1:-3]
    return Trajectory(time, torch.cat(kept), 0.0, steps.reshape(batch), h.reshape(batch) * TIME_UNIT)


def run_of(
    engine: str, scheme: str, rhs: RightHandSide, m: torch.Tensor, source: torch.Generator | None = None
) -> EagerRun | CompiledRun | MeshRun:
    """What carries states like m. Raises InputError where the compiled engine was asked for and cannot serve."""
    if _compiled(engine, rhs, m):
        if rhs.space is not None:
            return MeshRun(scheme, rhs, m, source)
        if scheme not in ADAPTIVE:
            return CompiledRun(scheme, rhs, m, source)
    return EagerRun(scheme, rhs, source)


def _scheme(method: str, magnet: Magnet, thermal: bool) -> str:
    if method == "auto":
        method = "heun" if thermal else "rk43" if magnet.mesh is not None else "rk4"
    if method not in (*STEPS, *ADAPTIVE):
        raise unknown_name("method", method, ("auto", *STEPS, *ADAPTIVE))
    if thermal and method != "heun":
        raise InputError(f"method {method!r} cannot carry thermal noise (it would bias it); use method='heun'")
    return method


def _compiled(engine: str, rhs: RightHandSide, m: torch.Tensor) -> bool:
    able = m.device.type == "cpu" and not rhs.wants_gradient(m) and not rhs.waves_differ_in_space()
    if engine == "compiled" and not able:
        raise InputError(
            "engine 'compiled' needs CPU tensors without gradients, and waveforms that are the same in all cells "
            "(amplitudes may differ); use engine='eager'"
        )
    return able and engine != "eager"
