"""The right-hand side of the LLGS equation for everything local, written once, and the numbers it needs.

The rows of a reduced magnet are tensors that broadcast over the batch, in the solvers' units. Their order is fixed by a
`Layout`, so that one rate function, plain arithmetic on components, serves torch tensors (eager, differentiable, any
device) and, traced and compiled (`compiled/`), the lanes of a batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from spinloom import units
from spinloom.errors import require_non_negative
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import TIME_UNIT, Act, Components, Magnet
from spinloom.magnetism.vectors import Triple

BASE_ROWS = 9
"""damping/(1+damping^2), 1/(1+damping^2), noise, diagonal x y z, constant field x y z; then those of each term."""


class Local(NamedTuple):
    """What one term adds to W: its formula, the number of its rows, and whether it follows a drive."""

    act: Act
    rows: int
    driven: bool


class Layout(NamedTuple):
    """The terms whose effect on a cell depends on that cell only, and the terms with a drive, in their order."""

    parts: tuple[Local, ...]

    @property
    def channels(self) -> int:
        """Number of drives."""
        return sum(part.driven for part in self.parts)

    @property
    def rows(self) -> int:
        return BASE_ROWS + sum(part.rows for part in self.parts)


class Reduced(NamedTuple):
    layout: Layout
    rows: list[torch.Tensor]


def llgs(m: Components, noise: Components | None, rows: Any, waves: Any, layout: Layout) -> Components:
    """dm/dt in rad/ns, Gilbert form solved for dm/dt:

        dm/dt = -[m x W + damping m x (m x W)] / (1 + damping^2),   W = field + sum_p a_p (m x p) + b_p p

    Every torque is a part of W, and damping acts on it as Gilbert's equation demands.

    m: components. noise: thermal field and what other cells add to W, as a rate, or None. rows: reduced parameters
    in the order of `reduce_magnet`. waves: the waveform of every drive channel at this instant.
    """
    x, y, z = m
    w: Components = (rows[6] - rows[3] * x, rows[7] - rows[4] * y, rows[8] - rows[5] * z)
    if noise is not None:
        w = w[0] + noise[0], w[1] + noise[1], w[2] + noise[2]
    first, channel = BASE_ROWS, 0
    for part in layout.parts:
        w = part.act(w, m, By(lambda k, first=first: rows[first + k]), lambda channel=channel: waves[channel])  # type: ignore[misc]
        first, channel = first + part.rows, channel + part.driven
    (wx, wy, wz), relaxing, turning = w, rows[0], rows[1]
    tx, ty, tz = y * wz - z * wy, z * wx - x * wz, x * wy - y * wx
    return (
        -(turning * tx + relaxing * (y * tz - z * ty)),
        -(turning * ty + relaxing * (z * tx - x * tz)),
        -(turning * tz + relaxing * (x * ty - y * tx)),
    )


class By:
    """Values by number, each found when it is asked for: that decides the order of the traced lines."""

    def __init__(self, find: Callable[[int], Any]) -> None:
        self.find = find

    def __getitem__(self, index: int) -> Any:
        return self.find(index)


def reduce_magnet(magnet: Magnet, temperature: Quantity = 0.0) -> Reduced:
    """Rows of `magnet` at `temperature` (K), float64, differentiable in every material and geometry parameter.

    What couples cells of a mesh is not in them: see `space.py`.
    """
    rows, parts = _base_rows(magnet, temperature), []
    for term in magnet.terms():
        own, driven = term.rows(magnet), term.drive is not None
        if own or driven:
            parts.append(Local(term.formula(magnet), len(own), driven))
            rows += own
    return Reduced(Layout(tuple(parts)), rows)


def _base_rows(magnet: Magnet, temperature: Quantity) -> list[torch.Tensor]:
    damping = double(magnet.material.damping)
    diagonal = constant = [torch.zeros((), dtype=torch.float64)] * 3
    for term in magnet.fields:
        diagonal = _sum(diagonal, term.diagonal(magnet))
        constant = _sum(constant, term.constant(magnet))
    share = 1 / (1 + damping**2)
    return [damping * share, share, noise_rate(magnet, temperature), *diagonal, *constant]


def _sum(total: list[torch.Tensor], part: Triple | None) -> list[torch.Tensor]:
    return total if part is None else [a + b for a, b in zip(total, part, strict=True)]


def noise_rate(magnet: Magnet, temperature: Quantity) -> torch.Tensor:
    """Standard deviation of the thermal field as a rate, times the square root of the step: rad / ns^0.5.

    Variance 2 damping kB T / (gamma Ms V dt) of each component of B (W. F. Brown, Phys. Rev. 130, 1677 (1963)).
    """
    require_non_negative("K", temperature=temperature)
    material = magnet.material
    moment = double(material.saturation_magnetization) * double(magnet.cell_volume)
    strength = 2 * double(material.damping) * units.KB * double(temperature)
    variance = strength * material.gamma * TIME_UNIT / moment
    noisy = variance > 0  # the root has no derivative at zero
    return torch.where(noisy, torch.where(noisy, variance, 1.0).sqrt(), 0.0)
