"""The study at a tiny size, on the packaged digits."""

import json
from dataclasses import replace

import pytest

from spinloom import learning
from spinloom.errors import InputError, OutputError
from spinloom.studies import rf_plasticity
from spinloom.studies.rf_plasticity import Settings, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(rf_plasticity, images=200, resonators=(3, 12), epochs=2, sweep_epochs=1, software_epochs=2, rounds=1)
    shrink(rf_plasticity, round_epochs=1, last_epochs=1, most_jumping=3, linewidths=(0.1, 0.01), seeds=2, batch=50)


def test_the_whole_study_writes_its_report_and_resumes(tmp_path, monkeypatch, repeat):
    settings = Settings(dataset="mnist-5k", out=tmp_path)
    result = run(settings)
    written = json.loads((tmp_path / "result.json").read_text())
    assert {plot.name for plot in result.plots} == {
        "accuracy-removed", "accuracy-linewidth", "resonators-fixed", "resonators-trained", "input-frequencies"
    }  # fmt: skip
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert (tmp_path / "report.html").exists()
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    assert result.claims[0].unjudged == (
        "set for mnist, 10 resonators a chain, the full size; this run had mnist-5k, 3 resonators a chain, the reduced "
        "size"
    )
    assert set(written["data"]["fixed"]) == {"3", "12"}
    monkeypatch.setattr(learning, "fit_sparse", None)
    monkeypatch.setattr(learning, "sparse_chains", None)
    again = repeat(run, settings)
    assert again.resumed
    assert json.dumps(again.as_dict()["data"]) == json.dumps(result.as_dict()["data"])


def test_points_are_taken_in_order_and_once(tmp_path, unwritten):
    settings = Settings(dataset="mnist-5k", out=tmp_path, resonators=(4, 3, 4), seeds=1)
    found = run(settings).data
    assert list(found["trained"]) == [3, 4]
    assert {len(one) for one in found["trained"].values()} == {1}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"linewidth": -0.1}, "linewidth must be"),
        ({"fixed_linewidth": 0.0}, "fixed_linewidth must be"),
        ({"seeds": 0}, "seeds must be >= 1"),
        ({"resonators": (10, 0)}, "resonators must be >= 1"),
        ({"low": 3e8}, "lower to a higher"),
        ({"low": 119.9e6}, "does not resolve 784"),
        ({"dataset": "mnits"}, "did you mean 'mnist'"),
    ],
)
def test_wrong_settings_are_named(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(Settings(dataset="mnist-5k", out=tmp_path), **wrong))
    assert not (tmp_path / "result.json").exists()


def test_a_folder_that_cannot_be_written_fails_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        run(Settings(dataset="mnist-5k", out=tmp_path / "file" / "out"))
