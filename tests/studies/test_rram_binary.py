"""The study at a tiny size, on the packaged digits."""

import json

import pytest
import torch

from spinloom import data, learning, nn
from spinloom.errors import InputError
from spinloom.studies import rram_binary
from spinloom.studies.rram_binary import CONDITIONS, Settings, fit, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(rram_binary, seeds=2, images=600, hidden=40, epochs=3, batch=100)
    shrink(rram_binary, photographs=200, channels=(4,) * 6, dense=8, photograph_epochs=1, photograph_batch=50)


def test_the_whole_study_writes_its_report_and_resumes(tmp_path, monkeypatch, repeat):
    settings = Settings(dataset="mnist-5k", colour="none", out=tmp_path)
    result = run(settings)
    written = json.loads((tmp_path / "result.json").read_text())
    assert [plot.name for plot in result.plots] == ["digits", "population"]
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert len(result.claims) == 3
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    found = written["data"]["found"]["digits"]
    assert list(found) == list(CONDITIONS)
    for ones in found.values():
        assert [len(one["accuracies"]) for one in ones] == [3, 3]
        assert all(one["accuracies"][-1] > 0.4 for one in ones)  # ten classes; learnt in 18 steps
        assert all(one["energy"] > 0 for one in ones)
    monkeypatch.setattr(learning, "Programming", None)
    again = repeat(run, settings)
    assert again.resumed
    assert json.dumps(again.as_dict()["data"]) == json.dumps(result.as_dict()["data"])


def test_ideal_devices_are_the_signs_of_hidden_sums():
    """After training each weight is the sign of the sum of all pulses of its pair, that of its first sign included."""
    images = data.load_images("mnist-5k", limit=300)
    size = rram_binary.SIZES.of(Settings())
    network = rram_binary.perceptron(images, size, CONDITIONS["ideal"], 3)
    layer, told = network[1], []
    pulse = type(layer).pulse
    layer.pulse = lambda events: told.append(events.reshape(40, 784).clone()) or pulse(layer, events)  # type: ignore[method-assign]
    fit(network, rram_binary.Task(images, images, 2, 100), 1, lambda *_: None)
    assert len(told) == 7, "the first signs take one pulse, then there is one event in each of six steps"
    hidden = torch.stack(told).sum(0)
    assert float(torch.stack(told[-6:]).abs().max()) == 14
    expected = torch.where(hidden >= 0, 1.0, -1.0)
    assert torch.equal(layer.realised(), expected)
    assert 0.2 < float((expected > 0).double().mean()) < 0.8


def test_the_convolutional_network_learns_from_colour_images():
    source = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (120, 3, 16, 16), generator=source).byte()
    labels = torch.arange(120) % 2
    images[labels == 1, 0] //= 3
    photographs = data.ImageSet("made", "train", images, labels, ("grey", "blue"), "made here", (0.5,) * 3, (0.3,) * 3)
    size = rram_binary.SIZES.of(Settings())
    network = rram_binary.convolutional(photographs, size, CONDITIONS["both"], 0)
    found = fit(network, rram_binary.Task(photographs, photographs, 6, 20, flips=True), 1, lambda *_: None)
    assert found["accuracies"][-1] > 0.8
    assert len(nn.memory_layers(network)) == 9


def test_settings_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(InputError, match="unknown"):
        run(Settings(dataset="mnits", out=tmp_path))
    with pytest.raises(InputError, match="hidden must be >= 1"):
        run(Settings(hidden=0, out=tmp_path))
