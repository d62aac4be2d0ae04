"""Numbers for people."""

import math
from dataclasses import fields, is_dataclass
from typing import Any

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}


def si(value: float, unit: str, digits: int = 3) -> str:
    """The value with a prefix and `digits` significant digits: si(2.5e-9, "J") is "2.5 nJ"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    exponent = 3 * math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))) / 3)
    exponent = min(max(exponent, min(_PREFIXES)), max(_PREFIXES))
    return f"{value / 10.0**exponent:.{digits}g} {_PREFIXES[exponent]}{unit}"


def parameters(configuration: Any, prefix: str = "") -> dict[str, str]:
    """The fields of a (nested) dataclass as text, by dotted name."""
    found: dict[str, str] = {}
    for field in fields(configuration):
        value, name = getattr(configuration, field.name), prefix + field.name
        if is_dataclass(value):
            found |= parameters(value, f"{name}.")
        else:
            found[name] = f"{value:g}" if isinstance(value, float) else str(value)
    return found


def duration(seconds: float) -> str:
    """Seconds as "2 min 05 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
