"""The four bars of the study: what must be reached, and under which conditions."""

from collections.abc import Iterator
from dataclasses import replace

from spinloom.report import Claim, Condition, at_least, at_most, enough, judge, one_of, same, several
from spinloom.studies.mtj_parts.conditions import spread, warm
from spinloom.studies.mtj_training.one_run import Run
from spinloom.studies.mtj_training.plan import FULL, Plan

PUBLISHED, IMAGES = "fashion-mnist", 60_000
NEGLIGIBLE, ROBUST, COSINE, WON_BACK = 0.1, 0.5, 0.99, 80.0
"""Points lost through the devices' own slopes; with spread and noise; cosine; per cent of a loss won back."""
SPREAD, NOISE, CHIP_SPREAD = 0.05, 0.02, 0.2


def claims(run: Run) -> tuple[Claim, ...]:
    """What there is of the four; judged at the full size and the settings that they are set for."""
    return (*_lost(run), _turned(run), *_won_back(run))


def _lost(run: Run) -> Iterator[Claim]:
    for way, most, name, source, conditions in (
        ("device", NEGLIGIBLE, "lost through the junctions' own slopes", "negligible; set to 0.1", ()),
        ("spread", ROBUST, "lost with spread and read noise", "robust; set to 0.5", _imperfect(run)),
    ):
        pair = run.found.against(way, "exact")
        if pair:
            text = f"arXiv 2409.02528: {source}; against exact slopes"
            claim = at_most(name, most, -pair.mean, "points", text, pair.standard_error)
            yield judge(claim, (*_size(run), *conditions, enough(pair.pairs, FULL.seeds, "pairs")))


def _turned(run: Run) -> Claim:
    found = run.found.cosines
    source = "bar of this study; the least of all layers and networks, nominal junctions, read noise on"
    claim = replace(at_least("cosine between gradients", COSINE, min(found), "", source), digits=4)
    return judge(claim, (*_size(run), enough(len(found), FULL.seeds, "networks")))


def _won_back(run: Run) -> Iterator[Claim]:
    tuned = run.found.tuned
    if tuned is None or tuned.mean_won_back is None:
        return
    source = f"bar of this study; {run.chip_spread}, instances: {len(tuned.before)}"
    error = None if tuned.error_won_back is None else 100 * tuned.error_won_back
    claim = at_least("loss won back by tuning in place", WON_BACK, 100 * tuned.mean_won_back, "%", source, error)
    chips = spread(run.hardware.junctions, run.settings.chip_spread, CHIP_SPREAD)
    yield judge(claim, (*_size(run), chips, several(len(tuned.before))))


def _size(run: Run) -> tuple[Condition, ...]:
    """What all four are set for: the full size, at room temperature."""
    return (
        one_of(run.test.name, PUBLISHED),
        same(len(run.train), IMAGES, "{:,} training images"),
        same(_widths(run.plan), _widths(FULL), "a network of {} neurons"),
        enough(run.plan.epochs, FULL.epochs, "epochs"),
        warm(run.hardware.junctions),
    )


def _imperfect(run: Run) -> tuple[Condition, ...]:
    settings = run.settings
    bits = tuple(f"{bits} bits" for bits in (settings.value_bits, settings.slope_bits) if bits)
    return (
        spread(run.hardware.junctions, settings.spread, SPREAD),
        same(100 * settings.read_noise, 100 * NOISE, "{:g} % read noise"),
        same(", ".join(bits) or "none", "none", "converters: {}"),
    )


def _widths(plan: Plan) -> str:
    return "-".join(map(str, (*plan.channels, plan.hidden)))
