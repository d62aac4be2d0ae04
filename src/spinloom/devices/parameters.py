"""What a parameter can be, beyond which its unit has slipped, and how it differs from device to device.

What is impossible is refused, what is unusual a warning. The bounds are wide on purpose: they are there for 80 m in
place of 80 nm, not to judge a material.
"""

import math
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch

from spinloom import errors, units
from spinloom.errors import InputError, require_number, require_quantity, require_sign
from spinloom.magnetism import Quantity, double

_PERCENT = (0.01, "%")
_METRES = ((1e-9, "nm"), (1e-6, "um"))
_AMPERES = ((1e-6, "uA"), (1e-3, "mA"))


@dataclass(frozen=True)
class Parameter:
    """What one parameter of a device can be, in `unit` (SI, "" for a plain number).

    Usual magnitudes lie from `low` to `high`, others are a warning (low is 0 where a small value is no slip); none is
    above `most`. slips: (factor, unit): a value times the factor is what was meant where it was given in that unit.
    spread: the name under which a `Spread` varies it from device to device, "" where it does not. single: one number
    for all devices; others may also be tensors, (devices, 1) once fabricated.
    """

    unit: str = ""
    low: float = 0.0
    high: float = math.inf
    most: float = math.inf
    slips: tuple[tuple[float, str], ...] = ()
    sign: errors.Sign = "positive"
    spread: str = ""
    single: bool = False


KNOWN = {
    "diameter": Parameter("m", 3e-9, 2e-5, 1e-3, _METRES),
    "thickness": Parameter("m", 1e-10, 2e-7, 1e-4, _METRES),
    "resolution": Parameter("m", 1e-10, 1e-6, 1e-3, _METRES),
    "saturation_magnetization": Parameter("A/m", 5e3, 3e6, 1e7, ((1 / units.MU0, "T"), (1e3, "emu/cm^3 or kA/m"))),
    **dict.fromkeys(("damping", "linewidth"), Parameter("", 0.0, 0.5, 10.0, (_PERCENT,))),
    "residual_field": Parameter("T", 0.0, 2.0, 20.0, ((1e-3, "mT"), (units.MU0, "A/m")), "any"),
    "interface_anisotropy": Parameter("J/m^2", 0.0, 1e-2, 1.0, ((1e-3, "mJ/m^2"),), "any"),
    "exchange_stiffness": Parameter("J/m", 1e-14, 1e-9, 1e-6, ((1e-12, "pJ/m"), (1e-5, "erg/cm"))),
    **dict.fromkeys(("polarization", "reset_polarization"), Parameter("", 0.0, 1.0, 1.0, (_PERCENT,))),
    "field_like": Parameter("", 0.0, 10.0, 1e4, (_PERCENT,), "any"),
    "conductance": Parameter("S", 1e-12, 1.0, 1e6, ((1e-6, "uS"), (1e-9, "nS"))),
    **dict.fromkeys(("pulse", "reset", "read"), Parameter("s", 1e-13, 1e-6, 1e-3, ((1e-9, "ns"), (1e-12, "ps")))),
    "read_voltage": Parameter("V", 1e-5, 2.0, 50.0, ((1e-3, "mV"),)),
    "amplifier_noise": Parameter("of full scale", 0.0, 0.5, 1e4, (_PERCENT,), "non-negative"),
    "tilt": Parameter("rad", 0.0, math.pi / 2, 1e4, ((units.DEGREE, "degrees"),), "any"),
    "current_density": Parameter("A/m^2", 1e6, 1e14, 1e18, ((1e10, "MA/cm^2"), (1e4, "A/cm^2")), "any"),
    "resistance_area": Parameter("ohm m^2", 0.0, 1e-6, 1e-3, ((1e-12, "ohm um^2"),)),
    "tmr": Parameter("", 0.0, 12.0, 50.0, (_PERCENT,)),
    "spread": Parameter("", 0.0, 1.0, 100.0, (_PERCENT,), "non-negative"),
    "read_noise": Parameter("of full scale", 0.0, 1.0, 1e4, (_PERCENT,), "non-negative"),
    "temperature": Parameter("K", 0.0, 1500.0, 1e6, (), "non-negative"),
    # the closed forms of the radio devices have no scale of their own: nothing is impossible there
    "frequency": Parameter("Hz", 1e6, 1e12, math.inf, ((1e9, "GHz"), (1e6, "MHz"))),
    "threshold": Parameter("A", 1e-10, 0.1, math.inf, _AMPERES),
    "largest_current": Parameter("A", 1e-10, 0.5, math.inf, _AMPERES),
}
"""By name, the same in every device; a class says what is its own."""


def known(*names: str, spread: bool | str = False, **changes: Any) -> dict[str, Parameter]:
    """Parameters of `KNOWN` for a class, with changes. spread: each varies under its own, or that name."""
    under = {name: name if spread is True else spread or "" for name in names}
    return {name: replace(KNOWN[name], spread=under[name], **changes) for name in names}


def require_parameters(device: Any) -> None:
    """Check every parameter of a device. Raises InputError for an impossible one, SpinloomWarning for a slip.

    A parameter whose default is None may be None; one whose default is a pair is a pair.
    """
    defaults = {part.name: part.default for part in fields(device)}
    for name, parameter in device.parameters.items():
        value, unit, default = getattr(device, name), parameter.unit, defaults.get(name)
        if value is None and default is None:
            continue
        if isinstance(default, tuple) and (not isinstance(value, tuple | list) or len(value) != len(default)):
            raise InputError(f"{name} must be a pair of numbers in {unit}, got {value!r}")
        for part in value if isinstance(default, tuple) else (value,):
            if parameter.single:
                require_number(unit, **{name: part})
            require_quantity(**{name: part})
            require_sign(unit, parameter.sign, **{name: part})
            _require_usual(name, part, parameter)


def require_plausible(**quantities: Quantity | None) -> None:
    """Raise InputError for what is impossible in any device, by its name in `KNOWN`; SpinloomWarning for the unusual.

    None and 0 pass. A design is a number or a tensor (): fabricated devices (devices, 1) were drawn from one and do not
    warn again.
    """
    for name, quantity in quantities.items():
        if quantity is not None:
            require_quantity(**{name: quantity})
            _require_usual(name, quantity, KNOWN[name])


def refuse(wrong: torch.Tensor, message: str) -> None:
    """Raise InputError where anything is wrong."""
    if bool(wrong.any()):
        raise InputError(message)


def warn(message: str) -> None:
    """SpinloomWarning at the line outside Spinloom that made the device or the call."""
    level, frame, inside = 2, sys._getframe(1), ("spinloom", "dataclasses")
    while frame.f_back and (
        frame.f_globals.get("__name__", "").split(".")[0] in inside or frame.f_code.co_filename == "<string>"
    ):  # the last is the __init__ of a dataclass
        level, frame = level + 1, frame.f_back
    warnings.warn(message, errors.SpinloomWarning, stacklevel=level)


def _require_usual(name: str, quantity: Quantity, known: Parameter) -> None:
    given = double(quantity).detach()
    largest = float(given.flatten()[given.abs().argmax()])
    if abs(largest) > known.most:
        raise InputError(f"{name} must be at most {_with_unit(known.most, known.unit)}{_got(largest, known)}")
    if given.ndim == 0 and given != 0 and not known.low <= abs(float(given)) <= known.high:
        usual = f"{name} is usually {known.low:g} to {_with_unit(known.high, known.unit)}"
        warn(usual + _got(float(given), known))


def _got(value: float, known: Parameter) -> str:
    """The value, and what it would be in the units that the person may have had in mind."""
    fits = [
        f"{_with_unit(value * factor, known.unit)} ({_with_unit(value, unit)})"
        for factor, unit in known.slips
        if known.low <= abs(value * factor) <= known.high
    ]
    hint = f"; did you mean {' or '.join(fits)}?" if fits else ""
    return f", got {_with_unit(value, known.unit)}{hint}"


def _with_unit(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}".rstrip()


class Spread:
    """Standard deviations relative to the nominal value (0.05 is 5 %), by the name of a device's parameter.

    `Spread(diameter=0.03, damping=0.2)`, or a mapping of names. Angles are relative to a right angle: polarizer_angle
    of the two-polarizer junction tilts each polarizer, independently and in both directions, 0.05 by 4.5 degrees.
    Positive parameters are log-normal, so that 20 % never makes a negative thickness; tilts are normal.

    Raises InputError for what is no number >= 0; a device raises it for a name that it does not spread.
    """

    def __init__(self, sigmas: Mapping[str, float] | None = None, /, **named: float) -> None:
        if sigmas is not None and not isinstance(sigmas, Mapping):
            raise InputError(f"a Spread must be made of parameters, Spread(diameter=0.05), got {sigmas!r}")
        self.sigmas: dict[str, float] = {**(sigmas or {}), **named}
        self.others = 0.0
        _require_spread(**self.sigmas)

    @classmethod
    def uniform(cls, sigma: float) -> "Spread":
        """The same relative spread on every physical parameter."""
        _require_spread(spread=sigma)
        made = cls()
        made.others = sigma
        return made

    def draw(self, name: str, devices: int, source: torch.Generator, tilt: bool = False) -> torch.Tensor:
        """Factors of a parameter, log-normal with mean 1, or with `tilt` angles in rad; (devices, 1), float64."""
        sigma = self.sigmas.get(name, self.others)
        normal = torch.randn(devices, generator=source, dtype=torch.float64).unsqueeze(-1)
        if tilt:
            return sigma * math.pi / 2 * normal
        width = math.sqrt(math.log1p(sigma**2))
        return torch.exp(width * normal - width**2 / 2)

    def require_known(self, names: Iterable[str]) -> None:
        """Raise InputError where a parameter is named that is not among those that spread."""
        known = set(names)
        for name in self.sigmas.keys() - known:
            raise errors.unknown_name("parameter of the spread", name, known)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spread) and (self.sigmas, self.others) == (other.sigmas, other.others)

    def __hash__(self) -> int:
        return hash((tuple(self.sigmas.items()), self.others))

    def __repr__(self) -> str:
        named = ", ".join(f"{name}={sigma!r}" for name, sigma in self.sigmas.items())
        return f"Spread.uniform({self.others!r})" if self.others else f"Spread({named})"


def _require_spread(**sigmas: float) -> None:
    require_number("(relative)", "non-negative", **sigmas)
    require_plausible(spread=max(sigmas.values(), default=0.0))


def as_spread(given: Any) -> Spread:
    """A `Spread` from one, a plain fraction for everything that spreads, or None. Raises InputError."""
    if given is None or isinstance(given, Spread):
        return given or Spread()
    try:
        return Spread.uniform(given)
    except InputError as error:
        raise InputError(f"spread must be a fraction such as 0.05 or a Spread, got {given!r} ({error})") from error
