"""States, averages, energies, times and steps in the file are those of the run, also while it goes on."""

import json
import subprocess
import sys

import h5py
import pytest
import torch
from magnets import magnet, random_states, state

from spinloom.errors import InputError
from spinloom.magnetism import Applied, Constant, Exchange, Magnet, Material, Mesh, Pulse, Sine, Uniaxial, simulate
from spinloom.magnetism.recording.run import load_recording, record, when_mean

MESH = Mesh((5, 4, 2), (2e-9, 2e-9, 2e-9))


def meshes() -> tuple[Magnet, torch.Tensor]:
    """Two members with masks of their own in a field that changes in time."""
    geometry = torch.ones(2, 2, 4, 5, dtype=torch.bool)
    geometry[0, :, :2, 1] = False
    geometry[1, 1] = False
    terms = (Exchange(1e-11), Uniaxial(1e5), Applied(Sine(1e5, 5e9)))
    damping = torch.tensor([0.1, 0.5]).reshape(2, 1, 1, 1)
    return Magnet(Material(8e5, damping), mesh=MESH, geometry=geometry, fields=terms), random_states(2, 2, 4, 5)


def turning(rate: float = 1.0) -> Magnet:
    return magnet(Uniaxial(1e5), Applied(Constant(5e4 * rate), (0.3, 0.0, 1.0)), damping=0.05)


def test_records_are_the_chain_of_segments(tmp_path):
    thing, m = meshes()
    kept = record(tmp_path / "r.h5", thing, m, 0.5e-12, every=0.2e-12, engine="eager", start=1e-12, step=1e-14)
    assert kept.time.tolist() == pytest.approx([1e-12, 1.2e-12, 1.4e-12, 1.5e-12], rel=1e-12)
    m, step = torch.where(thing.geometry, m, 0.0), torch.tensor([1e-14, 1e-14], dtype=torch.float64)
    for k, (begin, end) in enumerate(zip(kept.time[:-1].tolist(), kept.time[1:].tolist(), strict=True)):
        assert torch.equal(kept.m(k), m)
        assert torch.equal(kept.step[k], step)
        run = simulate(thing, m, end - begin, step, start=begin, engine="eager")
        m, step = run.final, run.last_step
    assert torch.equal(kept.final, m)


def test_a_fixed_step_gives_the_trajectory_of_one_simulation(tmp_path):
    m = random_states(6)
    kept = record(tmp_path / "r.h5", turning(), m, 50e-12, every=5e-12, method="rk4")
    one = simulate(turning(), m, 50e-12, method="rk4", records=10)
    together = torch.stack([kept.m(k) for k in range(11)])
    torch.testing.assert_close(together[1:], one.m, rtol=0, atol=1e-12)
    torch.testing.assert_close(kept.time[1:], one.time, rtol=1e-12, atol=0)
    assert torch.equal(together, kept.mean)  # of macrospins m itself


def test_averages_are_those_over_the_cells_with_material(tmp_path):
    thing, m = meshes()
    kept = record(tmp_path / "r.h5", thing, m, 0.4e-12, every=0.2e-12, engine="eager")
    for k in range(3):
        for member in range(2):
            inside = kept.m(k)[:, member][:, thing.geometry[member]]
            torch.testing.assert_close(kept.mean[k, :, member], inside.mean(1), rtol=1e-13, atol=1e-15)
    assert torch.equal(kept.geometry, thing.geometry)
    assert kept.mesh == MESH


def test_energies_are_those_of_the_states_at_their_times(tmp_path):
    thing, m = meshes()
    kept = record(tmp_path / "r.h5", thing, m, 0.4e-12, every=0.2e-12, engine="eager", start=33e-12)
    assert kept.energies.keys() == {"Exchange", "Uniaxial", "Applied"}
    for k, t in enumerate(kept.time.tolist()):
        assert torch.equal(kept.energy[k], thing.energy(kept.m(k), t))
        for name, energy in thing.energies(kept.m(k), t).items():
            assert torch.equal(kept.energies[name][k], energy)


def test_one_float32_macrospin_without_any_term_keeps_its_type_and_shape(tmp_path):
    kept = record(tmp_path / "r.h5", magnet(), state(0.3, dtype=torch.float32), 3e-12, every=1e-12, engine="eager")
    assert kept.final.shape == (3,)
    assert kept.final.dtype == torch.float32
    assert kept.mean.shape == (4, 3)
    assert kept.energy.tolist() == [0.0] * 4
    assert kept.energies == {}
    assert kept.mesh is None
    assert kept.geometry is None


@pytest.mark.parametrize("sizes", [2e-9, torch.tensor([2e-9, 2.4e-9], dtype=torch.float64)])
def test_the_mesh_comes_back_with_the_sizes_of_its_members(tmp_path, sizes):
    mesh = Mesh((4, 1, 1), (sizes, 2e-9, 1e-9))
    thing = Magnet(Material(8e5, 0.1), mesh=mesh, fields=(Exchange(1e-11),))
    kept = record(tmp_path / "r.h5", thing, random_states(2, 1, 1, 4), 1e-13, every=1e-13, engine="eager")
    assert kept.mesh.cells == mesh.cells
    for length, expected in zip(kept.mesh.lengths, mesh.lengths, strict=True):
        assert torch.equal(length, expected.expand(length.shape))
    assert kept.geometry.all()


def test_with_averages_only_the_last_state_is_the_only_one(tmp_path):
    full = record(tmp_path / "all.h5", turning(), random_states(4), 9e-12, every=1e-12)
    kept = record(tmp_path / "few.h5", turning(), random_states(4), 9e-12, every=1e-12, averages_only=True)
    assert torch.equal(kept.mean, full.mean)
    assert torch.equal(kept.energy, full.energy)
    assert torch.equal(kept.final, full.final)
    assert torch.equal(kept.m(9), full.m(9))
    with pytest.raises(InputError, match="averages and its last state only"):
        kept.m(3)
    with h5py.File(tmp_path / "few.h5") as file:
        assert "m" not in file


def test_thermal_segments_have_independent_noise(tmp_path):
    """A free moment in zero field: equal kicks in every segment would turn it by the same rotation again and again."""
    thing = magnet(damping=0.02)
    kept = record(tmp_path / "r.h5", thing, state(0.0), 20e-12, every=1e-12, temperature=300.0, engine="eager")
    one = record(tmp_path / "s.h5", thing, state(0.0), 20e-12, every=1e-12, temperature=300.0, engine="eager", seed=1)
    assert not torch.equal(kept.final, one.final)
    kicks = kept.mean.diff(dim=0)[:, :2]
    assert len({tuple(kick.tolist()) for kick in kicks}) == 20
    cosine = torch.nn.functional.cosine_similarity(kicks[:-1], kicks[1:], dim=1)
    assert cosine.mean().abs() < 0.8  # 1 for equal noise


def test_an_unfinished_file_is_read_by_all_while_it_is_written(tmp_path):
    """By this process, and by another one that keeps it open from the third record on."""
    path, seen = tmp_path / "r.h5", []
    look = "import sys, h5py; f = h5py.File(sys.argv[1]); print(len(f['m']), flush=True); input(); "
    look += "print(f['time'][:].tolist())"

    def watch(fraction: float) -> None:
        now = load_recording(path)
        seen.append((fraction, len(now.time), now.complete))
        assert torch.equal(now.final, now.mean[-1])
        if len(seen) == 3:
            seen.append(subprocess.Popen([sys.executable, "-c", look, path], stdin=-1, stdout=-1, text=True))
            assert seen[-1].stdout.readline() == "11\n"

    kept = record(path, turning(), random_states(3), 10e-12, every=1e-12, progress=watch)
    other = seen.pop(3)
    times, _ = other.communicate("\n")
    assert json.loads(times) == kept.time.tolist()
    assert other.returncode == 0
    assert [fraction for fraction, _, _ in seen] == pytest.approx([k / 10 for k in range(1, 11)])
    counts = [count for _, count, _ in seen]
    assert counts == sorted(counts)
    assert 2 <= counts[0] <= counts[-1] <= 11
    assert not seen[0][2]
    assert kept.complete
    assert not kept.stopped


def test_the_file_explains_itself(tmp_path):
    """To a program that knows HDF5 only."""
    thing, m = meshes()
    record(tmp_path / "r.h5", thing, m, 0.2e-12, every=0.1e-12, engine="eager", seed=3)
    with h5py.File(tmp_path / "r.h5") as file:
        units = {name: file[name].attrs["unit"].decode() for name in ("time", "m", "mean", "energy", "step", "cell")}
        assert units == {"time": "s", "m": "1", "mean": "1", "energy": "J", "step": "s", "cell": "m"}
        assert file["energies/Exchange"].attrs["unit"] == b"J"
        assert file.attrs["spinloom"] == b"0.1.0"
        assert file.attrs["cells"].tolist() == [5, 4, 2]
        assert file["cell"][:].tolist() == [2e-9] * 3
        settings = json.loads(file.attrs["settings"])
    assert settings["seed"] == 3
    assert settings["duration"] == 0.2e-12
    assert settings["magnet"]["fields"][2]["field"]["frequency"] == 5e9
    assert settings["m"]["tensor"] == "float64 (3, 2, 2, 4, 5)"


def test_settings_may_be_long(tmp_path):
    """Many pulses, the input of a reservoir; HDF5 keeps attributes beyond 64 KiB elsewhere."""
    thing = magnet(*[Applied(Pulse(1e4 + k, k * 1e-12, 1e-12)) for k in range(400)])
    kept = record(tmp_path / "r.h5", thing, state(0.3), 2e-12, every=1e-12, engine="eager")
    assert len(json.dumps(kept.settings)) > 70_000
    assert load_recording(tmp_path / "r.h5").settings == kept.settings


def test_a_criterion_ends_the_run(tmp_path):
    thing = magnet(Applied(Constant(-3e5)), damping=0.3)
    m = state(torch.tensor([0.3, 0.6]))
    kept = record(tmp_path / "r.h5", thing, m, 1e-9, every=5e-12, engine="eager", stop=when_mean("z", below=-0.5))
    assert kept.complete
    assert kept.stopped
    assert 10 < len(kept.time) < 100
    assert (kept.mean[-1, 2] < -0.5).all()
    assert not (kept.mean[-2, 2] < -0.5).all()
    by_hand = record(
        tmp_path / "s.h5", thing, m, 1e-9, every=5e-12, engine="eager", stop=lambda t, m: bool((m[2] < -0.5).all())
    )
    assert torch.equal(by_hand.mean, kept.mean)
    late = record(tmp_path / "t.h5", thing, m, 1e-9, every=5e-12, engine="eager", stop=lambda t, m: t > 30.1e-12)
    assert len(late.time) == 8


def test_a_run_that_is_complete_is_not_simulated_again(tmp_path, monkeypatch):
    options = {"every": 1e-12, "stop": when_mean("x", above=0.9, below=0.95)}
    whole = record(tmp_path / "r.h5", turning(), random_states(3), 5e-12, **options)
    done = record(tmp_path / "s.h5", turning(), state(0.5), 5e-12, every=1e-12, stop=lambda t, m: True)
    monkeypatch.setattr("spinloom.magnetism.recording.run.simulate", None)
    again = record(tmp_path / "r.h5", turning(), random_states(3), 5e-12, **options)
    assert torch.equal(again.mean, whole.mean)
    assert len(done.time) == 2
    assert record(tmp_path / "s.h5", turning(), state(0.5), 5e-12, every=1e-12, stop=lambda t, m: True).stopped


def test_overwrite_begins_anew(tmp_path):
    path = tmp_path / "r.h5"
    record(path, turning(), random_states(3), 5e-12, every=1e-12)
    fractions = []
    kept = record(path, turning(2.0), state(0.5), 2e-12, every=1e-12, overwrite=True, progress=fractions.append)
    assert fractions == [0.5, 1.0]
    assert kept.mean.shape == (3, 3)
    assert [item.name for item in tmp_path.iterdir()] == ["r.h5"]


def test_parameters_with_gradients_are_recorded_without_them(tmp_path):
    k1 = torch.tensor(1e5, dtype=torch.float64, requires_grad=True)
    m = state(0.4).requires_grad_()
    options = {"every": 1e-12, "engine": "eager"}
    kept = record(tmp_path / "r.h5", magnet(Uniaxial(k1)), m, 2e-12, **options)
    assert not kept.final.requires_grad
    assert torch.equal(kept.final, record(tmp_path / "s.h5", magnet(Uniaxial(1e5)), m, 2e-12, **options).final)


def test_a_process_that_holds_the_file_open_sees_the_new_records(tmp_path):
    """HDF5 itself would show it what it has read before."""
    path, options = tmp_path / "r.h5", {"every": 1e-12, "engine": "eager"}
    with pytest.raises(ZeroDivisionError):
        record(path, turning(), random_states(3), 5e-12, progress=lambda f: 1 / (f < 0.5), **options)
    with h5py.File(path) as file:
        held = [file[name] for name in ("time", "mean", "m", "energy", "step", "stopped")]
        assert [len(data[:]) for data in held] == [6, 6, 6, 6, 6, 1]
        kept = record(path, turning(), random_states(3), 5e-12, **options)
    assert kept.complete
    assert torch.equal(kept.final, kept.mean[-1])


def test_two_processes_at_once_write_the_same(tmp_path):
    """A job that a cluster starts again while the first one lives."""
    path, options = tmp_path / "r.h5", {"every": 1e-12, "engine": "eager", "temperature": 300.0}
    inner = []

    def second(fraction: float) -> None:
        if fraction == 0.4:
            inner.append(record(path, turning(), random_states(3), 5e-12, **options))

    kept = record(path, turning(), random_states(3), 5e-12, progress=second, **options)
    assert inner[0].complete
    assert torch.equal(inner[0].mean, kept.mean)
    assert torch.equal(kept.mean, record(tmp_path / "s.h5", turning(), random_states(3), 5e-12, **options).mean)
