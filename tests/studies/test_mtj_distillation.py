"""The study with tiny networks and few devices; the packaged digits are its images."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from spinloom.data import load_images
from spinloom.devices import Response, save_response
from spinloom.errors import InputError
from spinloom.learning import count_parameters
from spinloom.studies.mtj_distillation import Settings, networks, outcome, plan, run
from spinloom.studies.mtj_distillation.measurements import Pairs

TINY = replace(
    plan.REDUCED,
    teacher_channels=(8, 16),
    teacher_hidden=32,
    student_channels=(4, 4),
    student_hidden=16,
    train_images=1_000,
    test_images=300,
    images=(200, 1_000),
    images_seen=2_000,
    teacher_epochs=3,
    seeds=2,
    devices=4,
    fresh=2,
    batch=32,
    rate=5e-3,
)


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setattr(plan, "REDUCED", TINY)
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.tensor([[0.95], [1.0], [1.05]]))
    response = Response(x, value, 1 - value**2, torch.full_like(value, 0.01), 1.0, "A")
    save_response(tmp_path / "curve.safetensors", response)
    return Settings(dataset="mnist-5k", out=tmp_path / "out", response=tmp_path / "curve.safetensors")


@pytest.mark.parametrize("noise_aware", [False, True])
def test_pairs_of_students_are_trained_and_kept(settings, noise_aware):
    settings = replace(settings, noise_aware=noise_aware)
    result = run(settings)
    assert result.data["teacher"] > 0.8
    assert (result.settings["train_images"], result.settings["test_images"]) == (1_000, 300)
    kept = json.loads((settings.out / "result.json").read_text())["data"]["students"]
    assert [pairs["images"] for pairs in kept] == [200, 1_000]
    for pairs, claim in zip(kept, result.claims, strict=True):
        alone, taught = pairs["accuracies"]["labels"], pairs["accuracies"]["teacher"]
        assert len(alone) == len(taught) == 2
        assert claim.measured == pytest.approx(50 * (sum(taught) - sum(alone)))
        assert claim.holds is None  # the bar is set for other images
    large = count_parameters(networks.teacher(load_images("mnist-5k", "train", limit=10), TINY, 0))
    assert f"The teacher in software has {large:,} parameters" in result.summary
    assert min(kept[1]["accuracies"]["labels"]) > 0.5
    told = " ".join((result.summary, *result.assumptions, *(plot.caption for plot in result.plots)))
    for false in ("has not seen", "300 K", "5 % spread", "64", "simulated"):
        assert false not in told, false
    assert ("2 other draws" in told) is noise_aware
    assert "The teacher has learnt from all 1,000 training images" in told
    assert run(settings).data == result.data


def test_a_teacher_file_is_taken_and_a_foreign_one_refused(settings, tmp_path):
    first = run(replace(settings, seeds=1))
    path = next((settings.out / ".cache").glob("teacher-*.safetensors"))
    given = run(replace(settings, teacher=str(path), out=tmp_path / "two", seeds=1))
    assert given.data["teacher"] == first.data["teacher"]
    assert given.claims[0].uncertainty is None  # one pair
    assert "±" not in given.summary
    told = " ".join(given.assumptions)
    assert "training images are not known" in told
    assert "1,000" not in told
    with pytest.raises(InputError, match=r"--images 5,000 are more than the 1,000 training images; --full"):
        run(replace(settings, images=(5_000,), out=tmp_path / "three"))
    with pytest.raises(InputError, match="trained on fashion-mnist"):
        run(replace(settings, teacher="fashion-cnn", out=tmp_path / "three"))
    wider, train = replace(TINY, teacher_channels=(8, 20)), load_images("mnist-5k", "train", limit=100)
    with pytest.raises(InputError, match="network needs"):
        networks.trained_teacher(train, wider, 0, None, path)  # type: ignore[arg-type]  # no stage is reached


@pytest.mark.parametrize("size", [plan.REDUCED, plan.FULL])
@pytest.mark.parametrize("name", ["mnist-5k", "colour"])
def test_students_have_a_quarter_of_their_teachers_parameters(size, name):
    train = load_images("mnist-5k", "train", limit=10)
    if name == "colour":
        train = replace(train, images=torch.zeros(10, 3, 32, 32, dtype=torch.uint8))
    large, small = networks.teacher(train, size, 0), networks.student(train, size, 0)
    networks.require_quarter(large, small)
    assert 6 * count_parameters(small) > count_parameters(large)
    with pytest.raises(InputError, match="more than a quarter"):
        networks.require_quarter(small, small)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"images": (0,)}, "images"),
        ({"temperature": 0.0}, "temperature"),
        ({"mixing": 1.5}, "mixing"),
        ({"seeds": 0}, "seeds"),
        ({"epochs": 0}, "epochs"),
        ({"response": Path("x.csv"), "kelvin": 77.0}, "--kelvin is of a simulated device"),
        ({"response": Path("x.csv"), "spread": 0.1}, "--spread is of a simulated device"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        plan.plan_of(Settings(**wrong))


@pytest.mark.parametrize(
    ("name", "gains", "holds"),
    [
        ("fashion-mnist", (0.01, 0.02, 0.01), True),
        ("cifar10", (0.01, -0.01, 0.01), False),
        ("mnist", (0.01, 0.02, 0.01), None),
        ("fashion-mnist", (0.02, 0.01), None),
        ("fashion-mnist", (0.02,), None),
    ],
)
def test_the_bar_is_judged_on_its_own_data_sets_and_with_three_pairs(name, gains, holds):
    pairs = Pairs(100, {"labels": (0.5,) * len(gains), "teacher": tuple(0.5 + gain for gain in gains)}, {})
    claim = outcome._claim(pairs, name)
    assert claim.holds is holds
    assert claim.measured == pytest.approx(100 * sum(gains) / len(gains))
