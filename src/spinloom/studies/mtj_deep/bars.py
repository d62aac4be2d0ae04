"""The bars of the study: of this project on CIFAR-10, published ones on CIFAR-100."""

import math
from collections.abc import Iterator

from spinloom.report import Claim, Condition, at_least, at_most, error_in_percent, judge, one_of, same, several
from spinloom.studies.mtj_deep.one_run import Run
from spinloom.studies.mtj_transfer.conditions import on, spread, warm

OWN, PUBLISHED, IMAGES = "cifar10", "cifar100", 10_000
SOFTWARE = 88.0
"""Per cent that the tanh network reaches on CIFAR-10."""
OWN_SOURCE = "bar of this project for CIFAR-10"
SOURCES = {1.7: "conference summary, Politecnico di Bari", 2.0: "arXiv 2409.02528, abstract"}
"""Published loss on CIFAR-100 (percentage points) and where it stands; the two texts disagree."""
NOMINAL, FABRICATED, TUNED = "loss on nominal junctions", "loss with device spread", "loss after one pass in place"
LOSSES = {OWN: {FABRICATED: 1.7, TUNED: 0.5}, PUBLISHED: {NOMINAL: 1.7, FABRICATED: 2.0, TUNED: 1.7}}
"""The most, percentage points, by data set."""


def claims(run: Run) -> tuple[Claim, ...]:
    """Those of CIFAR-100 where it was measured, else those of CIFAR-10."""
    if run.test.name == PUBLISHED:
        return on(run.junctions, _losses(run, PUBLISHED))
    return (_software(run), *on(run.junctions, _losses(run, OWN)))


def _losses(run: Run, dataset: str) -> Iterator[Claim]:
    """One claim for every group that was measured."""
    found, settings = run.found, run.settings
    groups = {NOMINAL: found.nominal, FABRICATED: found.fabricated, TUNED: found.tuned}
    conditions = (*_images(run, dataset), warm(run.junctions))
    for name, most in LOSSES[dataset].items():
        group = groups[name]
        if group:
            source = OWN_SOURCE if dataset == OWN else SOURCES[most]
            claim = at_most(name, most, 100 * (found.software - group.mean), "points", source, error_in_percent(group))
            made = () if name == NOMINAL else (spread(run.junctions, settings.spread),)
            yield judge(claim, (*conditions, *made, several(len(group.accuracies))))


def _software(run: Run) -> Claim:
    share = run.found.software
    error = 100 * math.sqrt(share * (1 - share) / len(run.test))
    source = f"{OWN_SOURCE}; one network, the error is that of so many test images"
    return judge(at_least("accuracy in software", SOFTWARE, 100 * share, "%", source, error), _images(run, OWN))


def _images(run: Run, dataset: str) -> tuple[Condition, ...]:
    return one_of(run.test.name, dataset), same(len(run.test), IMAGES, "{:,} test images")
