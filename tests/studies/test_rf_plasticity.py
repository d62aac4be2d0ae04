"""The study at a tiny size, on the packaged digits, and its parts."""

import json
from dataclasses import replace

import pytest
import torch

from spinloom.errors import InputError, OutputError
from spinloom.nn.radio import Band
from spinloom.studies.rf_plasticity import Settings, measurements, run
from spinloom.studies.rf_plasticity import plan as plans
from spinloom.studies.rf_plasticity.plan import FULL, REDUCED, band_of, plan_of
from spinloom.studies.rf_plasticity.radio import perceptron, pixel_frequencies, snake

TINY = replace(
    REDUCED, images=200, resonators=(3, 12), epochs=2, sweep_epochs=1, software_epochs=2, rounds=1, round_epochs=1,
    last_epochs=1, most_jumping=3, dampings=(0.1, 0.01), seeds=2, batch=50,
)  # fmt: skip


def test_the_whole_study_writes_its_report_and_resumes(tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "REDUCED", TINY)
    result = run(Settings("mnist-5k", tmp_path))
    written = json.loads((tmp_path / "result.json").read_text())
    assert {plot.name for plot in result.plots} == {
        "accuracy-removed", "accuracy-damping", "resonators-fixed", "resonators-trained", "input-frequencies"
    }  # fmt: skip
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert (tmp_path / "report.html").exists()
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    assert set(written["data"]["fixed"]) == {"3", "12"}
    monkeypatch.setattr(measurements, "fit_sparse", None)
    monkeypatch.setattr(measurements, "perceptron", None)
    again = run(Settings("mnist-5k", tmp_path))
    assert again.data == result.data, "a second run takes the networks of the first"


def test_the_path_of_fixed_frequencies_is_continuous():
    """Every step to the next higher frequency goes to a neighbour in the image."""
    order = pixel_frequencies(6, 5, 1, Band()).argsort()
    row, column = order // 5, order % 5
    assert bool(((row.diff().abs() + column.diff().abs()) == 1).all())
    assert torch.equal(snake(6, 5).sort().values, torch.arange(30))


def test_logits_begin_alike_for_few_and_many_resonators():
    x = torch.rand(50, 784, generator=torch.Generator().manual_seed(0))
    sizes = [
        float(perceptron(pixel_frequencies(28, 28, 1, Band()), 10, n, 0.01, Band(), (0, 1), False)(x).std().detach())
        for n in (10, 160)
    ]
    assert 0.4 < sizes[0] / sizes[1] < 2.5


def test_full_is_larger():
    assert FULL.epochs > REDUCED.epochs
    assert set(REDUCED.resonators) <= set(FULL.resonators)
    assert FULL.epochs_for(784) < FULL.epochs_for(10) == FULL.epochs
    assert plan_of(Settings(seeds=7)).seeds == 7
    assert plan_of(Settings(resonators=(20, 10, 20))).resonators == (10, 20)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"damping": -0.1}, "damping must be"),
        ({"seeds": 0}, "seeds must be >= 1"),
        ({"resonators": (10, 0)}, "resonators must be >= 1"),
        ({"low": 3e8}, "lower to a higher"),
        ({"low": 119.9e6}, "does not resolve 784"),
        ({"dataset": "mnits"}, "did you mean 'mnist'"),
    ],
)
def test_wrong_settings_are_named(wrong, message, tmp_path):
    settings = replace(Settings("mnist-5k", tmp_path), **wrong)
    with pytest.raises(InputError, match=message):
        run(settings)
    assert not (tmp_path / "result.json").exists()


def test_a_folder_that_cannot_be_written_fails_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        run(Settings("mnist-5k", tmp_path / "file" / "out"))


def test_the_default_band_holds_the_inputs():
    assert band_of(Settings(), 784) == Band()
