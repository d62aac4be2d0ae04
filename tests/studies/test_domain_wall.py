"""The study of domain-wall synapses with the packaged digits and one small network of each kind."""

from dataclasses import replace

import pytest
import torch

from spinloom.devices import DomainWallMemory
from spinloom.errors import InputError
from spinloom.studies import domain_wall
from spinloom.studies.domain_wall import Settings, run


@pytest.fixture
def settings(shrink, tmp_path) -> Settings:
    sizes = {"hidden": (24, 16, 12), "epochs": 2, "tolerances": (0.04, 0.12), "arrays": 2}
    shrink(domain_wall, train_images=1500, test_images=300, seeds=1, states=(5, 2), **sizes)
    return Settings(dataset="mnist-5k", out=tmp_path / "out")


def test_networks_learn_in_situ_and_ex_situ_and_the_work_is_counted(settings, repeat):
    result = run(settings)
    found = result.data["accuracies"]
    assert found.keys() == {"in situ", "ex situ", "quantised afterwards"}
    assert min(found["in situ"]["5"] + found["ex situ"]["5"]) > 0.5  # a tenth by chance
    spent = result.data["in_situ"]["5"]
    assert spent["attempts"] >= spent["devices"] > 0
    assert spent["energy"] > spent["events"] * settings.event_energy  # verifying reads come on top
    shown = 2 * 1350
    assert result.data["energy"]["5"] == pytest.approx(1e12 * spent["events"] * 3e-15 / shown)
    tight, wide = (result.data["tolerances"][one] for one in ("0.04", "0.12"))
    assert tight["attempts"] / tight["devices"] > 1.2 * wide["attempts"] / wide["devices"]
    assert {one.holds for one in result.claims} == {None}  # bars are for all of MNIST
    again = repeat(run, settings)
    assert again.resumed
    assert again.data == result.data


def test_the_precursor_sees_states_within_the_tolerance_of_the_quantised_ones():
    memory = DomainWallMemory(5)
    layer = domain_wall._through(memory, 0.03)(400, 50, 0)
    with torch.no_grad():
        layer.weight.uniform_(-1, 1, generator=torch.Generator().manual_seed(1))
    seen = layer(torch.eye(400)).T.detach()
    states = (layer.weight.detach() * 2).round() / 2
    off = (seen - states).abs()
    assert 0.02 < float(off.max()) <= 2 * 0.03 * (1 + 1e-5)
    assert float((off > 0).float().mean()) > 0.7  # walls at the ends of the track cannot go on
    layer(torch.ones(1, 400)).sum().backward()
    assert torch.equal(layer.weight.grad, torch.ones(50, 400))
    assert torch.equal(layer.eval()(torch.eye(400)).T, states)


def test_settings_that_cannot_be_are_refused(settings, unwritten):
    with pytest.raises(InputError, match="tolerance"):
        run(replace(settings, tolerance=-0.1))
    with pytest.raises(InputError, match="event_energy"):
        run(replace(settings, event_energy=0.0))
