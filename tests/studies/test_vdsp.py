"""The study at a tiny size, on the packaged digits."""

import json

import pytest

from spinloom import learning
from spinloom.errors import InputError
from spinloom.studies import vdsp
from spinloom.studies.vdsp import CODE, MEMORIES, OURS, PAIRS, Settings, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(vdsp, outputs=(12, 20), networks=2, others=1, images=300, tests=100)


@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
def test_the_whole_study_writes_its_report_and_resumes(tmp_path, monkeypatch, repeat):
    settings = Settings(dataset="mnist-5k", out=tmp_path)
    result = run(settings)
    written = json.loads((tmp_path / "result.json").read_text())
    assert [plot.name for plot in result.plots] == ["accuracy", "fields", "fields-hfo2"]
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert len(result.claims) == 1  # no accuracy is published for so few outputs
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    assert list(written["data"]["sizes"]) == ["12", "20"]
    assert list(written["data"]["ways"]) == [OURS, CODE, PAIRS, *MEMORIES]
    assert written["data"]["updates"][OURS] == 1 < written["data"]["updates"][PAIRS]
    assert written["data"]["ways"][OURS][0]["votes"] > 0.3  # ten classes
    monkeypatch.setattr(learning, "WinnerTakeAll", None)
    again = repeat(run, settings)
    assert again.resumed
    assert json.dumps(again.as_dict()["data"]) == json.dumps(result.as_dict()["data"])


def test_settings_that_cannot_be_are_refused(tmp_path, unwritten):
    for wrong in ({"rate": 0.0}, {"last": -1.0}, {"epochs": 0}, {"spread": -0.1}):
        with pytest.raises(InputError):
            run(Settings(dataset="mnist-5k", out=tmp_path, **wrong))
