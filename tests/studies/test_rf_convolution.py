"""The study with a tiny network and few images; the packaged digits are its images."""

import json
from dataclasses import replace

import pytest
import torch

from spinloom.data import load_images
from spinloom.errors import InputError, OutputError
from spinloom.evaluation import Examples, accuracy
from spinloom.learning import count_parameters
from spinloom.nn.radio import Imperfections, RFConv2d, fabricate
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.rf_convolution import Settings, run
from spinloom.studies.rf_convolution.choosing import sets
from spinloom.studies.rf_convolution.measurements import Bench
from spinloom.studies.rf_convolution.networks import Powers, convolutions, everywhere, resonant, twin
from spinloom.studies.rf_convolution.outcome import Run, outcome
from spinloom.studies.rf_convolution.plan import REDUCED, damping_for
from spinloom.studies.rf_convolution.trimming import trim

SMALL = replace(
    REDUCED, channels=(4, 8), images_seen=12_000, seeds=1, instances=2, sweep_images=200, spacings=(0.1, 10.0, 1000.0)
)
SETTINGS = Settings("mnist-5k", spread=(0.0, 0.01))


@pytest.fixture(scope="module")
def images():
    return load_images("mnist-5k", "train"), load_images("mnist-5k", "test")


@pytest.fixture(scope="module")
def found(images, tmp_path_factory):
    return Bench(*images, SMALL, SETTINGS, Stages(tmp_path_factory.mktemp("cache"), {})).measure()


def test_both_networks_learn_digits(found):
    assert min(found.radio.accuracies) > 0.85
    assert min(found.software.accuracies) > 0.85


def test_without_spread_and_far_apart_nothing_is_lost(found):
    planned, spread = found.spreads
    assert planned.made.accuracies == planned.trimmed.accuracies == (found.few, found.few)
    assert spread.made.mean < found.few - 0.2  # a spread of three half linewidths
    close, _, far = found.sneaks
    assert max(far.errors) < 0.05 < 1 < min(close.errors)
    assert far.accuracy == pytest.approx(found.few, abs=0.01)  # 2 of 200 images
    assert close.accuracy < found.few - 0.2


def test_trimming_takes_back_what_the_spread_of_resonances_does(images):
    network = resonant(images[0], (2, 3), 0.003, 0).eval()
    x = Examples.of(images[1]).inputs[:4]
    with torch.no_grad():
        planned = network(x)
        fabricate(network, Imperfections(resonance=0.01), seed=1)
        assert not torch.allclose(network(x), planned, rtol=0.1)
        torch.testing.assert_close(trim(network)(x), planned, rtol=1e-3, atol=1e-3)


def test_trimmed_resonances_follow_the_frequencies_of_their_inputs(images):
    planned, made = (convolutions(resonant(images[0], (2, 3), 0.003, 0))[1] for _ in range(2))
    trim(made.fabricate(Imperfections(input_frequency=0.01, resonance=0.01), seed=1))
    ratios = [layer.resonances().detach()[:, 0] / layer.input_frequencies() for layer in (planned, made)]
    torch.testing.assert_close(ratios[1], ratios[0], rtol=1e-6, atol=0)
    assert not torch.allclose(made.input_frequencies(), planned.input_frequencies(), rtol=1e-3)


def test_a_killed_study_goes_on_with_what_is_there(images, tmp_path):
    train, test = (part.take(100) for part in images)
    plan = replace(SMALL, channels=(1, 1), images_seen=200, seeds=1, sweep_images=50, spacings=(10.0,))

    def bench() -> Bench:
        return Bench(train, test, plan, SETTINGS, Stages(tmp_path, {}))

    first = bench().measure()
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = bench().measure()
    assert (again.radio, again.software, again.spreads, again.sneaks) == (
        first.radio, first.software, first.spreads, first.sneaks,
    )  # fmt: skip
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    for path in tmp_path.glob("resonators-*.safetensors"):
        path.unlink()  # losses without weights are not enough
    assert bench().measure().radio == first.radio


def test_results_say_what_was_measured(found, images):
    result = outcome(Run(SETTINGS, SMALL, "Asked for.", (found,), 1.0))
    (claim,) = result.claims
    assert claim.measured == pytest.approx(100 * (found.software.mean - found.radio.mean))
    assert claim.holds is (claim.measured <= 0.3)
    assert [plot.name for plot in result.plots] == ["accuracy", "filters", "sneak-paths", "spread"]
    assert len(json.dumps(result.as_dict()["data"]["mnist-5k"]["parallel"])) > 0
    other = replace(found, test=replace(images[1], name="letters"))
    assert outcome(Run(SETTINGS, SMALL, "", (other,), 1.0)).claims[0].holds is None


def test_the_twin_has_as_many_parameters_and_the_same_range_at_the_start(images):
    radio, software = resonant(images[0], (4, 8), 0.003, 1), twin(images[0], (4, 8), 1)
    assert count_parameters(radio) == count_parameters(software) == 4 * 25 + 4 + 8 * 100 + 8 + 10 * 128 + 10
    convolution = software[2]
    assert isinstance(convolution, torch.nn.Conv2d)
    weights = convolutions(radio)[1].weights().detach() / convolutions(radio)[1].sensitivity
    free = software[7].weight.detach()
    assert 0.5 < float(weights.std() / free.std()) < 3  # tails of the others add to a resonator's own weight


def test_powers_are_the_pixels_in_microwatts(images):
    inputs = Examples.of(images[1]).inputs[:5]
    power = Powers(images[1])(inputs)
    torch.testing.assert_close(power, 1e-6 * images[1].images[:5].float() / 255, rtol=1e-4, atol=1e-12)
    assert float(power.min()) >= 0


def test_the_parallel_network_is_the_same_network_where_frequencies_are_far_apart(images):
    network = resonant(images[0], (2, 3), 0.003, 0).eval()
    moved = everywhere(network, (28, 28), 1e5)
    assert [layer.layout for layer in convolutions(moved)] == ["parallel", "parallel"]
    x = Examples.of(images[1]).inputs[:4]
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), rtol=1e-3, atol=1e-3)
    first = convolutions(moved)[0]
    f = first.input_frequencies()
    apart = (f[1:] - f[:-1]) / (first.linewidth * (f[1:] + f[:-1]))
    torch.testing.assert_close(apart, torch.full_like(apart, 1e5), rtol=1e-4, atol=0)
    assert isinstance(first, RFConv2d)
    assert first.linewidth == damping_for(1e5, 784, 20e6, 120e6)
    assert accuracy(moved, Examples.of(images[1]).first(100)) == accuracy(network, Examples.of(images[1]).first(100))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"damping": 0.0}, "damping"),
        ({"damping": 1e-5, "dataset": "mnist-6k"}, "mnist-5k"),
        ({"spread": (0.01, -0.1)}, "spread"),
        ({"layout": "paralel"}, "did you mean 'parallel'"),
        ({"spacing": 0.0}, "spacing"),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(SETTINGS, out=tmp_path / "out", **wrong))
    assert not (tmp_path / "out").exists()


def test_images_too_small_and_a_folder_that_cannot_be_made_are_named(images, tmp_path):
    small = replace(images[0], images=images[0].images[:, :, :15, :15])
    with pytest.raises(InputError, match="16 x 16 at least"):
        resonant(small, (2, 2), 0.003, 0)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(replace(SETTINGS, out=tmp_path / "file" / "out"))


def test_auto_takes_the_packaged_digits_where_nothing_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("SPINLOOM_DATA", str(tmp_path))
    monkeypatch.setenv("SPINLOOM_CACHE", str(tmp_path))
    monkeypatch.setattr("spinloom.data.places.SYSTEM_FOLDERS", ())
    chosen, reason = sets("auto")
    assert chosen == ("mnist-5k",)
    assert "data fetch" in reason
    assert sets("mnist-5k")[0] == ("mnist-5k",)
