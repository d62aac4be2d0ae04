"""Which claims of the study are judged, and how; the accuracies are made up."""

from dataclasses import replace

import pytest
import torch

from spinloom.data import load_images
from spinloom.devices import TwoPolarizerMTJ, device_source
from spinloom.evaluation import backward_memory
from spinloom.report.claims import claims_table
from spinloom.studies.mtj_training import Settings
from spinloom.studies.mtj_training.bars import claims
from spinloom.studies.mtj_training.chip import Tuned
from spinloom.studies.mtj_training.measurements import Found
from spinloom.studies.mtj_training.one_run import Run
from spinloom.studies.mtj_training.plan import FULL
from spinloom.studies.mtj_training.training import Trained
from spinloom.studies.mtj_training.ways import Hardware


@pytest.fixture
def judged(tmp_path):
    """Claims of a run of the full size, but for what is given: accuracies by way, cosines, chips, plan, settings."""
    test = load_images("mnist-5k", "test", limit=50)
    whole = replace(test, images=torch.zeros(60_000, 1, 1, 1, dtype=torch.uint8), labels=torch.zeros(60_000).long())
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 3), torch.nn.Tanh(), torch.nn.Linear(3, 10))
    memory = backward_memory(network, torch.zeros(2, 1, 28, 28))

    def make(accuracies, name="fashion-mnist", train=whole, plan=FULL, file=False, **given):
        trained = {
            way: tuple(Trained((1.0, 0.5), share, tmp_path) for share in shares) for way, shares in accuracies.items()
        }
        cosines, chips = given.pop("cosines", (0.995,) * 5), given.pop("chips", ((0.7, 0.7), (0.88, 0.87)))
        found = Found(trained, {}, "exact", cosines, Tuned(*chips, 0.9, 0.9), memory)
        settings = Settings(**given)
        simulation = device_source(TwoPolarizerMTJ(), (), settings.temperature, 4, 0)
        hardware = Hardware.of(settings, replace(simulation, at_temperature=None) if file else simulation)
        return claims(
            Run(settings, plan, hardware, replace(train, name=name), replace(test, name=name), "", found, 1.0)
        )

    return make


def five(*shares: float) -> tuple[float, ...]:
    return (*shares, *shares, shares[0])


GOOD = {"exact": five(0.9, 0.91), "device": five(0.9, 0.909), "spread": five(0.897, 0.905)}


def test_claims_hold_and_fail_where_they_should(judged):
    assert [claim.holds for claim in judged(GOOD)] == [True, True, True, True]
    bad = {"exact": five(0.9, 0.91), "device": five(0.898, 0.908), "spread": five(0.89, 0.90)}
    found = judged(bad, cosines=(0.995, 0.98, 0.995, 0.995, 0.995), chips=((0.7, 0.7), (0.85, 0.85)))
    assert [claim.holds for claim in found] == [False, False, False, False]
    assert [claim.measured for claim in found] == pytest.approx([0.2, 1.0, 0.98, 75.0])
    assert found[0].uncertainty == pytest.approx(0, abs=1e-9)
    assert "0.9800" in claims_table(found).rows[2][2]


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"name": "mnist"}, [None] * 4),
        ({"plan": replace(FULL, channels=(16, 32, 32))}, [None] * 4),
        ({"plan": replace(FULL, epochs=2)}, [None] * 4),
        ({"temperature": 77.0}, [None] * 4),
        ({"file": True}, [None] * 4),
        ({"spread": 0.2}, [True, None, True, True]),
        ({"read_noise": 0.0}, [True, None, True, True]),
        ({"slope_bits": 4}, [True, None, True, True]),
        ({"chip_spread": 0.05}, [True, True, True, None]),
        ({"chips": ((0.7,), (0.88,))}, [True, True, True, None]),
        ({"cosines": (0.995,)}, [True, True, None, True]),
    ],
)
def test_each_bar_is_judged_under_its_own_conditions_only(judged, given, holds):
    assert [claim.holds for claim in judged(GOOD, **given)] == holds


def test_few_networks_and_few_images_are_not_judged(judged):
    few = {way: shares[:2] for way, shares in GOOD.items()}
    assert [claim.holds for claim in judged(few, cosines=(0.995,) * 2)] == [None, None, None, True]
    assert [claim.holds for claim in judged(GOOD, train=load_images("mnist-5k", "train", limit=50))] == [None] * 4
    assert len(judged({"software": five(0.9)})) == 2
