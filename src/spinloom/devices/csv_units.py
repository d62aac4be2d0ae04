"""Column headers of measured tables: `current_uA`, `current (mA)`, `resistance_in_plane [kOhm]`."""

import re
from dataclasses import dataclass

from spinloom.errors import InputError

PREFIXES = {"": 1.0, "n": 1e-9, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
CURRENT = {"A": ("A", 1.0)}
DENSITY = {"A/m^2": ("A/m^2", 1.0), "A/m2": ("A/m^2", 1.0), "A/cm^2": ("A/m^2", 1e4), "A/cm2": ("A/m^2", 1e4)}
VOLTAGE = {"V": ("V", 1.0)}
RESISTANCE = dict.fromkeys(("ohm", "Ohm", "\u03a9", "\u2126"), ("ohm", 1.0))
NUMBER = {"": ("", 1.0)}
QUANTITIES: dict[str, dict[str, tuple[str, float]]] = {
    "current_density": DENSITY,
    "current": CURRENT | DENSITY,
    "voltage": VOLTAGE,
    "resistance_in_plane": RESISTANCE,
    "resistance_perpendicular": RESISTANCE,
    "drive": CURRENT | DENSITY | VOLTAGE | {unit: (unit, 1.0) for unit in ("A/m", "T")},
    "value": NUMBER,
    "slope": NUMBER,
    "noise": NUMBER,
    "slope_noise": NUMBER,
    "device": NUMBER,
}
"""Quantity -> unit as spelled -> (SI unit, factor)."""


@dataclass(frozen=True)
class Header:
    """One column: its text as written, its quantity, the SI unit and the factor into it."""

    text: str
    quantity: str
    unit: str
    factor: float


def parse_header(text: str, culprit: str) -> Header:
    """What a column holds. `culprit` names the file. Raises InputError: unknown name, wrong or no unit."""
    name, spelled = _split(text)
    if name not in QUANTITIES:
        raise InputError(
            f"{culprit}: unknown column {text!r}; known are {', '.join(QUANTITIES)}, with a unit as in current_uA"
        )
    units = QUANTITIES[name]
    if not spelled and "" not in units and name != "drive":
        raise InputError(f"{culprit}: column {text!r} names no unit; write for example '{name} ({next(iter(units))})'")
    if not spelled:
        return Header(text, name, "", 1.0)
    for base, (unit, factor) in units.items():
        prefix = spelled.removesuffix(base)
        if base and spelled.endswith(base) and prefix in PREFIXES:
            return Header(text, name, unit, factor * PREFIXES[prefix])
    allowed = ", ".join(unit for unit in units if unit) if "" not in units else "no unit"
    raise InputError(
        f"{culprit}: column {text!r} has unit {spelled!r}, {name} takes {allowed}; "
        "correct the header (prefixes are n, u, m, k, M, G)"
    )


def _split(text: str) -> tuple[str, str]:
    """Name (lower case, underscores) and unit (as spelled) of `name (unit)`, `name [unit]` or `name_unit`."""
    bracketed = re.fullmatch(r"\s*(.+?)\s*[(\[]\s*(.*?)\s*[)\]]\s*", text)
    if bracketed:
        return _normal(bracketed[1]), bracketed[2]
    plain = text.strip()
    for name in sorted(QUANTITIES, key=len, reverse=True):  # slope_noise is no slope in the unit "noise"
        head, tail = _normal(plain[: len(name)]), plain[len(name) :]
        if head == name and (not tail or tail[0] in "_ "):
            return name, tail[1:].strip()
    return _normal(plain), ""


def _normal(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip()).lower()
