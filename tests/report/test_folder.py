import json

import pytest

from spinloom.errors import InputError, OutputError
from spinloom.report.folder import reserve


def result(name: str) -> str:
    return json.dumps({"name": name, "claims": [], "versions": {}})


def test_an_empty_folder_and_ones_own_result_are_taken(tmp_path):
    folder = reserve(tmp_path / "out", "mtj-deep", "spinloom run mtj-deep")
    assert (folder / "command.txt").read_text() == "spinloom run mtj-deep\n"
    (tmp_path / "out" / "result.json").write_text(result("mtj-deep"))
    assert reserve(tmp_path / "out", "mtj-deep", "again") == folder


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (result("mtj-transfer"), "a result of mtj-transfer"),
        ('{"name": "mtj-deep"}', "no result of Spinloom"),
        ('{"half', "no result of Spinloom"),
        ("[1, 2]", "no result of Spinloom"),
        ("\udcff".encode(errors="surrogateescape").decode("latin-1"), "no result of Spinloom"),
    ],
)
def test_a_result_of_something_else_is_refused_and_stays(content, named, tmp_path):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(InputError, match=named) as refused:
        reserve(tmp_path, "mtj-deep", "spinloom run mtj-deep")
    assert f"--out, for example {tmp_path / 'mtj-deep'}" in str(refused.value)
    assert (tmp_path / "result.json").read_text() == content
    assert not (tmp_path / ".cache").exists()


def test_a_folder_that_cannot_be_written_is_found_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        reserve(tmp_path / "file", "mtj-deep", "")
    with pytest.raises(OutputError, match=r"cannot write.*too long"):
        reserve(tmp_path / ("a" * 300), "mtj-deep", "")


def test_the_folder_of_a_run_without_a_result_is_kept_for_its_study(tmp_path):
    reserve(tmp_path, "mtj-deep", "spinloom run mtj-deep --seed 1")
    with pytest.raises(InputError, match="holds stages of mtj-deep; give mtj-transfer another --out"):
        reserve(tmp_path, "mtj-transfer", "spinloom run mtj-transfer")
    reserve(tmp_path, "mtj-deep", "spinloom run mtj-deep --seed 2")
