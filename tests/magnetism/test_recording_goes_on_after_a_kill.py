"""A run that is killed at any moment and started again gives the trajectory of the uninterrupted one to the bit."""

import os
import random
import signal
import subprocess
import sys
import time

import h5py
import pytest
import torch
from magnets import damping_like, random_states

from spinloom.magnetism import Applied, Constant, Exchange, Magnet, Material, Mesh, Sine, Uniaxial
from spinloom.magnetism.recording import file as writing
from spinloom.magnetism.recording.file import finished_records
from spinloom.magnetism.recording.run import load_recording, record, segment_seed, when_mean

MESH = Mesh((5, 4, 1), (2e-9, 2e-9, 2e-9))


def mesh_magnet() -> Magnet:
    """Two members that differ in damping, with a hole, in a field that changes in time."""
    geometry = torch.ones(1, 4, 5, dtype=torch.bool)
    geometry[0, 1, 2] = False
    damping = torch.tensor([0.02, 0.1]).reshape(2, 1, 1, 1)
    terms = (Exchange(1e-11), Uniaxial(1e5), Applied(Sine(3e5, 5e9), (1.0, 0.5, 0.0)))
    return Magnet(Material(8e5, damping), mesh=MESH, geometry=geometry, fields=terms)


def macrospins() -> Magnet:
    k1 = torch.linspace(1e5, 3e5, 7)
    return Magnet(Material(1e6, 0.02), 1e-24, (Uniaxial(k1), Applied(Constant(2e4))), (damping_like(1e10),))


def case(name: str) -> dict:
    """Arguments of `record`; eager, for a process that must not compile."""
    settings = {"every": 2e-13, "duration": 5.9e-12, "engine": "eager"}
    if name.startswith("mesh"):
        settings |= {"magnet": mesh_magnet(), "m": random_states(2, 1, 4, 5)}
    else:
        settings |= {"magnet": macrospins(), "m": random_states(7, dtype=torch.float32)}
    if name.endswith("at 300 K"):
        settings |= {"temperature": 300.0, "step": 1e-13 if name.startswith("mesh") else 2e-14, "seed": 5}
    if name.startswith("averages"):
        settings |= {"averages_only": True}
    if name.startswith("adaptive"):
        settings |= {"method": "dopri5", "tolerance": 1e-7}
    return settings


TOTAL = 31
CASES = ("mesh", "mesh at 300 K", "macrospins at 300 K", "adaptive macrospins", "averages of macrospins at 300 K")


def content(path) -> dict[str, bytes]:
    """Every dataset of a recording; of the two slots of the state only the valid one."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    if "state" in found:
        found["state"] = found["state"][found.pop("state_record").argmax()]
    return {name: values.tobytes() for name, values in found.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Uninterrupted runs by the name of their case, made when needed."""
    folder, made = tmp_path_factory.mktemp("whole"), {}

    def get(name: str, **changes) -> dict[str, bytes]:
        key = f"{name} {changes}"
        if key not in made:
            assert record(path=folder / f"{len(made)}.h5", **case(name) | changes).complete
            made[key] = content(folder / f"{len(made)}.h5")
        return made[key]

    return get


def trials(folder: str, names: list[str]) -> None:
    """In a process of its own: run each case in children that are killed at random moments, every third with Ctrl-C.

    Prints for each case how often it was stopped before its end.
    """
    torch.set_num_threads(1)  # threads do not survive a fork
    writing._WAITING = 0  # every record can be seen at once
    record(path=f"{folder}/warm", **case("mesh") | {"duration": 1e-14})  # what torch does at first use
    for name in names:
        path, stops = f"{folder}/{name}.h5", 0
        while stops < 3 and records(path) < TOTAL:
            child = start(path, name)
            wait_for(path, random.randrange(1, 10))
            time.sleep(random.uniform(0, 0.005))
            os.kill(child, signal.SIGINT if stops % 3 == 2 else signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) in (0, 130)
            stops += status != 0
        assert os.waitpid(start(path, name), 0)[1] == 0
        print(f"{name}:{stops}")


def start(path: str, name: str) -> int:
    """A child that records the case."""
    if child := os.fork():
        return child
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores it
    try:
        record(path=path, progress=lambda fraction: time.sleep(0.005), **case(name))
    except KeyboardInterrupt:
        os._exit(130)
    except BaseException as error:
        print(error, file=sys.stderr)
        os._exit(1)
    os._exit(0)


def wait_for(path: str, more: int) -> None:
    """Until the recording has grown by so many records, or has all."""
    before, now = records(path), 0
    while now < min(before + more, TOTAL):
        time.sleep(0.005)
        now = records(path)


def records(path: str) -> int:
    if not os.path.exists(path):
        return 0
    with h5py.File(path) as file:
        return finished_records(file)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folder with the files of all cases, and how often each was killed."""
    folder = tmp_path_factory.mktemp("killed")
    here = os.path.dirname(__file__)
    code = f"import sys; sys.path.insert(0, {here!r}); import {__name__} as t; t.trials({str(folder)!r}, {CASES!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder, dict(line.split(":") for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", CASES)
def test_kill_9_at_random_moments_changes_nothing(name, killed, whole):
    folder, kills = killed
    assert sum(int(count) for count in kills.values()) > 2 * len(CASES)
    assert load_recording(folder / f"{name}.h5").complete
    assert content(folder / f"{name}.h5") == whole(name)


class Death(BaseException):
    """Stands for kill -9: nothing is written after it."""


class Mortal:
    """A file that dies in the middle of write number `last`."""

    def __init__(self, *path, last: int, **how):
        self.file, self.left, self.dead = open(*path, **how), last, False  # noqa: SIM115

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, content):
        if self.dead:
            return len(content)
        self.left -= 1
        if self.left >= 0:
            return self.file.write(content)
        self.dead = True
        self.file.write(content[: len(content) // 2])
        raise Death


@pytest.mark.parametrize("averages_only", [False, True])
@pytest.mark.parametrize("waiting", [0, 1e9])
def test_a_death_in_the_middle_of_any_write_loses_no_record(tmp_path, monkeypatch, averages_only, waiting):
    """waiting 0: every record is published at once; 1e9: only the first and, at the end, all others together."""
    monkeypatch.setattr(writing, "_WAITING", waiting)
    options = case("macrospins at 300 K") | {"duration": 0.6e-12, "step": 2e-13, "averages_only": averages_only}
    record(path=tmp_path / "whole.h5", **options)
    whole = content(tmp_path / "whole.h5")
    last, deaths, before = 0, 0, 0
    while True:
        path = tmp_path / f"{last}.h5"
        monkeypatch.setattr(writing, "open", lambda *a, last=last, **k: Mortal(*a, **k, last=last), raising=False)
        try:
            record(path=path, **options)
            break
        except Death:
            deaths += 1
        monkeypatch.delattr(writing, "open")
        count = len(load_recording(path).time)
        assert count >= before  # a later death leaves as many records at least
        assert load_recording(path).final.norm(dim=0).allclose(torch.tensor(1.0))
        record(path=path, **options)
        assert content(path) == whole
        last, before = last + 1, count
    assert deaths > 15


def test_a_criterion_is_asked_again_when_the_kill_came_before_its_answer_was_kept(tmp_path, monkeypatch):
    options = case("macrospins at 300 K") | {"stop": when_mean("z", above=-0.99)}
    assert record(path=tmp_path / "whole.h5", **options).stopped
    whole = content(tmp_path / "whole.h5")

    def dies(self):
        self.publish()
        raise Death

    monkeypatch.setattr(writing.Writer, "stop", dies)
    with pytest.raises(Death):
        record(path=tmp_path / "cut.h5", **options)
    monkeypatch.undo()
    assert not load_recording(tmp_path / "cut.h5").complete
    record(path=tmp_path / "cut.h5", **options)
    assert content(tmp_path / "cut.h5") == whole


def test_every_segment_has_its_own_noise():
    """torch's generator on the CPU reads the lower 32 bits of a seed."""
    seeds = {segment_seed(seed, k) % 2**32 for seed in range(20) for k in range(5_000)}
    assert len(seeds) == 100_000
