import pytest

from spinloom.errors import OutputError
from spinloom.evaluation.stages import Stages


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


def test_a_damaged_stage_is_computed_again(tmp_path):
    stages = Stages(tmp_path, {})
    stages.get("a", {}, lambda: 1)
    stages.path("a", {}).write_text('{"half')
    assert stages.get("a", {}, lambda: 2) == 2
    assert stages.get("a", {}, lambda: 3) == 2


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        Stages(tmp_path, {}).get("a", {}, lambda: 1 / 0)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        Stages(tmp_path / "file", {}).get("a", {}, lambda: 1)
