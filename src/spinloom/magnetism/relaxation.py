"""Relaxation to equilibrium: by energy minimisation, or by the equation of motion without precession.

"minimize" walks along -m x (m x B) with steps of Barzilai and Borwein, each member of the batch its own (L. Exl et al.,
J. Appl. Phys. 115, 17D118 (2014)); every move is a rotation, so |m| stays 1. Where the energy-free step would jump too
far (more than about a radian) it is shortened. "llg" integrates dm/dt = -m x (m x W) with error control: slower, but it
never leaves the valley it is in.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch

from spinloom.errors import InputError, PhysicsError, require_positive, unknown_name
from spinloom.magnetism.compiled.compiled_engine import available
from spinloom.magnetism.compiled.mesh_engine import MeshRun
from spinloom.magnetism.compiled.mesh_rates import MeshRates
from spinloom.magnetism.drives import Drive
from spinloom.magnetism.engine.adaptive import TABLEAUX, integrate
from spinloom.magnetism.engine.right_hand_side import RightHandSide, prepared_state, right_hand_side
from spinloom.magnetism.magnet import TIME_UNIT, Magnet

_LONGEST = 0.5
"""rad, largest rotation of a cell in one step of the minimiser."""


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
    if not isinstance(most_steps, int) or most_steps < 1:
        raise InputError(f"most_steps must be a whole number >= 1, got {most_steps!r}")
    with torch.no_grad():
        rhs = _descent(right_hand_side(replace(magnet, torques=()), m), m)
        tesla = 1 / (float(magnet.material.gamma) * TIME_UNIT)
        run = _minimize if method == "minimize" else _overdamped
        return run(rhs, m, torque / tesla, tesla, most_steps, at, _share_of(progress, torque / tesla))


def _descent(rhs: RightHandSide, m: torch.Tensor) -> RightHandSide:
    """The same fields with dm/dt = -m x (m x W): no precession, unit damping, no noise."""
    one, none = m.new_ones(()), m.new_zeros(())
    return replace(rhs, rows=[one, none, none, *rhs.rows[3:]])


def _share_of(progress: Callable[[float], None] | None, goal: float) -> Callable[[float], None]:
    started: list[float] = []

    def report(worst: float) -> None:
        if progress is not None and worst > 0:
            started.append(worst) if not started else None
            way = torch.log(torch.tensor([started[0] / goal, started[0] / worst]))
            progress(float((way[1] / way[0].clamp(min=1e-9)).clamp(0, 1)))

    return report


def _largest(field: torch.Tensor, members: torch.Size) -> torch.Tensor:
    size = field.norm(dim=0)
    return size if size.shape == members else size.amax((-3, -2, -1), keepdim=True)


def _inner(a: torch.Tensor, b: torch.Tensor, members: torch.Size) -> torch.Tensor:
    product = (a.double() * b.double()).sum(0)
    return product if product.shape == members else product.sum((-3, -2, -1), keepdim=True)


class _Descent:
    """-m x (m x W) of a state, compiled where that serves."""

    def __init__(self, rhs: RightHandSide, m: torch.Tensor, at: float) -> None:
        self.rhs, self.seconds = rhs, torch.tensor(at, dtype=torch.float64)
        compiled = rhs.space is not None and m.device.type == "cpu" and available()
        self.mesh = MeshRates(rhs, m, False) if compiled and not rhs.waves_differ_in_space() else None
        if self.mesh is not None:
            waves = [drive.waveform(self.seconds).expand(*self.mesh.batch, 1, 1, 1) for drive in rhs.drives]
            empty = torch.ones(1, self.mesh.members)
            table = torch.stack(waves).reshape(len(waves), -1) if waves else empty
            self.waves = table.to(m.dtype).numpy()

    def __call__(self, m: torch.Tensor) -> torch.Tensor:
        if self.mesh is None:
            return self.rhs.at(m, self.seconds)
        out = torch.empty(3 * self.mesh.cells, dtype=m.dtype)
        self.mesh(self.mesh.flat(m), self.waves, out.numpy())
        return out.reshape(m.shape)


def _minimize(
    rhs: RightHandSide,
    m: torch.Tensor,
    goal: float,
    tesla: float,
    most_steps: int,
    at: float,
    report: Callable[[float], None],
) -> Relaxation:
    descent = _Descent(rhs, m, at)
    members = rhs.member_shape(m)
    g = descent(m)
    worst = _largest(g, members)
    step = 0.01 / worst.clamp(min=1e-12)
    steps = 0
    while steps < most_steps and bool((worst > goal).any()):
        moving = worst > goal
        step = torch.where(moving, torch.minimum(step, _LONGEST / worst.clamp(min=1e-12)), 0.0)
        new = _rotated(m, g, step)
        new_g = descent(new)
        s, y = new - m, g - new_g  # y: change of the gradient, -g
        ss, sy, yy = (_inner(a, b, members) for a, b in ((s, s), (s, y), (y, y)))
        size = torch.where(sy > 0, (ss / sy) if steps % 2 else (sy / yy), step.double() * 2)
        step = torch.where(moving, size.nan_to_num(nan=0.0, posinf=0.0).clamp(min=1e-9), 0.0).to(m.dtype)
        m, g = new, new_g
        worst = _largest(g, members)
        if not bool(worst.isfinite().all()):
            raise PhysicsError("the relaxation met NaN; check fields and material constants")
        steps += 1
        if steps % 16 == 0:
            report(float(worst.max()))
    return _outcome(m, worst, tesla, goal, steps, rhs)


def _rotated(m: torch.Tensor, g: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """m turned along g (perpendicular to it) by the angle whose tangent of half is step |g| / 2: |m| is kept."""
    half = step / 2
    square = (half * g).square().sum(0)
    moved = ((1 - square) * m + 2 * half * g) / (1 + square)
    length = moved.norm(dim=0)
    return moved / torch.where(length == 0, 1.0, length)


def _overdamped(
    rhs: RightHandSide,
    m: torch.Tensor,
    goal: float,
    tesla: float,
    most_steps: int,
    at: float,
    report: Callable[[float], None],
) -> Relaxation:
    descent, members = _Descent(rhs, m, at), rhs.member_shape(m)
    fixed = replace(rhs, drives=tuple(_Frozen(drive, at) for drive in rhs.drives))
    worst = _largest(descent(m), members)
    h = 0.01 / worst.double().clamp(min=1e-12)
    steps, compiled = 0, descent.mesh is not None
    run = MeshRun("rk43", fixed, m, None) if compiled else None
    while steps < most_steps and bool((worst > goal).any()):
        stretch = 20 * float(h.max()) * TIME_UNIT
        # The error of a step keeps a state from resting, so it shrinks with the torque, to what rounding allows.
        tolerance = max(min(1e-4, 1e-4 * float(worst.max()) * tesla), 1e-9 if m.dtype == torch.float64 else 1e-6)
        if run is not None:
            m, h, taken = run.integrate(m, 0.0, stretch, h, tolerance)
        else:
            m, h, taken = integrate(fixed, m, 0.0, stretch, h, tolerance, TABLEAUX["rk43"])
        worst = _largest(descent(m), members)
        steps += int(taken.max())
        report(float(worst.max()))
    return _outcome(m, worst, tesla, goal, steps, rhs)


def _outcome(
    m: torch.Tensor, worst: torch.Tensor, tesla: float, goal: float, steps: int, rhs: RightHandSide
) -> Relaxation:
    found = worst if rhs.space is None else worst.reshape(m.shape[1:-3])
    return Relaxation(m, tesla * found, steps, found <= goal)


@dataclass(frozen=True)
class _Frozen(Drive):
    """A drive held at one instant."""

    drive: Drive
    at: float

    def waveform(self, t: torch.Tensor) -> torch.Tensor:
        return self.drive.waveform(torch.full_like(t, self.at))
