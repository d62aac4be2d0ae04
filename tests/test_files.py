"""Files appear whole; what killed processes left beside them goes."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from spinloom.errors import OutputError
from spinloom.files import replacing, write_bytes, write_text


@pytest.mark.skipif(os.name != "posix", reason="asks whether a process runs")
def test_the_next_write_removes_what_a_killed_process_left_and_nothing_else(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone = tmp_path / f".result[1].json.{ended.pid}.part"
    kept = [f".result[1].json.{os.getppid()}.part", f".other.{ended.pid}.part", ".result[1].json.mine.part"]
    for path in (gone, *(tmp_path / name for name in kept)):
        path.write_text("half")
    write_text(tmp_path / "result[1].json", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "result[1].json"])


def test_a_failed_write_leaves_what_was_there(tmp_path):
    write_bytes(tmp_path / "deep" / "file", b"first")
    with suppress(RuntimeError), replacing(tmp_path / "deep" / "file") as temporary:
        temporary.write_bytes(b"sec")
        raise RuntimeError
    assert [path.read_bytes() for path in (tmp_path / "deep").iterdir()] == [b"first"]


def test_a_folder_that_is_a_file_is_said(tmp_path):
    write_text(tmp_path / "file", "")
    with pytest.raises(OutputError, match=r"cannot write .*/file/inner"):
        write_text(tmp_path / "file" / "inner", "")
