"""From SI to the solver's units, in one place: times in ns, every field as a precession rate in rad/ns.

The rows of a reduced magnet are tensors that broadcast over the batch. Their order is fixed by a `Layout`, so that one
rate function (`rates.py`) serves torch tensors and compiled loops alike.
"""

from typing import NamedTuple

import torch

from spinloom import units
from spinloom.errors import require_non_negative
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.fields import Applied, Cubic, Demagnetization, Interlayer, Oersted, Uniaxial
from spinloom.magnetism.links import LinkTerm
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.torques import rate_per_current
from spinloom.magnetism.vectors import unit

TIME_UNIT = 1e-9
"""s per unit of the solver's time."""


class Layout(NamedTuple):
    """How many of each term. Drive channels are numbered: voltages, currents, fields, flows."""

    uniaxial: int
    polarizers: int
    applied: int
    angular: bool  # some polarizer has an angular factor: costs one division per polarizer and stage
    cubic: int = 0
    flows: int = 0  # Zhang-Li torques: no rows here, they couple cells

    @property
    def channels(self) -> int:
        return self.uniaxial + self.polarizers + self.applied + self.flows


# Rows: damping/(1+damping^2), 1/(1+damping^2), noise, demagnetisation x y z, static field x y z, then per uniaxial term
# (axis x y z, K1, K2, K1 per drive), per polarizer (p x y z, damping-like, field-like, A, B), per applied field (x, y,
# z), per cubic term (three axes x y z, K1, K2).
BASE_ROWS, UNIAXIAL_ROWS, POLARIZER_ROWS, APPLIED_ROWS, CUBIC_ROWS = 9, 6, 7, 3, 11


class Reduced(NamedTuple):
    layout: Layout
    rows: list[torch.Tensor]


def reduce_magnet(magnet: Magnet, temperature: Quantity = 0.0) -> Reduced:
    """Rows of `magnet` at `temperature` (K), float64, differentiable in every material and geometry parameter.

    What couples cells of a mesh is not in them: see `space.py`.
    """
    uniaxial = [term for term in magnet.fields if isinstance(term, Uniaxial)]
    applied = [term for term in magnet.fields if isinstance(term, Applied | Oersted)]
    cubic = [term for term in magnet.fields if isinstance(term, Cubic)]
    angular = any(bool((torque.coefficients()[1] != 0).any()) for torque in magnet.polarizers)
    flows = len(magnet.in_plane_currents)
    layout = Layout(len(uniaxial), len(magnet.polarizers), len(applied), angular, len(cubic), flows)
    rows = _base_rows(magnet, temperature)
    for term in uniaxial:
        rows += _uniaxial_rows(term, magnet)
    for torque in magnet.polarizers:
        a, b = torque.coefficients()
        if not angular:  # fold the constant factor into the rate
            a, b = 1 / a, torch.zeros_like(a)
        rate = (
            rate_per_current(magnet.material, torque.thickness) * TIME_UNIT * double(torque.current_density.amplitude)
        )
        rate = rate if angular else rate * a
        contact = getattr(torque, "contact", None)
        rate = rate if contact is None else rate * double(contact)
        rows += [*unit(torque.polarizer, "polarizer"), rate, rate * double(torque.field_like), a, b]
    rate_per_field = magnet.material.gamma * units.MU0 * TIME_UNIT
    for external in applied:
        rows += [rate_per_field * double(external.drive.amplitude) * component for component in external.vector()]
    scale = magnet.material.gamma * TIME_UNIT / double(magnet.material.saturation_magnetization)
    for crystal in cubic:
        rows += [*(component for axis in crystal.axes() for component in axis)]
        rows += [2 * scale * double(crystal.k1), 2 * scale * double(crystal.k2)]
    return Reduced(layout, rows)


def _base_rows(magnet: Magnet, temperature: Quantity) -> list[torch.Tensor]:
    material = magnet.material
    damping, ms = double(material.damping), double(material.saturation_magnetization)
    per_field = material.gamma * units.MU0 * TIME_UNIT
    demag = [torch.zeros((), dtype=torch.float64)] * 3
    static = [torch.zeros((), dtype=torch.float64)] * 3
    for term in magnet.fields:
        if isinstance(term, Demagnetization):
            demag = [total + per_field * ms * double(n) for total, n in zip(demag, term.factors(), strict=True)]
        if isinstance(term, Interlayer):
            strength = material.gamma * TIME_UNIT * double(term.coupling) / (ms * term.thickness)
            direction = unit(term.other, "direction of the other layer")
            static = [total + strength * c for total, c in zip(static, direction, strict=True)]
        if isinstance(term, LinkTerm):
            edges = [2 * material.gamma * TIME_UNIT / ms * (0.0 if k is None else k) for k in term.edges(magnet)]
            demag = [total + k for total, k in zip(demag, edges, strict=True)]
    share = 1 / (1 + damping**2)
    return [damping * share, share, noise_rate(magnet, temperature), *demag, *static]


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


def _uniaxial_rows(term: Uniaxial, magnet: Magnet) -> list[torch.Tensor]:
    scale = magnet.material.gamma * TIME_UNIT / double(magnet.material.saturation_magnetization)
    slope = -2 * scale * term.voltage_slope * double(term.voltage.amplitude)
    return [*unit(term.axis, "anisotropy axis"), 2 * scale * term.k1, 4 * scale * term.k2, slope]
