"""A batch of magnets through time, by one of five schemes and two engines, and to equilibrium.

Relaxation minimises the energy, or follows the equation of motion without precession. "minimize" walks along
-m x (m x B) with steps of Barzilai and Borwein, each member of the batch its own (L. Exl et al., J. Appl. Phys. 115,
17D118 (2014)); every move is a rotation, so |m| stays 1. Where the energy-free step would jump too far (more than about
a radian) it is shortened. "llg" integrates dm/dt = -m x (m x W) with error control: slower, but it never leaves the
valley it is in.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch

from spinloom.errors import InputError, PhysicsError, require_count, require_finite, require_positive, unknown_name
from spinloom.magnetism.compiled.runs import CompiledRun, MeshRun
from spinloom.magnetism.drives import Constant, Drive, Quantity
from spinloom.magnetism.engine.rates import RightHandSide, prepared_state, right_hand_side
from spinloom.magnetism.engine.schemes import ADAPTIVE, STEPS, EagerRun, pieces
from spinloom.magnetism.magnet import TIME_UNIT, Magnet
from spinloom.seeding import Seed, generator

Method = Literal["auto", "rk4", "heun", "abm3", "rk43", "dopri5"]
Engine = Literal["auto", "compiled", "eager"]
_DRIFT_LIMIT = 0.1
_LONGEST = 0.5
"""rad, largest rotation of a cell in one step of the minimiser."""


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
    scheme: str = method
    if method == "auto":
        scheme = "heun" if thermal else "rk43" if magnet.mesh is not None else "rk4"
    if scheme not in (*STEPS, *ADAPTIVE):
        raise unknown_name("method", method, ("auto", *STEPS, *ADAPTIVE))
    if thermal and scheme != "heun":
        raise InputError(f"method {method!r} cannot carry thermal noise (it would bias it); use method='heun'")
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


def _compiled(engine: str, rhs: RightHandSide, m: torch.Tensor) -> bool:
    able = m.device.type == "cpu" and not rhs.wants_gradient(m) and not rhs.waves_differ_in_space()
    if engine == "compiled" and not able:
        raise InputError(
            "engine 'compiled' needs CPU tensors without gradients, and waveforms that are the same in all cells "
            "(amplitudes may differ); use engine='eager'"
        )
    return able and engine != "eager"


@dataclass(frozen=True)
class Relaxation:
    """m (3, *batch): the state. torque: largest |m x B| of each member in T. steps: taken. converged: per member."""

    m: torch.Tensor
    torque: torch.Tensor
    steps: int
    converged: torch.Tensor


def relax(
    magnet: Magnet,
    m: torch.Tensor,
    *,
    method: Literal["minimize", "llg"] = "minimize",
    torque: float | None = None,
    most_steps: int = 20_000,
    at: float = 0.0,
    progress: Callable[[float], None] | None = None,
) -> Relaxation:
    """The equilibrium that m (3, *batch) falls into under the fields of `magnet` at time `at` (s).

    Spin torques are left out: they are not fields and need not have an equilibrium. torque: the stop criterion, largest
    |m x B| in T of every member; None is 1e-5 T in float64 and 3e-4 T in float32. A member that has arrived rests while
    others move on. progress: called with the share of the way, on a logarithmic scale.

    Returns also where it stopped after `most_steps` without arriving (`converged` False). Raises InputError for a bad
    state or an unknown method, PhysicsError for NaN.
    """
    m = prepared_state(magnet, m.detach())
    torque = torque if torque is not None else 1e-5 if m.dtype == torch.float64 else 3e-4
    require_positive("T", torque=torque)
    if method not in ("minimize", "llg"):
        raise unknown_name("method", method, ("minimize", "llg"))
    require_count(most_steps=most_steps)
    with torch.no_grad():
        rhs, one, none = right_hand_side(replace(magnet, torques=()), m), m.new_ones(()), m.new_zeros(())
        held = tuple(drive if isinstance(drive, Constant) else _Frozen(drive, at) for drive in rhs.drives)
        rhs = replace(rhs, rows=[one, none, none, *rhs.rows[3:]], drives=held)  # no precession, unit damping, no noise
        run, tesla = run_of("auto", "rk43", rhs, m), 1 / (float(magnet.material.gamma) * TIME_UNIT)
        assert not isinstance(run, CompiledRun)
        walk = _Walk(run, rhs.member_shape(m), tesla, torque / tesla, progress)
        m, worst, steps = (_minimize if method == "minimize" else _overdamped)(walk, m, most_steps)
        found = worst if rhs.space is None else worst.reshape(m.shape[1:-3])
        return Relaxation(m, tesla * found, steps, found <= walk.goal)


@dataclass(frozen=True)
class _Frozen(Drive):
    """A drive held at one instant."""

    drive: Drive
    at: float

    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        return self.drive.waveform(torch.full_like(t, self.at))


@dataclass
class _Walk:
    """Where a relaxation goes: -m x (m x W) of a state, its size, and how far it is yet.

    members: shape of one number each. tesla: T per rad/ns. goal: the torque as a rate. first: the one at the start.
    """

    run: EagerRun | MeshRun
    members: torch.Size
    tesla: float
    goal: float
    progress: Callable[[float], None] | None
    first: float = 0.0

    def __call__(self, m: torch.Tensor) -> torch.Tensor:
        return self.run.rate(m, torch.zeros((), dtype=torch.float64))

    def largest(self, field: torch.Tensor) -> torch.Tensor:
        """Of each member."""
        size = field.norm(dim=0)
        return size if size.shape == self.members else size.amax((-3, -2, -1), keepdim=True)

    def inner(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Product of each member."""
        product = (a.double() * b.double()).sum(0)
        return product if product.shape == self.members else product.sum((-3, -2, -1), keepdim=True)

    def report(self, worst: float) -> None:
        """Share of the way, on a logarithmic scale."""
        if self.progress is not None and worst > 0:
            self.first = self.first or worst
            whole, way = torch.log(torch.tensor([self.first / self.goal, self.first / worst]))
            self.progress(float((way / whole.clamp(min=1e-9)).clamp(0, 1)))


def _minimize(walk: _Walk, m: torch.Tensor, most_steps: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    g = walk(m)
    worst = walk.largest(g)
    step = 0.01 / worst.clamp(min=1e-12)
    steps = 0
    while steps < most_steps and bool((worst > walk.goal).any()):
        moving = worst > walk.goal
        step = torch.where(moving, torch.minimum(step, _LONGEST / worst.clamp(min=1e-12)), 0.0)
        # m turned along g by the angle whose tangent of half is step |g| / 2: |m| is kept
        half = step / 2
        square = (half * g).square().sum(0)
        new = ((1 - square) * m + 2 * half * g) / (1 + square)
        length = new.norm(dim=0)
        new = new / torch.where(length == 0, 1.0, length)
        new_g = walk(new)
        s, y = new - m, g - new_g  # y: change of the gradient, -g
        ss, sy, yy = (walk.inner(a, b) for a, b in ((s, s), (s, y), (y, y)))
        size = torch.where(sy > 0, (ss / sy) if steps % 2 else (sy / yy), step.double() * 2)
        step = torch.where(moving, size.nan_to_num(nan=0.0, posinf=0.0).clamp(min=1e-9), 0.0).to(m.dtype)
        m, g = new, new_g
        worst = walk.largest(g)
        if not bool(worst.isfinite().all()):
            raise PhysicsError("the relaxation met NaN; check fields and material constants")
        steps += 1
        if steps % 16 == 0:
            walk.report(float(worst.max()))
    return m, worst, steps


def _overdamped(walk: _Walk, m: torch.Tensor, most_steps: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    worst = walk.largest(walk(m))
    h, steps = 0.01 / worst.double().clamp(min=1e-12), 0
    while steps < most_steps and bool((worst > walk.goal).any()):
        stretch = 20 * float(h.max()) * TIME_UNIT
        # The error of a step keeps a state from resting, so it shrinks with the torque, to what rounding allows.
        tolerance = max(min(1e-4, 1e-4 * float(worst.max()) * walk.tesla), 1e-9 if m.dtype == torch.float64 else 1e-6)
        m, h, taken = walk.run.integrate(m, 0.0, stretch, h, tolerance)
        worst = walk.largest(walk(m))
        steps += int(taken.max())
        walk.report(float(worst.max()))
    return m, worst, steps
