"""What was published beside what was measured, and whether it may be judged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from spinloom.devices import DeviceSource
from spinloom.report.tables import Table
from spinloom.units import ROOM_TEMPERATURE as ROOM


@dataclass(frozen=True)
class Claim:
    """One published figure and the same figure measured here.

    uncertainty: standard error of `measured`, same unit; None where it is exact or unknown.
    holds: whether the measured figure is at least as good as the published one; None where it is not judged.
    source: where the published figure stands. digits: shown behind the point. unjudged: why it is not judged.
    """

    name: str
    published: float
    measured: float
    unit: str
    holds: bool | None
    source: str = ""
    uncertainty: float | None = None
    digits: int = 2
    unjudged: str = ""


def at_most(
    name: str, published: float, measured: float, unit: str, source: str, uncertainty: float | None = None
) -> Claim:
    """A claim that holds if `measured` does not exceed `published`, as for a loss."""
    return Claim(name, published, measured, unit, measured <= published, source, uncertainty)


def at_least(
    name: str, published: float, measured: float, unit: str, source: str, uncertainty: float | None = None
) -> Claim:
    """A claim that holds if `measured` reaches `published`, as for an accuracy."""
    return Claim(name, published, measured, unit, measured >= published, source, uncertainty)


@dataclass(frozen=True)
class Condition:
    """One thing that a bar is set for. wanted, here: what it asks for and what the run had, in words."""

    met: bool
    wanted: str
    here: str


def one_of(here: str, *wanted: str) -> Condition:
    """A name, of a data set say."""
    return Condition(here in wanted, " or ".join(wanted), here)


def same(here: object, wanted: object, words: str) -> Condition:
    """A value that must be the bar's own. words: "{:g} % spread" or the like."""
    return Condition(here == wanted, words.format(wanted), words.format(here))


def enough(here: int, least: int, what: str) -> Condition:
    """So many or more. what: is counted, "networks" say."""
    found = f"{here:,} {what}" if here != 1 else f"one {what[:-1]}"
    return Condition(here >= least, f"{least:,} {what} or more", found)


def several(networks: int) -> Condition:
    """As many as it takes to know an error: one network says nothing of it."""
    return enough(networks, 2, "networks")


def at_room_temperature(source: DeviceSource) -> Condition:
    """Simulated junctions at room temperature, the one of all bars."""
    here = f"simulated junctions at {source.kelvin:g} K" if source.simulated else "devices from a file"
    return Condition(source.simulated and source.kelvin == ROOM, f"simulated junctions at {ROOM:g} K", here)


def with_spread(source: DeviceSource, here: float, wanted: float = 0.05) -> Condition:
    """Standard deviation of every physical parameter, as a fraction."""
    found = f"{100 * here:g} % spread" if source.simulated else "the spread of a file"
    return Condition(source.simulated and here == wanted, f"{100 * wanted:g} % spread", found)


def judge(claim: Claim, conditions: Iterable[Condition]) -> Claim:
    """The claim as it is where all conditions are met; else not judged, and it says what differs."""
    unmet = [one for one in conditions if not one.met]
    if not unmet:
        return claim
    wanted, here = ", ".join(one.wanted for one in unmet), ", ".join(one.here for one in unmet)
    return replace(claim, holds=None, unjudged=f"set for {wanted}; this run had {here}")


def claims_table(claims: Sequence[Claim]) -> Table:
    """What was published, or set as a bar, against what was measured; below, why some is not judged, and sources."""
    judged = {True: "yes", False: "no", None: "not judged"}
    rows = tuple(
        (one.name, *(f"{text} {one.unit}".strip() for text in (f"{one.published:g}", _shown(one))), judged[one.holds])
        for one in claims
    )
    sources = (f"{claim.name}: {claim.source}" for claim in claims if claim.source)
    names: dict[str, list[str]] = {}
    for claim in claims:
        if claim.unjudged:
            names.setdefault(claim.unjudged, []).append(claim.name)
    reasons = (f"Not judged ({', '.join(named)}): {reason}." for reason, named in names.items())
    return Table("Claims", ("claim", "bar", "measured", "holds"), rows, "\n".join((*reasons, *sources)))


def _shown(claim: Claim) -> str:
    margin = "" if claim.uncertainty is None else f" ± {claim.uncertainty:.{claim.digits}f}"
    return f"{claim.measured:.{claim.digits}f}{margin}"
