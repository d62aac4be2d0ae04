"""Which claims of the study are judged, and how; the accuracies are made up."""

import pytest
import torch
from spinloom.studies.mtj_deep.bars import FABRICATED, NOMINAL, TUNED, claims
from spinloom.studies.mtj_deep.measured import Measured
from spinloom.studies.mtj_deep.one_run import Run
from spinloom.studies.mtj_deep.plan import REDUCED

from spinloom.data import ImageSet
from spinloom.devices import TwoPolarizerMTJ, device_source
from spinloom.evaluation import Population, backward_memory
from spinloom.studies.mtj_deep import Settings
from spinloom.studies.mtj_parts.software import Software

SOFT = "accuracy in software"


@pytest.fixture
def judged():
    """Verdicts by claim of a run with these accuracies on simulated junctions, of this data set and these settings."""

    def make(name, software=0.9, nominal=(0.89, 0.89), fabricated=(0.885, 0.885), tuned=(0.897, 0.896), **given):
        images = given.pop("images", 10_000)
        pixels = torch.zeros(images, 3, 1, 1, dtype=torch.uint8)
        test = ImageSet(name, "test", pixels, torch.zeros(images).long(), ("a",), "made here")
        settings = Settings(**given)
        groups = [Population(group) if group else None for group in (nominal, fabricated, (0.9,), tuned, tuned)]
        network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh())
        found = Measured(software, software, *groups, backward_memory(network, torch.zeros(2, 2)), None)
        junctions = device_source(TwoPolarizerMTJ(), (), settings.temperature, 4, 0)
        made = Run(settings, REDUCED, test, "", Software(network, "", ""), junctions, found, 1.0)
        return {claim.name: claim.holds for claim in claims(made)}

    return make


def test_cifar10_has_bars_of_its_own(judged):
    assert judged("cifar10") == {SOFT: True, FABRICATED: True, TUNED: True}
    worse = judged("cifar10", software=0.87, fabricated=(0.85, 0.85), tuned=(0.86, 0.86))
    assert worse == {SOFT: False, FABRICATED: False, TUNED: False}
    assert judged("cifar10", tuned=None) == {SOFT: True, FABRICATED: True}


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"spread": 0.2}, [True, None, None]),
        ({"temperature": 77.0}, [True, None, None]),
        ({"images": 1_000}, [None] * 3),
        ({"fabricated": (0.885,)}, [True, None, True]),
        ({"tuned": (0.897,)}, [True, True, None]),
    ],
)
def test_each_bar_is_judged_under_its_own_conditions_only(judged, given, holds):
    assert list(judged("cifar10", **given).values()) == holds


def test_the_published_losses_are_judged_on_cifar100_and_nothing_on_other_images(judged):
    published = judged("cifar100", nominal=(0.89, 0.89), fabricated=(0.879, 0.879))
    assert published == {NOMINAL: True, FABRICATED: False, TUNED: True}
    assert list(judged("cifar100", spread=0.1).values()) == [True, None, None]
    assert set(judged("mnist").values()) == {None}
