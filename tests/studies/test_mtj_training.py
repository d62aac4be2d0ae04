"""The study with a tiny network and few devices; the packaged digits are its images."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from spinloom.data import load_images
from spinloom.devices import Response, device_source, save_response
from spinloom.errors import InputError, OutputError
from spinloom.studies.mtj_training import Settings, run, study, training
from spinloom.studies.mtj_training import plan as plans
from spinloom.studies.mtj_training.angles import SITUATIONS, WHEN, layer_names
from spinloom.studies.mtj_training.chip import Tuned
from spinloom.studies.mtj_training.plan import FULL, REDUCED, plan_of, training_of
from spinloom.studies.mtj_training.ways import Hardware

TINY = replace(
    REDUCED, channels=(4, 4), hidden=16, images=400, epochs=2, batch=50, seeds=2, devices=4, angle_batches=2,
    angle_batch=100, instances=2,
)  # fmt: skip
LAYERS = ["convolution 1", "convolution 2", "linear 1", "linear 2"]


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(plans, "REDUCED", TINY)


def curve(path: Path, noise: float = 0.01, slope: float = 1.0) -> Path:
    """A user's own device: three tanh curves, with a slope that is `slope` times their derivative."""
    x = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    value = torch.tanh(x * torch.tensor([[1.0 - 10 * noise], [1.0], [1.0 + 10 * noise]]))
    response = Response(x, value, slope * (1 - value**2), torch.full_like(value, noise), 1.0, "A", {"made": "here"})
    save_response(path / "curve.safetensors", response)
    return path / "curve.safetensors"


@pytest.fixture
def unpublished(monkeypatch):
    """No files of the result: figures take longer than these trainings."""
    monkeypatch.setattr(study, "publish", lambda result, out: None)


@pytest.fixture
def fits(monkeypatch):
    """Titles of the trainings that were carried out."""
    done, fit = [], training.Trainer.fit

    def noted(self, network, how, checkpoint, title):
        done.append(title)
        return fit(self, network, how, checkpoint, title)

    monkeypatch.setattr(training.Trainer, "fit", noted)
    return done


def test_the_whole_study_on_simulated_junctions_writes_its_report(tmp_path, fits):
    result = run(Settings("mnist-5k", tmp_path, seeds=1, instances=1))
    written = json.loads((tmp_path / "result.json").read_text())
    assert {plot.name for plot in result.plots} == {"convergence", "gradient-angles", "tuning", "curves"}
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert (tmp_path / "report.html").exists()
    assert len(result.claims) >= 3
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    assert set(written["data"]["trained"]) == {"software", "exact", "device", "spread", "difference"}
    angles = written["data"]["angles"]
    for when in WHEN:
        assert list(angles[when]) == list(SITUATIONS)
        assert list(angles[when]["device"]) == LAYERS
        assert min(angles[when]["device"].values()) > 0.99
        assert 0.9 < angles[when]["spread"]["convolution 1"] < 1 - 1e-5
        assert all(cosines["linear 2"] == pytest.approx(1) for cosines in angles[when].values())
    assert len(fits) == 5 + 2
    assert not list(tmp_path.glob(".cache/*.checkpoint"))


def test_more_seeds_and_more_ways_go_on_from_what_is_there(tmp_path, fits, unpublished):
    settings = Settings("mnist-5k", tmp_path / "out", ways=("exact", "device"), seeds=1, response=curve(tmp_path))
    first = run(settings)
    assert fits == ["exact, seed 0", "device, seed 0"]
    assert "tuning" not in {plot.name for plot in first.plots}, "there is no software network to move"
    more = run(replace(settings, seeds=2, ways=("exact", "device", "software"), instances=0))
    assert fits[2:] == ["software, seed 0", "exact, seed 1", "device, seed 1", "software, seed 1"]
    assert more.data["trained"]["exact"][0] == first.data["trained"]["exact"][0]
    again = run(replace(settings, seeds=2, ways=("exact", "device", "software"), instances=0))
    assert len(fits) == 6
    assert again.data == more.data
    for other in ({"epochs": 1}, {"accelerator": "auto"}):
        run(replace(settings, ways=("exact",), **other))
    assert fits[6:] == ["exact, seed 0"] * 2, "another training, or elsewhere, is not that of the cache"


def test_weights_that_were_damaged_are_trained_again(tmp_path, fits, unpublished):
    settings = Settings("mnist-5k", tmp_path / "out", ways=("exact",), seeds=1, epochs=1, response=curve(tmp_path))
    first = run(settings)
    (weights,) = tmp_path.glob("out/.cache/exact-*.safetensors")
    content = weights.read_bytes()
    for damaged in (content[:-9], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]):
        weights.write_bytes(damaged)
        assert run(settings).data == first.data
        assert weights.read_bytes() == content
    assert len(fits) == 3


def test_a_device_that_is_a_tanh_is_trained_as_software_is(tmp_path, unpublished):
    """Same first weights, same order of images, and no noise: every way follows the same path."""
    settings = Settings("mnist-5k", tmp_path / "out", seeds=1, instances=0, response=curve(tmp_path, noise=0))
    ways = replace(settings, ways=("software", "exact", "device", "difference"), difference_step=0.01)
    found = run(ways).data["trained"]
    for way in ("exact", "device", "difference"):
        assert found[way][0]["losses"] == pytest.approx(found["software"][0]["losses"], abs=2e-3)


def test_slopes_that_are_wrong_are_seen_in_the_training_and_exact_ones_are_not(tmp_path, unpublished):
    """A device whose slope has the wrong sign learns worse through it, and not worse through the exact one."""
    path = curve(tmp_path, noise=0, slope=-1.0)
    found = run(Settings("mnist-5k", tmp_path / "out", ways=("exact", "device"), seeds=1, response=path)).data
    assert found["trained"]["device"][0]["losses"][-1] > found["trained"]["exact"][0]["losses"][-1] + 0.1
    assert found["angles"]["at the start"]["device"]["linear 1"] == pytest.approx(-1, abs=1e-3)


def test_spread_noise_and_converters_are_those_asked_for(tmp_path):
    asked = Settings(read_noise=0.02, value_bits=6, slope_bits=4, response=curve(tmp_path))
    hardware = Hardware.of(asked, device_source(asked.response))
    response = hardware.response("spread")
    assert torch.allclose(response.slope_noise, torch.full_like(response.slope_noise, 0.02))
    assert torch.allclose(response.noise, torch.full_like(response.noise, (0.01**2 + 0.02**2) ** 0.5))
    assert response.devices == 3
    assert hardware.response("device").devices == 1
    assert hardware.settings("spread") != Hardware.of(replace(asked, slope_bits=5), hardware.junctions).settings(
        "spread"
    )
    assert hardware.settings("device") == Hardware.of(replace(asked, slope_bits=5), hardware.junctions).settings(
        "device"
    )


def test_the_share_won_back_is_of_what_was_lost():
    tuned = Tuned((0.7, 0.8, 0.95), (0.88, 0.85, 0.9), 0.9, 0.91)
    assert tuned.won_back() == (pytest.approx(0.9), pytest.approx(0.5), None)
    assert tuned.mean_won_back == pytest.approx((0.88 + 0.85 + 0.9 - 0.7 - 0.8 - 0.95) / (2.7 - 2.45))
    assert Tuned((0.9,), (0.9,), 0.9, 0.9).mean_won_back is None


def test_the_error_of_the_share_won_back_is_that_of_a_ratio():
    rng = np.random.default_rng(0)
    lost = rng.uniform(0.02, 0.1, 40)
    gained = 0.8 * lost + rng.normal(0, 0.005, 40)
    tuned = Tuned(tuple(0.9 - lost), tuple(0.9 - lost + gained), 0.9, 0.9)
    chosen = rng.integers(0, 40, (4000, 40))
    bootstrap = (gained[chosen].mean(1) / lost[chosen].mean(1)).std()
    assert tuned.error_won_back == pytest.approx(bootstrap, rel=0.08)
    exact = Tuned((0.8, 0.7), (0.88, 0.86), 0.9, 0.9)  # both win back 80 %: no error, however much each had lost
    assert exact.error_won_back == pytest.approx(0, abs=1e-12)
    assert Tuned((0.8,), (0.9,), 0.9, 0.9).error_won_back is None


def test_sentences_follow_the_ways_and_the_file_of_the_run(tmp_path, unpublished, monkeypatch):
    """A file of values alone: slopes are derived, nothing is simulated, nothing is tuned."""
    monkeypatch.setattr(plans, "REDUCED", replace(TINY, images=20_000, epochs=1, batch=200))
    values = "".join(f"{x / 4},{np.tanh(x / 4)}\n" for x in range(-24, 25))
    (tmp_path / "values.csv").write_text(f"drive (A),value\n{values}")
    settings = Settings(
        "mnist-5k", tmp_path / "out", ways=("exact", "device"), seeds=2, response=tmp_path / "values.csv"
    )
    result = run(settings)
    assert result.settings["images"] == 4_000, "the images there are"
    told = " ".join((result.summary, *result.assumptions, *(plot.caption for plot in result.plots)))
    assert "slopes (derived from their curves)" in result.summary
    assert "the file has no slopes" in told
    for false in ("300 K", "Johnson", "simulated", "Tuning in place", "is read from"):
        assert false not in told, false
    assert len(result.data["cosines"]) == 2, "the angle is measured on the network of every seed"
    assert next(claim.measured for claim in result.claims if "cosine" in claim.name) == min(result.data["cosines"])
    assert not result.resumed
    assert run(settings).resumed


def test_layers_have_names_in_order():
    modules = (torch.nn.Conv2d(1, 2, 3), torch.nn.Tanh(), torch.nn.Conv2d(2, 2, 3), torch.nn.Linear(2, 2))
    assert layer_names(torch.nn.Sequential(*modules)) == ["convolution 1", "convolution 2", "linear 1"]


def test_full_is_the_published_size_and_clothes_are_mirrored():
    assert (FULL.channels, FULL.hidden, FULL.epochs, FULL.seeds, FULL.images) == ((32, 64, 64), 128, 8, 5, None)
    assert plan_of(Settings(full=True, seeds=2, epochs=3)).seeds == 2
    train = load_images("mnist-5k", "train", limit=100)
    assert not training_of(FULL, train, 0).augmentation.flip
    assert training_of(FULL, replace(train, name="fashion-mnist"), 0).augmentation.flip


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spread": -0.1}, "spread"),
        ({"read_noise": float("nan")}, "read_noise"),
        ({"seeds": 0}, "seeds must be >= 1"),
        ({"instances": -1}, "instances"),
        ({"ways": ("device", "exct")}, "did you mean 'exact'"),
        ({"ways": ()}, "no way to train"),
        ({"slope_bits": 0}, "slope converter"),
        ({"difference_step": 0.0}, "difference_step"),
        ({"dataset": "fashion-mnst"}, "fashion-mnist"),
        ({"response": Path("nowhere.csv")}, "nowhere.csv"),
        ({"response": Path("x.csv"), "junction": ("damping=0.1",)}, "give one of them"),
        ({"response": Path("x.csv"), "chip_spread": 0.1}, "--chip-spread is of a simulated device"),
        ({"ways": ("exact",), "instances": 2}, "add software to --ways"),
        ({"epochs": 0}, "epochs must be >= 1"),
        ({"channels": (8, 0)}, "channel width 2"),
        ({"accelerator": "gpu"}, "accelerator"),
        pytest.param(
            {"accelerator": "cuda"},
            "cannot train on 1 x cuda",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings("mnist-5k", tmp_path / "out"), **wrong))
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_made_fails_before_training(tmp_path, fits):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(Settings("mnist-5k", tmp_path / "file" / "out"))
    assert not fits
