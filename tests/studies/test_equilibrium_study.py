"""The study at a tiny size, on the packaged digits."""

import json

import pytest

from spinloom import learning
from spinloom.studies import equilibrium
from spinloom.studies.equilibrium import Settings, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(equilibrium, train_images=320, test_images=100, hidden=24, epochs=2, device_epochs=1, junctions=4)


def test_the_whole_study_writes_its_report_and_resumes(tmp_path, monkeypatch, repeat):
    settings = Settings(dataset="mnist-5k", out=tmp_path)
    result = run(settings)
    written = json.loads((tmp_path / "result.json").read_text())["data"]["found"]
    assert [plot.name for plot in result.plots] == ["learning", "cosines"]
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert list(written) == list(settings.ways)
    assert [len(one["accuracies"]) for one in written.values()] == [2, 2, 1, 1, 1, 1]
    assert written["clamped neurons"]["accuracies"][-1] > 0.3  # ten classes; learnt in ten steps
    accuracy, cosine = result.claims
    assert accuracy.holds is None, "other data than the published are not judged"
    assert cosine.holds is True
    monkeypatch.setattr(learning.EquilibriumNetwork, "contrast", None)
    again = repeat(run, settings)
    assert again.resumed
    assert again.as_dict()["data"] == result.as_dict()["data"]
