"""Whether a claim may be judged: only where the run had what its bar is set for."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from spinloom.report.claims import Claim


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
    return Condition(
        here >= least, f"{least:,} {what} or more", f"{here:,} {what}" if here != 1 else f"one {what[:-1]}"
    )


def several(networks: int) -> Condition:
    """As many as it takes to know an error: one network says nothing of it."""
    return enough(networks, 2, "networks")


def judge(claim: Claim, conditions: Iterable[Condition]) -> Claim:
    """The claim as it is where all conditions are met; else not judged, and it says what differs."""
    unmet = [one for one in conditions if not one.met]
    if not unmet:
        return claim
    wanted, here = ", ".join(one.wanted for one in unmet), ", ".join(one.here for one in unmet)
    return replace(claim, holds=None, unjudged=f"set for {wanted}; this run had {here}")
