"""Stages on disk: computed once, named by what decides them, with the time that they took."""

import json
from time import sleep

import pytest

from spinloom.errors import OutputError
from spinloom.studies.kit import Stages


def body() -> None:
    """Stands for a study's function."""


def other_body() -> None:
    """Another study's."""


def stages(folder, function=body, **common):
    return Stages(folder, function, common)


def ask(kept: Stages, value=(0.5, 0.25), **arguments):
    """The stage `sweep`; what it returns, and whether it was computed."""
    calls = []

    @kept.kept
    def sweep(**_):
        calls.append(1)
        return list(value)

    return sweep(**arguments), bool(calls)


def test_a_finished_stage_is_not_computed_again_even_by_another_run(tmp_path):
    assert ask(stages(tmp_path, seed=1), at=0.1) == ([0.5, 0.25], True)
    assert ask(stages(tmp_path, seed=1), at=0.1) == ([0.5, 0.25], False)


def test_other_arguments_circumstances_or_code_are_another_stage(tmp_path):
    one = stages(tmp_path, seed=1)
    paths = {
        one.path("a", {"value": 1}),
        one.path("a", {"value": 2}),
        one.path("b", {"value": 1}),
        stages(tmp_path, seed=2).path("a", {"value": 1}),
        stages(tmp_path, other_body, seed=1).path("a", {"value": 1}),
    }
    assert len(paths) == 5
    assert one.path("a", {"x": 1, "y": 2}) == one.path("a", {"y": 2, "x": 1})
    before = one.path("a", {})
    one.depend(weights="w")
    assert before != one.path("a", {}) == stages(tmp_path, seed=1, weights="w").path("a", {})


def test_a_changed_source_file_of_the_package_is_another_stage(tmp_path, monkeypatch):
    before = stages(tmp_path).path("a", {})
    monkeypatch.setattr("spinloom.identity.package", lambda *_: "another source")
    assert stages(tmp_path).path("a", {}) != before


@pytest.mark.parametrize(
    "damage", [lambda text: text[:9], lambda text: text.replace("0.25", "0.52"), lambda text: "[0.5]", lambda text: "1"]
)
def test_a_damaged_stage_is_computed_again(tmp_path, damage):
    ask(stages(tmp_path))
    (path,) = tmp_path.glob("sweep-*.json")
    path.write_text(damage(path.read_text()))
    assert ask(stages(tmp_path), (2.0,)) == ([2.0], True)
    assert ask(stages(tmp_path), (3.0,)) == ([2.0], False)


def test_a_run_that_takes_what_an_earlier_one_kept_knows_it(tmp_path):
    first = stages(tmp_path)
    for _ in range(2):  # its own stages, asked for again, are not an earlier run's
        ask(first)
        first.path("network", {}, ".safetensors").touch()
    assert not first.resumed
    again = stages(tmp_path)
    assert not again.resumed
    ask(again)
    assert again.resumed


def test_a_run_that_goes_on_with_a_killed_training_knows_it_and_its_time(tmp_path):
    one = stages(tmp_path)
    path = one.path("network", {}, ".safetensors")

    def killed():
        with one.timed(path):
            sleep(0.05)
            one._write()  # as a tick does when enough time has gone
            path.with_suffix(".checkpoint").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    again = stages(tmp_path)
    with again.timed(again.path("network", {}, ".safetensors")):
        pass
    assert again.resumed
    assert again.earlier >= 0.05
    assert json.loads((tmp_path / "times.json").read_text())[path.name] >= 0.05


def test_the_time_of_a_stage_taken_from_an_earlier_run_counts_once(tmp_path):
    first = stages(tmp_path)

    @first.kept
    def slow():
        sleep(0.05)
        return 1

    slow()
    slow()
    assert first.earlier == 0
    again = stages(tmp_path)
    for _ in range(2):
        again.kept(slow.__wrapped__)()
    assert 0.05 <= again.earlier < 0.09


def test_a_stage_that_fails_leaves_nothing(tmp_path):
    def fails():
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        stages(tmp_path).kept(fails)()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        ask(stages(tmp_path / "file"))
