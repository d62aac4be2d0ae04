"""Numbers for people."""

import math
from dataclasses import fields, is_dataclass
from typing import Any


def si(value: float, unit: str) -> str:
    """The value with a prefix and three significant digits: si(2.5e-9, "J") is "2.5 nJ"."""
    from matplotlib.ticker import EngFormatter  # only where a number is shown: it takes long to load

    if not math.isfinite(value):
        return f"{value:g} {unit}"
    return EngFormatter(unit)(float(f"{value:.2e}")).replace("\N{MINUS SIGN}", "-")


def parameters(configuration: Any, prefix: str = "") -> dict[str, str]:
    """The fields of a (nested) dataclass as text, by dotted name."""
    found: dict[str, str] = {}
    for field in fields(configuration):
        value, name = getattr(configuration, field.name), prefix + field.name
        text = f"{value:g}" if isinstance(value, float) else str(value)
        found |= parameters(value, f"{name}.") if is_dataclass(value) else {name: text}
    return found


def duration(seconds: float) -> str:
    """Seconds as "2 min 05 s"."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
