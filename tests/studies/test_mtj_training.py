"""The study with a tiny network and few devices; the packaged digits are its images."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from spinloom import evaluation, learning
from spinloom.data import load_images
from spinloom.devices import Response, device_source, save_response
from spinloom.errors import InputError, OutputError
from spinloom.report import judge as judge_claim
from spinloom.report.claims import claims_table
from spinloom.studies import mtj_training
from spinloom.studies.mtj_training import KINDS, SIZES, WAYS, WHEN, Bench, Settings, judge, run

LAYERS = ["convolution 1", "convolution 2", "linear 1", "linear 2"]
TINY = {
    "channels": (4, 4), "hidden": 16, "images": 400, "epochs": 2, "batch": 50, "seeds": 2, "devices": 4,
    "angle_batches": 2, "angle_batch": 100, "instances": 2,
}  # fmt: skip


@pytest.fixture
def tiny(shrink):
    shrink(mtj_training, **TINY)


def own(path: Path, noise: float = 0.01, slope: float = 1.0) -> str:
    """A user's own device: three tanh curves, with a slope that is `slope` times their derivative."""
    x = torch.linspace(-8, 8, 1601, dtype=torch.float64)
    value = torch.tanh(x * torch.tensor([[1.0 - 10 * noise], [1.0], [1.0 + 10 * noise]]))
    response = Response(x, value, slope * (1 - value**2), torch.full_like(value, noise), 1.0, "A", {"made": "here"})
    save_response(path / "curve.safetensors", response)
    return str(path / "curve.safetensors")


def given(path: Path, **more) -> Settings:
    return Settings(dataset="mnist-5k", out=path / "out", **more)


@pytest.fixture
def fits(monkeypatch):
    """Ways and seeds of the trainings that were carried out, as titles of their bars."""
    done, once = [], learning.train_once

    def noted(path, model, title, fit):
        def carried_out(*args):
            done.append(title)
            return fit(*args)

        return once(path, model, title, carried_out)

    monkeypatch.setattr(learning, "train_once", noted)
    return done


def test_the_whole_study_on_simulated_junctions_writes_its_report(tiny, tmp_path, fits):
    result = run(given(tmp_path, seeds=1, instances=1))
    written = json.loads((tmp_path / "out/result.json").read_text())
    assert {plot.name for plot in result.plots} == {"convergence", "gradient-angles", "tuning", "curves"}
    assert all((tmp_path / f"out/{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert (tmp_path / "out/report.html").exists()
    assert len(result.claims) >= 3
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    assert set(written["data"]["trained"]) == set(WAYS)
    angles = written["data"]["angles"]
    for when in WHEN:
        assert list(angles[when]) == list(KINDS)
        assert list(angles[when]["device"]) == LAYERS
        assert min(angles[when]["device"].values()) > 0.99
        assert 0.9 < angles[when]["spread"]["convolution 1"] < 1 - 1e-5
        assert all(cosines["linear 2"] == pytest.approx(1) for cosines in angles[when].values())
    assert len(fits) == 5 + 2
    assert not list(tmp_path.glob("out/.cache/*.checkpoint"))


def test_more_seeds_and_more_ways_go_on_from_what_is_there(tiny, tmp_path, fits, unwritten):
    settings = given(tmp_path, ways=("exact", "device"), seeds=1, device=own(tmp_path))
    first = run(settings)
    assert fits == ["exact, seed 0", "device, seed 0"]
    assert "tuning" not in {plot.name for plot in first.plots}, "there is no software network to move"
    more = run(replace(settings, seeds=2, ways=("exact", "device", "software"), instances=0))
    assert fits[2:] == ["software, seed 0", "exact, seed 1", "device, seed 1", "software, seed 1"]
    assert more.data["trained"]["exact"][0] == first.data["trained"]["exact"][0]
    again = run(replace(settings, seeds=2, ways=("exact", "device", "software"), instances=0))
    assert len(fits) == 6
    assert again.data == more.data
    run(replace(settings, seed=1, ways=("exact",)))
    assert len(fits) == 6, "a network of a seed is the same whatever the first seed"
    for other in ({"epochs": 1}, {"accelerator": "auto"}):
        run(replace(settings, ways=("exact",), **other))
    assert fits[6:] == ["exact, seed 0"] * 2, "another training, or elsewhere, is not that of the cache"


def test_weights_that_were_damaged_are_trained_again(tiny, tmp_path, fits, unwritten):
    settings = given(tmp_path, ways=("exact",), seeds=1, epochs=1, device=own(tmp_path))
    first = run(settings)
    (weights,) = tmp_path.glob("out/.cache/fitted-*.safetensors")
    content = weights.read_bytes()
    for damaged in (content[:-9], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]):
        weights.write_bytes(damaged)
        assert run(settings).data == first.data
        assert weights.read_bytes() == content
    assert len(fits) == 3


def test_a_device_that_is_a_tanh_is_trained_as_software_is(tiny, tmp_path, unwritten):
    """Same first weights, same order of images, and no noise: every way follows the same path."""
    settings = given(tmp_path, seeds=1, instances=0, device=own(tmp_path, noise=0))
    ways = replace(settings, ways=("software", "exact", "device", "difference"), difference_step=0.01)
    found = run(ways).data["trained"]
    for way in ("exact", "device", "difference"):
        assert found[way][0]["losses"] == pytest.approx(found["software"][0]["losses"], abs=2e-3)


def test_slopes_that_are_wrong_are_seen_in_the_training_and_exact_ones_are_not(tiny, tmp_path, unwritten):
    """A device whose slope has the wrong sign learns worse through it, and not worse through the exact one."""
    path = own(tmp_path, noise=0, slope=-1.0)
    found = run(given(tmp_path, ways=("exact", "device"), seeds=1, device=path)).data
    assert found["trained"]["device"][0]["losses"][-1] > found["trained"]["exact"][0]["losses"][-1] + 0.1
    assert found["angles"]["at the start"]["device"]["linear 1"] == pytest.approx(-1, abs=1e-3)


def bench(settings: Settings, **more) -> Bench:
    """Without images and folder."""
    full = replace(settings, full=True)
    source = more.pop("source", None) or device_source(settings.device, (), settings.temperature, 4, 0)
    claims: list = []
    run = SimpleNamespace(
        settings=settings,
        size=SimpleNamespace(**{**vars(SIZES.of(full)), **more.pop("size", {})}),
        claims=claims,
        claim=lambda claim, *conditions: claims.append(judge_claim(claim, conditions)),
    )
    return Bench(run, source, learning.Compute(), more.get("train"), more.get("test"))


def test_spread_noise_and_converters_are_those_asked_for(tmp_path):
    asked = Settings(read_noise=0.02, value_bits=6, slope_bits=4, device=own(tmp_path))
    here, other = bench(asked), bench(replace(asked, slope_bits=5))
    response = here.imperfect()
    assert torch.allclose(response.slope_noise, torch.full_like(response.slope_noise, 0.02))
    assert torch.allclose(response.noise, torch.full_like(response.noise, (0.01**2 + 0.02**2) ** 0.5))
    assert response.devices == 3
    assert here.key("spread") != other.key("spread")
    assert here.key("device") == other.key("device")


def test_sentences_follow_the_ways_and_the_file_of_the_run(shrink, tmp_path, unwritten):
    """A file of values alone: slopes are derived, nothing is simulated, nothing is tuned."""
    shrink(mtj_training, **TINY | {"images": 20_000, "epochs": 1, "batch": 200})
    values = "".join(f"{x / 4},{np.tanh(x / 4)}\n" for x in range(-24, 25))
    (tmp_path / "values.csv").write_text(f"drive (A),value\n{values}")
    settings = given(tmp_path, ways=("exact", "device"), seeds=2, device=str(tmp_path / "values.csv"))
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


def test_full_is_the_published_size():
    full = SIZES.of(Settings(full=True))
    assert (full.channels, full.hidden, full.epochs, full.seeds, full.images) == ((32, 64, 64), 128, 8, 5, None)
    assert SIZES.of(Settings(full=True, seeds=2, epochs=3)).seeds == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spread": -0.1}, "spread"),
        ({"read_noise": float("nan")}, "read_noise"),
        ({"seeds": 0}, "seeds must be >= 1"),
        ({"instances": -1}, "instances must be >= 0"),
        ({"ways": ("device", "exct")}, "did you mean 'exact'"),
        ({"ways": ()}, "no way to train"),
        ({"slope_bits": 0}, "slope converter"),
        ({"difference_step": 0.0}, "difference_step"),
        ({"dataset": "fashion-mnst"}, "fashion-mnist"),
        ({"device": "nowhere.csv"}, "nowhere.csv"),
        ({"device": "x.csv", "set": ("damping=0.1",)}, "give one of them"),
        ({"device": "x.csv", "chip_spread": 0.1}, "--chip-spread is of a simulated device"),
        ({"ways": ("exact",), "instances": 2}, "add software to --ways"),
        ({"epochs": 0}, "epochs must be >= 1"),
        ({"channels": (8, 0)}, "channels must be >= 1"),
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
        run(replace(given(tmp_path), **wrong))
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_made_fails_before_training(tiny, tmp_path, fits):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(replace(given(tmp_path), out=tmp_path / "file" / "out"))
    assert not fits


def five(*shares: float) -> tuple[float, ...]:
    return (*shares, *shares, shares[0])


GOOD = {"exact": five(0.9, 0.91), "device": five(0.9, 0.909), "spread": five(0.897, 0.905)}


@pytest.fixture
def judged(tmp_path):
    """Claims of the full size, but for what is given: accuracies by way, cosines, chips, size, settings."""
    few = load_images("mnist-5k", "train", limit=50)
    whole = replace(few, images=torch.zeros(60_000, 1, 1, 1, dtype=torch.uint8), labels=torch.zeros(60_000).long())

    def make(accuracies, name="fashion-mnist", train=whole, size=(), file=False, **more):
        cosines, chips = more.pop("cosines", (0.995,) * 5), more.pop("chips", ((0.7, 0.7), (0.88, 0.87)))
        source = device_source(own(tmp_path)) if file else None
        made = bench(Settings(**more), train=replace(train, name=name), size=dict(size), source=source)
        judge(made, accuracies, cosines, evaluation.Recovery(*chips, 0.9))
        return made.run.claims

    return make


def test_claims_hold_and_fail_where_they_should(judged):
    assert [claim.holds for claim in judged(GOOD)] == [True, True, True, True]
    bad = {"exact": five(0.9, 0.91), "device": five(0.898, 0.908), "spread": five(0.89, 0.90)}
    found = judged(bad, cosines=(0.995, 0.98, 0.995, 0.995, 0.995), chips=((0.7, 0.7), (0.85, 0.85)))
    assert [claim.holds for claim in found] == [False, False, False, False]
    assert [claim.measured for claim in found] == pytest.approx([0.2, 1.0, 0.98, 75.0])
    assert found[0].uncertainty == pytest.approx(0, abs=1e-9)
    assert "0.9800" in claims_table(found).rows[2][2]


@pytest.mark.parametrize(
    ("more", "holds"),
    [
        ({"name": "mnist"}, [None] * 4),
        ({"size": {"channels": (16, 32, 32)}}, [None] * 4),
        ({"size": {"epochs": 2}}, [None] * 4),
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
def test_each_bar_is_judged_under_its_own_conditions_only(judged, more, holds):
    assert [claim.holds for claim in judged(GOOD, **more)] == holds


def test_few_networks_and_few_images_are_not_judged(judged):
    few = {way: shares[:2] for way, shares in GOOD.items()}
    assert [claim.holds for claim in judged(few, cosines=(0.995,) * 2)] == [None, None, None, True]
    images = load_images("mnist-5k", "train", limit=50)
    assert [claim.holds for claim in judged(GOOD, train=images)] == [None] * 4
    assert len(judged({"software": five(0.9)})) == 2
