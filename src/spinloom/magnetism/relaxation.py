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

from spinloom.errors import PhysicsError, require_count, require_positive, unknown_name
from spinloom.magnetism.compiled.batch import CompiledRun
from spinloom.magnetism.compiled.mesh_run import MeshRun
from spinloom.magnetism.drives import Constant, Drive
from spinloom.magnetism.dynamics import run_of
from spinloom.magnetism.engine.eager import EagerRun
from spinloom.magnetism.engine.rates import prepared_state, right_hand_side
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
