"""A file of another run, a damaged one, and one that is no recording are refused with the remedy."""

import dataclasses
import random
from dataclasses import dataclass

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from magnets import magnet, random_states

from spinloom.errors import InputError, OutputError, PhysicsError, SpinloomWarning
from spinloom.magnetism import Applied, Constant, Exchange, Magnet, Material, Mesh, Uniaxial
from spinloom.magnetism.recording.run import described, differences, load_recording, record, record_times, when_mean

K1 = torch.linspace(1e5, 2e5, 12, dtype=torch.float64)
THING = magnet(Uniaxial(K1), Applied(Constant(1e4)), damping=0.05)


def options(path, **changes) -> dict:
    known = {"magnet": THING, "m": random_states(12), "duration": 3e-12, "every": 1e-12, "engine": "eager"}
    return known | {"path": path} | changes


class Interrupted(Exception):
    pass


def begun(path, **changes) -> None:
    """A recording with its first records only."""

    def give_up(fraction: float) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        record(**options(path, **changes), progress=give_up)


def changed(**changes) -> Magnet:
    return dataclasses.replace(THING, **changes)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"magnet": changed(material=Material(1e6, 0.04))}, r"magnet\.material\.damping: 0\.05 in the file, 0\.04 now"),
        ({"magnet": changed(volume=2e-24)}, r"magnet\.volume"),
        ({"magnet": changed(fields=THING.fields[:1])}, r"magnet\.fields: 2 entries in the file, 1 entries now"),
        ({"magnet": changed(fields=(Uniaxial(K1.nextafter(K1 + 1)), THING.fields[1]))}, r"fields\[0\]\.k1\.sha256"),
        (
            {"magnet": changed(fields=(Uniaxial(K1.float()), THING.fields[1]))},
            r"fields\[0\]\.k1\.tensor: float64 \(12,\)",
        ),
        ({"m": random_states(12, seed=1)}, r"m\.sha256"),
        ({"m": random_states(12).float()}, r"m\.tensor: float64 \(3, 12\) in the file, float32 \(3, 12\) now"),
        ({"duration": 4e-12}, "duration: 3e-12 in the file, 4e-12 now"),
        ({"every": 0.5e-12}, "every"),
        ({"step": 0.5e-12}, "step"),
        ({"start": 1e-12}, "start"),
        ({"method": "heun"}, "method: auto in the file, heun now"),
        ({"engine": "auto"}, "engine"),
        ({"temperature": 300.0}, "temperature"),
        ({"seed": 1}, "seed"),
        ({"tolerance": 1e-4}, "tolerance: None in the file"),
        ({"averages_only": True}, "averages_only"),
        ({"stop": when_mean("x", below=-0.5)}, "stop: None in the file, .*WhenMean now"),
    ],
)
def test_other_settings_are_refused_by_name(tmp_path, changes, named, complete):
    path = tmp_path / "kept.h5"
    record(**options(path)) if complete else begun(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=rf"kept\.h5 holds a run with other settings \(.*{named}.*overwrite=True"):
        record(**options(path, **changes))
    assert path.read_bytes() == before


def test_a_mask_and_the_size_of_cells_are_settings(tmp_path):
    mesh, geometry = Mesh((6, 4, 1), (2e-9, 2e-9, 2e-9)), torch.ones(1, 4, 6, dtype=torch.bool)
    thing = Magnet(Material(8e5, 0.1), mesh=mesh, geometry=geometry, fields=(Exchange(1e-11),))
    same = {"m": random_states(1, 4, 6), "duration": 1e-13, "every": 1e-13}
    record(**options(tmp_path / "kept.h5", magnet=thing, **same))
    hole = geometry.clone()
    hole[0, 2, 2] = False
    for other in ({"geometry": hole}, {"mesh": Mesh((6, 4, 1), (2e-9, 2e-9, 1e-9))}):
        with pytest.raises(InputError, match=next(iter(other))):
            record(**options(tmp_path / "kept.h5", magnet=dataclasses.replace(thing, **other), **same))


@given(st.lists(st.floats(allow_nan=False)), st.integers(), st.text(max_size=5))
def test_settings_survive_the_file_to_the_bit(numbers, whole, name):
    import json

    settings = {"a": described((numbers, whole)), "b": described({name: torch.tensor(numbers, dtype=torch.float64)})}
    assert differences(json.loads(json.dumps(settings)), settings) == ""
    assert differences(settings, settings | {"a": described((numbers, whole + 1))}) != ""


def test_only_the_first_differences_are_told():
    assert differences({"a": [1, 2, 3, 4, 5]}, {"a": [1, 3, 4, 5, 6]}).endswith("; and 1 more")


def test_what_cannot_be_compared_is_refused(tmp_path):
    class Hidden:
        __slots__ = ("amplitude",)

    @dataclass(frozen=True)
    class Odd(Constant):
        hidden: Hidden = dataclasses.field(default_factory=Hidden)

    with pytest.raises(InputError, match=r"magnet\.fields\[0\]\.field\.hidden is a Hidden"):
        record(**options(tmp_path / "r.h5", magnet=magnet(Applied(Odd(1e4)))))


@pytest.mark.parametrize(
    ("changes", "error", "named"),
    [
        ({"every": 0.0}, InputError, "every must be finite and > 0"),
        ({"every": 1e-20}, InputError, "3e.08 records"),
        ({"duration": -1e-9}, InputError, "duration"),
        ({"start": float("inf")}, InputError, "start"),
        ({"seed": torch.Generator()}, InputError, "seed must be a whole number"),
        ({"seed": 1.5}, InputError, "seed must be a whole number"),
        ({"method": "euler"}, InputError, "unknown method"),
        ({"engine": "fast"}, InputError, "unknown engine"),
        ({"method": "dopri5", "tolerance": -1.0}, InputError, "tolerance"),
        ({"method": "rk4", "temperature": 300.0}, InputError, "thermal"),
        ({"m": torch.ones(3, 12)}, InputError, "must be 1"),
        ({"m": random_states(1)[:, 0]}, InputError, "expand the state"),
        ({"step": 1e-10, "every": 1e-9, "duration": 1e-8, "magnet": magnet(Uniaxial(1e7))}, PhysicsError, "too long"),
    ],
)
def test_what_cannot_run_leaves_no_file(tmp_path, changes, error, named):
    with pytest.raises(error, match=named):
        record(**options(tmp_path / "r.h5", **changes))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [{"component": "w", "below": 0.0}, {"component": "x"}, {"component": "x", "below": -1.0}],
)
def test_a_criterion_that_cannot_be_met_is_refused(arguments):
    with pytest.raises(InputError, match=r"component|between -1 and 1"):
        when_mean(**arguments)


@pytest.mark.parametrize("use", [load_recording, lambda path: record(**options(path))])
def test_what_is_no_recording_is_refused(tmp_path, use):
    (tmp_path / "text").write_text("Dear diary, today the wall moved. " * 100)
    (tmp_path / "empty").touch()
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["time"] = np.zeros(3)
    for name, remedy in (
        ("text", "choose another path"),
        ("empty", "choose another path"),
        ("other.h5", "no recording"),
    ):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(InputError, match=rf"{name}.*{remedy}"):
            use(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(InputError, match="cannot read"):
        use(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nothing\.h5: No such file"):
        load_recording(tmp_path / "nothing.h5")


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        record(**options(tmp_path / "file" / "r.h5"))


def test_folders_on_the_way_are_made(tmp_path):
    assert record(**options(tmp_path / "a" / "b" / "r.h5")).complete


@pytest.mark.parametrize("averages_only", [True, False])
def test_damage_is_found_or_harmless(tmp_path, averages_only):
    """Cuts and wrong bytes anywhere: the file loads, or InputError tells what to do; nothing else happens."""
    begun(tmp_path / "good.h5", averages_only=averages_only)
    good, path, chance, refused = (tmp_path / "good.h5").read_bytes(), tmp_path / "r.h5", random.Random(0), 0
    for trial in range(150):
        bad = bytearray(good)
        if trial % 5 == 0:
            bad = bad[: chance.randrange(len(good))]
        else:
            for _ in range(chance.choice((1, 8, 64, 512))):
                bad[chance.randrange(len(good))] = chance.randrange(256)
        path.write_bytes(bad)
        try:
            load_recording(path).m(-1)
        except InputError:
            refused += 1
            with pytest.raises(InputError, match="choose another path"):
                record(**options(path, averages_only=averages_only))
    assert refused > 75


def test_a_damaged_file_may_be_overwritten(tmp_path):
    path = tmp_path / "r.h5"
    record(**options(path))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="overwrite=True"):
        record(**options(path))
    assert record(**options(path), overwrite=True).complete


def test_a_file_that_another_program_has_rewritten_is_read_but_not_continued(tmp_path):
    """As h5repack does it: the same content in chunks."""
    begun(tmp_path / "begun.h5")
    with h5py.File(tmp_path / "begun.h5") as old, h5py.File(tmp_path / "new.h5", "w") as new:
        new.attrs.update(old.attrs)
        new.create_group("energies")
        for name in ("time", "stopped", "m", "mean", "energy", "step", "energies/Uniaxial", "energies/Applied"):
            new.create_dataset(name, data=old[name][:], chunks=True, compression="gzip")
    before, now = load_recording(tmp_path / "begun.h5"), load_recording(tmp_path / "new.h5")
    assert torch.equal(before.mean, now.mean)
    assert torch.equal(before.final, now.final)
    with pytest.raises(InputError, match="can be read, but not continued"):
        record(**options(tmp_path / "new.h5"))


@pytest.mark.parametrize("index", [4, -5])
def test_a_record_that_is_not_there_is_refused(tmp_path, index):
    kept = record(**options(tmp_path / "r.h5"))
    assert torch.equal(kept.m(-4), kept.m(0))
    with pytest.raises(InputError, match="records 0 to 3"):
        kept.m(index)


def test_another_version_that_goes_on_is_told(tmp_path):
    begun(tmp_path / "r.h5")
    with h5py.File(tmp_path / "r.h5", "r+") as file:
        file.attrs["spinloom"] = np.bytes_("0.0.9")
    with pytest.warns(SpinloomWarning, match=r"begun with Spinloom 0\.0\.9"):
        record(**options(tmp_path / "r.h5"))
    record(**options(tmp_path / "r.h5"))  # complete: nothing to tell


def test_the_times_of_the_records():
    assert record_times(0.0, 1.0, 0.25) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert record_times(2.0, 1.0, 0.4) == [2.0, 2.4, 2.8, 3.0]
    assert record_times(0.0, 1.0, 3.0) == [0.0, 1.0]
    assert len(record_times(0.0, 1e-9, 1e-12)) == 1001
