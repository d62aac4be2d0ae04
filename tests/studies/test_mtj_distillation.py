"""The study with tiny networks and few devices; the packaged digits are its images."""

import json
from dataclasses import replace

import pytest
import torch

from spinloom.data import load_images
from spinloom.errors import InputError
from spinloom.learning import count_parameters
from spinloom.studies import kit, mtj_distillation
from spinloom.studies.mtj_distillation import SIZES, Settings, make_student, make_teacher, require_quarter, run


@pytest.fixture
def settings(shrink, curve, tmp_path) -> Settings:
    shrink(
        mtj_distillation,
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
    return Settings(dataset="mnist-5k", out=tmp_path / "out", device=str(curve))


@pytest.mark.parametrize("noise_aware", [False, True])
def test_pairs_of_students_are_trained_and_kept(settings, noise_aware, repeat):
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
    size = SIZES.of(settings)
    large = count_parameters(make_teacher(load_images("mnist-5k", "train", limit=10), size, 0))
    assert f"The teacher in software has {large:,} parameters" in result.summary
    assert min(kept[1]["accuracies"]["labels"]) > 0.5
    told = " ".join((result.summary, *result.assumptions, *(plot.caption for plot in result.plots)))
    for false in ("has not seen", "300 K", "5 % spread", "64", "simulated"):
        assert false not in told, false
    assert ("2 other draws" in told) is noise_aware
    assert "The teacher has learnt from all 1,000 training images" in told
    again = repeat(run, settings)
    assert again.resumed
    assert again.data == result.data


def test_a_teacher_file_is_taken_and_a_foreign_one_refused(settings, tmp_path, unwritten):
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


def test_a_teacher_of_another_shape_is_refused(settings, shrink, weights):
    with pytest.raises(InputError, match="network needs"):
        run(replace(settings, teacher=str(weights)))


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("name", ["mnist-5k", "colour"])
def test_students_have_a_quarter_of_their_teachers_parameters(full, name):
    train, size = load_images("mnist-5k", "train", limit=10), SIZES.of(Settings(full=full))
    if name == "colour":
        train = replace(train, images=torch.zeros(10, 3, 32, 32, dtype=torch.uint8))
    large, small = make_teacher(train, size, 0), make_student(train, size, 0)
    assert require_quarter(large, small) == (count_parameters(large), count_parameters(small))
    assert 6 * count_parameters(small) > count_parameters(large)
    with pytest.raises(InputError, match="more than a quarter"):
        require_quarter(small, small)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"images": (0,)}, "images"),
        ({"softening": 0.0}, "softening"),
        ({"mixing": 1.5}, "mixing"),
        ({"seeds": 0}, "seeds"),
        ({"epochs": 0}, "epochs"),
        ({"device": "x.csv", "temperature": 77.0}, "--temperature is of a simulated device"),
        ({"device": "x.csv", "spread": 0.1}, "--spread is of a simulated device"),
    ],
)
def test_impossible_settings_are_refused(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(Settings(out=tmp_path / "out", **wrong))
    assert not (tmp_path / "out").exists()


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
def test_the_bar_is_judged_on_its_own_data_sets_and_with_three_pairs(
    name, gains, holds, made_up, settings, monkeypatch
):
    def students(self, function):
        return lambda **key: {"accuracy": 0.5 + (key["way"] == "teacher") * gains[key["seed"]], "losses": [1.0]}

    monkeypatch.setattr(kit.Run, "trained", lambda *_, **__: True)
    monkeypatch.setattr(kit.Run, "kept", students)
    (claim, _) = made_up(mtj_distillation, replace(settings, seeds=len(gains)), 0.9, lambda _: (0.9,), name).claims
    assert claim.holds is holds
    assert claim.measured == pytest.approx(100 * sum(gains) / len(gains))
