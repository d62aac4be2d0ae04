"""What the bars of the studies on junctions have in common: whose devices, how warm, how much spread."""

from spinloom.devices import DeviceSource
from spinloom.report.judging import Condition
from spinloom.units import ROOM_TEMPERATURE as ROOM


def at_room_temperature(source: DeviceSource) -> Condition:
    """Simulated junctions at room temperature, the one of all bars."""
    here = f"simulated junctions at {source.kelvin:g} K" if source.simulated else "devices from a file"
    return Condition(source.simulated and source.kelvin == ROOM, f"simulated junctions at {ROOM:g} K", here)


def with_spread(source: DeviceSource, here: float, wanted: float = 0.05) -> Condition:
    """Standard deviation of every physical parameter, as a fraction."""
    found = f"{100 * here:g} % spread" if source.simulated else "the spread of a file"
    return Condition(source.simulated and here == wanted, f"{100 * wanted:g} % spread", found)
