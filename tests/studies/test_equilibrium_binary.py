"""The study at a tiny size, on the packaged digits."""

import json

import pytest

from spinloom import learning
from spinloom.studies import equilibrium_binary
from spinloom.studies.equilibrium_binary import BOTH, DENSE, DIGITS, FLOAT, WEIGHTS, Settings, run


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(equilibrium_binary, images=320, tests=100, hidden=24, epochs=2, conv_images=64, channels=(2, 3))
    shrink(equilibrium_binary, conv_epochs=1, replicas=2, free_steps=8)


def test_the_whole_study_writes_its_report_and_resumes(tmp_path, monkeypatch, repeat):
    settings = Settings(dataset="mnist-5k", colour="none", out=tmp_path)
    result = run(settings)
    found = json.loads((tmp_path / "result.json").read_text())["data"]["found"]
    assert [plot.name for plot in result.plots] == ["network-1", "network-2"]
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert {name: list(each) for name, each in found.items()} == {
        DENSE: [FLOAT, WEIGHTS, BOTH],
        DIGITS: [FLOAT, WEIGHTS],
    }
    assert all(claim.holds is None for claim in result.claims), "other data than the published are not judged"
    dense = found[DENSE]
    assert dense[FLOAT]["accuracies"][-1] > 0.2  # ten classes; learnt in ten steps
    assert dense[FLOAT]["flips"] == []
    assert all(0 < share < 5 for share in dense[WEIGHTS]["flips"])
    assert all(0.6 < share <= 1 for way in (FLOAT, WEIGHTS) for share in dense[way]["signs"])
    monkeypatch.setattr(learning.EquilibriumNetwork, "contrast", None)
    again = repeat(run, settings)
    assert again.resumed
    assert again.as_dict()["data"] == result.as_dict()["data"]
