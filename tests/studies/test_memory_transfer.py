"""The study with the packaged digits, few images and chips."""

from dataclasses import replace
from pathlib import Path

import pytest

from spinloom.errors import InputError
from spinloom.studies import memory_transfer
from spinloom.studies.memory_transfer import Settings, run


@pytest.fixture
def settings(shrink, curve, tmp_path) -> Settings:
    sizes = {"channels": (4, 8), "hidden": 16, "images_seen": 24_000}
    shrink(memory_transfer, test_images=200, chips=2, junctions=4, swept=(0.02, 0.2), **sizes)
    return Settings(dataset="mnist-5k", out=tmp_path / "out", device=str(curve), memories=("linear",))


def test_chips_are_written_measured_and_kept(settings, repeat):
    result = run(settings)
    exact, chips = result.data["reference"], result.data["chips"]["linear"]
    assert exact["software"] > 0.8
    assert len(chips) == 2
    for chip in chips:
        assert abs(chip["accuracy"] - exact["software"]) < 0.05
        assert chip["missed"] == 0
        assert chip["attempts"] >= chip["devices"]  # new devices are at the least conductance, targets in the middle
        assert chip["energy"] > 0
    assert chips[0]["accuracy"] != chips[1]["accuracy"] or chips[0]["energy"] != chips[1]["energy"]
    assert result.data["read_energy"]["linear"] > 0
    again = repeat(run, settings)
    assert again.resumed
    assert again.data == result.data


def test_a_memory_of_ones_own_is_taken_and_an_unknown_one_refused(settings, unwritten):
    own = "spinloom.devices.memory.linear:LinearMemory"
    assert run(replace(settings, memories=(own,), chips=1)).data["chips"].keys() == {own}
    with pytest.raises(InputError, match=r"unknown memory 'liner'.*linear"):
        run(replace(settings, memories=("liner",)))
    with pytest.raises(InputError, match="derived from spinloom"):
        run(replace(settings, memories=("spinloom.devices:TwoPolarizerMTJ",)))


def test_a_measured_table_is_written_like_any_memory(settings):
    table = str(Path(__file__).parents[2] / "docs" / "examples" / "measured_memory.csv")
    result = run(replace(settings, memories=(table,), chips=1))
    (chip,) = result.data["chips"][table]
    assert abs(chip["accuracy"] - result.data["reference"]["software"]) < 0.05
    assert chip["missed"] == 0
    assert "energy" not in chip  # the table does not say what a pulse takes
    assert "NaN" not in (settings.out / "result.json").read_text()
