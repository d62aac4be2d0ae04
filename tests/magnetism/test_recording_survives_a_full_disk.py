"""A disk without room: OutputError, every earlier record is there, and with room the run goes on."""

import errno
import os
import subprocess

import pytest
import torch
from magnets import magnet, random_states

from spinloom.errors import OutputError, SpinloomWarning
from spinloom.magnetism import Applied, Constant, Uniaxial
from spinloom.magnetism.recording import file as layout
from spinloom.magnetism.recording import file as writing
from spinloom.magnetism.recording.run import load_recording, record

THING = magnet(Uniaxial(1e5), Applied(Constant(1e4)), damping=0.05)
OPTIONS = {"duration": 40e-12, "every": 1e-12, "engine": "eager", "temperature": 300.0}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"NOT TESTED: a full disk; mounting a tmpfs needs root: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("averages_only", [False, True])
def test_a_full_disk_loses_no_record(small_disk, tmp_path, averages_only):
    path, m = small_disk / "r.h5", random_states(60)
    (small_disk / "filler").write_bytes(b"x" * 170_000)
    with (
        pytest.warns(SpinloomWarning, match=r"will take 0.* GB are free"),
        pytest.raises(OutputError, match=r"cannot write .*r\.h5: No space left on device; free space and run"),
    ):
        record(path, THING, m, averages_only=averages_only, **OPTIONS)
    cut = load_recording(path)
    assert 3 < len(cut.time) < 41
    assert not cut.complete
    os.unlink(small_disk / "filler")
    whole = record(tmp_path / "whole.h5", THING, m, averages_only=averages_only, **OPTIONS)
    assert torch.equal(cut.mean, whole.mean[: len(cut.time)])
    kept = record(path, THING, m, averages_only=averages_only, **OPTIONS)
    assert torch.equal(kept.mean, whole.mean)
    assert torch.equal(kept.final, whole.final)


def test_a_disk_too_small_for_the_file_itself_is_left_as_it_was(small_disk):
    (small_disk / "filler").write_bytes(b"x" * 258_000)
    with pytest.raises(OutputError, match="cannot write"), pytest.warns(SpinloomWarning):
        record(small_disk / "r.h5", THING, random_states(400), **OPTIONS)
    assert [item.name for item in small_disk.iterdir()] == ["filler"]


class Full:
    """A file that takes `room` bytes more."""

    def __init__(self, *path, room: int, **how):
        self.file, self.room = open(*path, **how), room  # noqa: SIM115

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        part = content[: self.room]
        if not len(part):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= self.file.write(part)
        return len(part)


@pytest.mark.parametrize("averages_only", [False, True])
@pytest.mark.parametrize("room", [0, 1, 3_000, 9_001, 20_000])
def test_writes_that_fail_lose_no_record(tmp_path, monkeypatch, room, averages_only):
    """The same without a mount, at several places."""
    path, m = tmp_path / "r.h5", random_states(20)
    whole = record(tmp_path / "whole.h5", THING, m, averages_only=averages_only, **OPTIONS)
    monkeypatch.setattr(writing, "open", lambda *a, **k: Full(*a, **k, room=room), raising=False)
    with pytest.raises(OutputError, match="No space left on device"):
        record(path, THING, m, averages_only=averages_only, **OPTIONS)
    monkeypatch.undo()
    cut = load_recording(path)
    assert torch.equal(cut.mean, whole.mean[: len(cut.time)])
    kept = record(path, THING, m, averages_only=averages_only, **OPTIONS)
    assert torch.equal(kept.mean, whole.mean)
    assert torch.equal(kept.final, whole.final)


@pytest.mark.parametrize(
    ("waiting", "failing", "left"),
    [(0, 2, 2), (0, 5, 5), (1e9, 2, 2)],  # 0: every record is published at once; 1e9: the first, then all others
)
def test_records_that_did_not_reach_the_disk_do_not_exist(tmp_path, monkeypatch, waiting, failing, left):
    """fsync fails once: what it was for may be lost, though later calls succeed."""
    calls, sync = [], os.fsync

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(handle)

    monkeypatch.setattr(writing.os, "fsync", fsync)
    monkeypatch.setattr(writing, "_WAITING", waiting)
    with pytest.raises(OutputError, match="Input/output error"):
        record(tmp_path / "r.h5", THING, random_states(20), **OPTIONS)
    assert len(load_recording(tmp_path / "r.h5").time) == left


def test_room_is_not_taken_before_it_is_needed(tmp_path):
    """A run that a criterion ends early has not filled the disk with what it never wrote."""
    record(tmp_path / "r.h5", THING, random_states(1000), 1e-9, every=1e-12, engine="eager", stop=lambda t, m: True)
    assert (tmp_path / "r.h5").stat().st_size > 24_000_000
    if (tmp_path / "r.h5").stat().st_blocks * 512 > 5_000_000:
        pytest.skip("NOT TESTED: this file system has no sparse files")


def test_a_disk_that_is_too_small_is_told_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(layout.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.warns(SpinloomWarning, match=r"r\.h5 will take .* GB for all its records"):
        record(tmp_path / "r.h5", THING, random_states(10), 3e-12, every=1e-12, engine="eager")
