"""What lies at a checkpoint's place: nothing of another's is lost, and what cannot be used is said."""

import os
import warnings
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError, OutputError, SpinloomWarning
from spinloom.learning.checkpoint import claim, write

PARTS = {"rate": "0.1", "network": "abc"}
STATE = bytes(range(256)) * 2


def test_what_was_written_is_found_by_the_same_training(tmp_path):
    write(tmp_path / "deep" / "state", PARTS, STATE)
    assert claim(tmp_path / "deep" / "state", PARTS) == STATE


def test_where_nothing_is_the_training_starts_anew_and_leaves_nothing(tmp_path):
    assert claim(tmp_path / "new" / "state", PARTS) is None
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("content", [b"my notes\n", b"\0" * 64 + b"picture", b"Spinloom checkpoint 99\nfuture"])
def test_a_file_of_the_users_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine is no checkpoint .* another name"):
        claim(path, PARTS)
    assert path.read_bytes() == content


def test_weights_of_the_users_are_refused_and_left_as_they_are(tmp_path):
    torch.save({"weight": torch.ones(3)}, tmp_path / "weights.pt")
    before = (tmp_path / "weights.pt").read_bytes()
    with pytest.raises(InputError, match=r"weights\.pt is no checkpoint"):
        claim(tmp_path / "weights.pt", PARTS)
    assert (tmp_path / "weights.pt").read_bytes() == before


def test_another_training_is_kept_aside_and_the_difference_named(tmp_path):
    write(tmp_path / "state", PARTS, STATE)
    with pytest.warns(SpinloomWarning, match=r"differs in before_step, rate; it is kept as state\.old, and"):
        assert claim(tmp_path / "state", {"network": "abc", "rate": "0.2", "before_step": "new"}) is None
    assert not (tmp_path / "state").exists()
    assert claim(tmp_path / "state.old", PARTS) == STATE


def test_a_second_one_kept_aside_says_that_it_takes_the_place_of_the_first(tmp_path):
    for rate, said in (("0.2", r"state\.old, and"), ("0.3", "in the place of an earlier one")):
        write(tmp_path / "state", PARTS, STATE)
        with pytest.warns(SpinloomWarning, match=said):
            claim(tmp_path / "state", {**PARTS, "rate": rate})


def test_a_file_of_the_users_in_the_place_of_the_old_one_stays(tmp_path):
    write(tmp_path / "state", PARTS, STATE)
    (tmp_path / "state.old").write_text("mine")
    with pytest.raises(InputError, match=r"state\.old is no checkpoint"):
        claim(tmp_path / "state", {})
    assert (tmp_path / "state.old").read_text() == "mine"
    assert claim(tmp_path / "state", PARTS) == STATE


@settings(max_examples=60)
@given(data=st.data())
def test_no_damage_is_taken_for_a_state(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("damage") / "state"
    write(path, PARTS, STATE)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(22, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[data.draw(st.integers(0, place)) :]
    path.write_bytes(content)
    with pytest.warns(SpinloomWarning, match="is damaged; .* starts anew"):
        assert claim(path, PARTS) is None


@pytest.mark.parametrize("left", [b"", b"\0" * 500])
def test_what_a_failing_machine_leaves_is_warned_about(tmp_path, left):
    (tmp_path / "state").write_bytes(left)
    with pytest.warns(SpinloomWarning, match="damaged"):
        assert claim(tmp_path / "state", PARTS) is None


@pytest.mark.parametrize("make", [Path.mkdir, *([os.mkfifo] if hasattr(os, "mkfifo") else [])])
def test_what_is_no_plain_file_is_refused(tmp_path, make):
    make(tmp_path / "place")
    with pytest.raises(InputError, match="is a folder or a device; give the name of a file"):
        claim(tmp_path / "place", PARTS)


def test_a_place_that_cannot_be_written_to_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write the checkpoint .*/file/state: .*; choose another place"):
        claim(tmp_path / "file" / "state", PARTS)
    with pytest.raises(OutputError, match="File name too long; choose another place"):
        claim(tmp_path / ("long" * 100), PARTS)
    if Path("/proc").exists():
        with pytest.raises(OutputError, match="cannot write"):
            claim(Path("/proc/state"), PARTS)


def test_a_right_checkpoint_is_taken_up_without_a_word(tmp_path):
    write(tmp_path / "state", PARTS, STATE)
    with warnings.catch_warnings(action="error"):
        claim(tmp_path / "state", PARTS)
