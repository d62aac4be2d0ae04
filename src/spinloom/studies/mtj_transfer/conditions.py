"""What the bars of the studies on junctions have in common: whose devices, how warm, how much spread."""

from spinloom.evaluation.judging import Condition
from spinloom.studies.mtj_transfer.junctions import Junctions

ROOM = 300.0
"""K; the temperature of all bars."""


def warm(junctions: Junctions) -> Condition:
    """Simulated junctions at room temperature."""
    here = f"simulated junctions at {junctions.kelvin:g} K" if junctions.simulated else "devices from a file"
    return Condition(junctions.simulated and junctions.kelvin == ROOM, f"simulated junctions at {ROOM:g} K", here)


def spread(junctions: Junctions, here: float, wanted: float = 0.05) -> Condition:
    """Standard deviation of every physical parameter, as a fraction."""
    found = f"{100 * here:g} % spread" if junctions.simulated else "the spread of a file"
    return Condition(junctions.simulated and here == wanted, f"{100 * wanted:g} % spread", found)
