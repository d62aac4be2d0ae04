"""The study at a tiny size, on the packaged digits."""

import json

import pytest

from spinloom import learning
from spinloom.errors import InputError
from spinloom.studies import metaplasticity
from spinloom.studies.metaplasticity import ELASTIC, RANDOM, Settings, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(metaplasticity, hidden=(24, 20), images=400, epochs=1, pair_epochs=2, tasks=2, flips=5, draws=2)
    shrink(metaplasticity, flip_images=200)


def test_the_whole_study_writes_its_report_and_resumes(tmp_path, monkeypatch, repeat):
    settings = Settings(first="mnist-5k", second="mnist-5k", out=tmp_path)
    result = run(settings)
    written = json.loads((tmp_path / "result.json").read_text())
    assert [plot.name for plot in result.plots] == ["pair", "sequence", "retention", "flips"]
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert (tmp_path / "report.html").exists()
    assert len(result.claims) == 6
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    assert set(written["data"]["pair"]) == {"m = 0", "m = 1.5"}
    assert list(written["data"]["permuted"]) == ["m = 0", "m = 0.5", "m = 1", "m = 1.35", ELASTIC, RANDOM]
    assert set(written["data"]["correlations"]) == {"layer 1", "layer 2"}
    history, ends = written["data"]["pair"]["m = 0"]
    assert [len(history), len(history[0]), len(ends)] == [2, 2, 2]
    assert history[0][1][0] > 0.3  # ten classes; learnt in eight steps
    monkeypatch.setattr(learning, "MetaplasticAdam", None)
    again = repeat(run, settings)
    assert again.resumed
    assert json.dumps(again.as_dict()["data"]) == json.dumps(result.as_dict()["data"])


def test_a_run_that_was_killed_goes_on_at_the_task_it_was_at(tmp_path, monkeypatch, unwritten):
    settings = Settings(first="mnist-5k", second="mnist-5k", out=tmp_path / "killed", strengths=(1.0,))
    learn, begun = metaplasticity.Learner.learn, []

    def killed(self, number, *rest):
        begun.append(number)
        if len(begun) == 4:
            raise KeyboardInterrupt
        return learn(self, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(metaplasticity.Learner, "learn", killed)
        with pytest.raises(KeyboardInterrupt):
            run(settings)
        begun.clear()
        begun.extend([-1] * 4)
        found = run(settings)
    assert begun[4:] == [1, 0, 1, 0, 1, 0, 1]  # of the second pair; then three ways through two permuted tasks
    whole = run(Settings(first="mnist-5k", second="mnist-5k", out=tmp_path / "whole", strengths=(1.0,)))
    assert found.data == whole.data


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strengths": (0.0, -1.0)}, "strengths must be"),
        ({"strengths": ()}, "strengths must hold at least one"),
        ({"pair_strength": -1.0}, "pair_strength must be"),
        ({"elastic": float("nan")}, "elastic must be"),
        ({"rate": 0.0}, "rate must be"),
        ({"hidden": (10, 0)}, "hidden must be >= 1"),
        ({"first": "mnits"}, "did you mean 'mnist'"),
        ({"second": "cifar10"}, "."),
    ],
)
def test_bad_settings_are_named(tmp_path, wrong, message):
    with pytest.raises(InputError, match=message):
        run(Settings(**{"first": "mnist-5k", "second": "mnist-5k", "out": tmp_path, **wrong}))
