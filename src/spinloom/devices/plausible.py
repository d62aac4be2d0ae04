"""What a parameter can be: beyond it the unit has slipped. Refused where impossible, a warning where unusual.

The bounds are wide on purpose: they are there for 80 m in place of 80 nm, not to judge a material.
"""

import math
import warnings
from dataclasses import dataclass

from spinloom import units
from spinloom.errors import InputError, SpinloomWarning, require_quantity
from spinloom.magnetism import Quantity, double

_PERCENT = (0.01, "%")
_METRES = ((1e-9, "nm"), (1e-6, "um"))
_SECONDS = ((1e-9, "ns"), (1e-12, "ps"))
_AMPERES = ((1e-6, "uA"), (1e-3, "mA"))
_HERTZ = ((1e9, "GHz"), (1e6, "MHz"))


@dataclass(frozen=True)
class Range:
    """Usual magnitudes lie from `low` to `high`, none above `most`; all in `unit`.

    slips: (factor, unit): a value times the factor is what was meant where it was given in the other unit.
    """

    unit: str
    low: float
    high: float
    most: float
    slips: tuple[tuple[float, str], ...] = ()

    def usual(self, value: float) -> bool:
        return self.low <= abs(value) <= self.high


RANGES = {
    "diameter": Range("m", 3e-9, 2e-5, 1e-3, _METRES),
    "thickness": Range("m", 1e-10, 2e-7, 1e-4, _METRES),
    "resolution": Range("m", 1e-10, 1e-6, 1e-3, _METRES),
    "saturation_magnetization": Range("A/m", 5e3, 3e6, 1e7, ((1 / units.MU0, "T"), (1e3, "emu/cm^3 or kA/m"))),
    "damping": Range("", 0.0, 0.5, 10.0, (_PERCENT,)),
    "residual_field": Range("T", 0.0, 2.0, 20.0, ((1e-3, "mT"), (units.MU0, "A/m"))),
    "interface_anisotropy": Range("J/m^2", 0.0, 1e-2, 1.0, ((1e-3, "mJ/m^2"),)),
    "exchange_stiffness": Range("J/m", 1e-14, 1e-9, 1e-6, ((1e-12, "pJ/m"), (1e-5, "erg/cm"))),
    "polarization": Range("", 0.0, 1.0, 1.0, (_PERCENT,)),
    "reset_polarization": Range("", 0.0, 1.0, 1.0, (_PERCENT,)),
    "field_like": Range("", 0.0, 10.0, 1e4, (_PERCENT,)),
    "pulse": Range("s", 1e-13, 1e-6, 1e-3, _SECONDS),
    "reset": Range("s", 1e-13, 1e-6, 1e-3, _SECONDS),
    "read": Range("s", 1e-13, 1e-6, 1e-3, _SECONDS),
    "read_voltage": Range("V", 1e-5, 2.0, 50.0, ((1e-3, "mV"),)),
    "amplifier_noise": Range("of full scale", 0.0, 0.5, 1e4, (_PERCENT,)),
    "tilt": Range("rad", 0.0, math.pi / 2, 1e4, ((units.DEGREE, "degrees"),)),
    "current_density": Range("A/m^2", 1e6, 1e14, 1e18, ((1e10, "MA/cm^2"), (1e4, "A/cm^2"))),
    "resistance_area": Range("ohm m^2", 0.0, 1e-6, 1e-3, ((1e-12, "ohm um^2"),)),
    "tmr": Range("", 0.0, 12.0, 50.0, (_PERCENT,)),
    "spread": Range("", 0.0, 1.0, 100.0, (_PERCENT,)),
    "read_noise": Range("of full scale", 0.0, 1.0, 1e4, (_PERCENT,)),
    "temperature": Range("K", 0.0, 1500.0, 1e6),
    # the closed forms of the radio devices have no scale of their own: nothing is impossible there
    "frequency": Range("Hz", 1e6, 1e12, math.inf, _HERTZ),
    "threshold": Range("A", 1e-10, 0.1, math.inf, _AMPERES),
    "largest_current": Range("A", 1e-10, 0.5, math.inf, _AMPERES),
}
"""low is 0 where a small value is no slip."""


def require_plausible(*, stacklevel: int = 4, **quantities: Quantity | None) -> None:
    """Raise InputError for what is impossible in any device; SpinloomWarning for a design that is unusual.

    Names are those of `RANGES`, values finite; None and 0 pass, lists and arrays do not. A design is a number or a
    tensor (): fabricated devices (devices, 1) were drawn from one and do not warn again.
    stacklevel: of the warning, from a `__post_init__`.
    """
    for name, quantity in quantities.items():
        if quantity is None:
            continue
        require_quantity(**{name: quantity})
        given, known = double(quantity).detach(), RANGES[name]
        largest = float(given.flatten()[given.abs().argmax()])
        if abs(largest) > known.most:
            raise InputError(f"{name} must be at most {_with_unit(known.most, known.unit)}{_got(largest, known)}")
        if given.ndim == 0 and given != 0 and not known.usual(float(given)):
            usual = f"{name} is usually {known.low:g} to {_with_unit(known.high, known.unit)}"
            warnings.warn(usual + _got(float(given), known), SpinloomWarning, stacklevel=stacklevel)


def _got(value: float, known: Range) -> str:
    """The value, and what it would be in the units that the person may have had in mind."""
    fits = [
        f"{_with_unit(value * factor, known.unit)} ({_with_unit(value, unit)})"
        for factor, unit in known.slips
        if known.usual(value * factor)
    ]
    hint = f"; did you mean {' or '.join(fits)}?" if fits else ""
    return f", got {_with_unit(value, known.unit)}{hint}"


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}".rstrip()
