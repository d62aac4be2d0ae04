import pytest

from spinloom.errors import OutputError
from spinloom.studies.mtj_parts.stages import Stages


def test_a_finished_stage_is_not_computed_again_even_by_another_run(tmp_path):
    calls = []
    for _ in range(2):
        stages = Stages(tmp_path, {"seed": 1})
        assert stages.get("sweep", {"value": 0.1}, lambda: calls.append(1) or [0.5, 0.25]) == [0.5, 0.25]
    assert len(calls) == 1


def test_other_settings_or_other_circumstances_are_another_stage(tmp_path):
    stages = Stages(tmp_path, {"seed": 1})
    paths = {
        stages.path("a", {"value": 1}),
        stages.path("a", {"value": 2}),
        stages.path("b", {"value": 1}),
        Stages(tmp_path, {"seed": 2}).path("a", {"value": 1}),
    }
    assert len(paths) == 4
    assert stages.path("a", {"x": 1, "y": 2}) == stages.path("a", {"y": 2, "x": 1})


@pytest.mark.parametrize(
    "damage", [lambda text: text[:9], lambda text: text.replace("0.25", "0.52"), lambda text: "[0.5]", lambda text: "1"]
)
def test_a_damaged_stage_is_computed_again(tmp_path, damage):
    stages = Stages(tmp_path, {})
    stages.get("a", {}, lambda: [0.5, 0.25])
    path = stages.path("a", {})
    path.write_text(damage(path.read_text()))
    assert stages.get("a", {}, lambda: [2.0]) == [2.0]
    assert stages.get("a", {}, lambda: [3.0]) == [2.0]


def test_a_run_that_takes_what_an_earlier_one_kept_knows_it(tmp_path):
    first = Stages(tmp_path, {})
    of_network = first.of(weights="w")
    for _ in range(2):  # its own stages, asked for again, are not an earlier run's
        of_network.get("a", {}, lambda: 1)
        first.path("b", {}, ".safetensors").touch()
    assert not first.resumed
    assert not of_network.resumed
    again = Stages(tmp_path, {})
    assert not again.resumed
    again.of(weights="w").get("a", {}, lambda: 1)
    assert again.resumed


def test_a_run_that_goes_on_with_a_killed_training_knows_it(tmp_path):
    Stages(tmp_path, {}).path("network", {}, ".checkpoint").touch()
    again = Stages(tmp_path, {})
    again.path("network", {}, ".safetensors")
    assert again.resumed


def test_stages_that_depend_on_more_are_others(tmp_path):
    stages = Stages(tmp_path, {"seed": 1})
    assert stages.of(weights="w").path("a", {}) == Stages(tmp_path, {"seed": 1, "weights": "w"}).path("a", {})
    assert stages.path("a", {}) != stages.of(weights="w").path("a", {})


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        Stages(tmp_path, {}).get("a", {}, lambda: 1 / 0)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        Stages(tmp_path / "file", {}).get("a", {}, lambda: 1)
