"""What the bars of the studies on junctions have in common: whose devices, how warm, how much spread."""

from collections.abc import Iterable
from dataclasses import replace

from spinloom.devices import DeviceSource
from spinloom.report import Claim, Condition

ROOM = 300.0
"""K; the temperature of all bars."""


def warm(junctions: DeviceSource) -> Condition:
    """Simulated junctions at room temperature."""
    here = f"simulated junctions at {junctions.kelvin:g} K" if junctions.simulated else "devices from a file"
    return Condition(junctions.simulated and junctions.kelvin == ROOM, f"simulated junctions at {ROOM:g} K", here)


def spread(junctions: DeviceSource, here: float, wanted: float = 0.05) -> Condition:
    """Standard deviation of every physical parameter, as a fraction."""
    found = f"{100 * here:g} % spread" if junctions.simulated else "the spread of a file"
    return Condition(junctions.simulated and here == wanted, f"{100 * wanted:g} % spread", found)


def on(junctions: DeviceSource, claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims; their sources name changed parameters, which bars say nothing of but which make another device."""
    with_changes = f"; junctions with {', '.join(junctions.changes)}" if junctions.changes else ""
    return tuple(replace(claim, source=claim.source + with_changes) for claim in claims)
