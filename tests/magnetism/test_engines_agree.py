"""The compiled loop and the torch operations give the same trajectories, whatever drives, shapes and types."""

import pytest
import torch
from magnets import magnet, random_states

from spinloom.magnetism import (
    Applied,
    Constant,
    Demagnetization,
    Interlayer,
    Pulse,
    Sampled,
    Sine,
    SpinOrbit,
    SpinTransfer,
    Uniaxial,
    simulate,
)

DURATION, STEP = 0.1e-9, 1e-12
PULSE = Pulse(2e11, 0.02037e-9, 0.0411e-9, rise=0.0071e-9)
TIMES = torch.linspace(0, 1e-10, 100, dtype=torch.float64)


def drives(batch):
    per_device = torch.linspace(1e9, 6e9, max(1, torch.Size(batch).numel()), dtype=torch.float64).reshape(batch)
    samples = 3e11 * torch.sin(TIMES.reshape(-1, *[1] * len(batch)) * per_device * 6 + 1)
    return {
        "constant": Constant(2e11),
        "pulse off the step grid": PULSE,
        "sine per device": Sine(2e11, per_device, 0.3),
        "sampled": Sampled(TIMES, 3e11 * torch.cos(TIMES * 4e10)),
        "few samples": Sampled(TIMES[::20], 3e11 * torch.cos(TIMES[::20] * 4e10)),
        "sampled per device": Sampled(TIMES, samples, 0.7),
        "sum": PULSE + Sine(1e11 * (1 + per_device / 6e9), 3e9) + Constant(-3e10),
    }


def busy(drive, batch, factor="mtj"):
    """Several of everything, half of it per device."""
    spread = torch.linspace(0.9, 1.1, max(1, torch.Size(batch).numel()), dtype=torch.float64).reshape(batch)
    torques = [
        SpinTransfer(drive, 1.2e-9, 0.5 * spread, (1, 0.2, 0), 0.1, factor),
        SpinOrbit(Constant(1e11), 1.2e-9, 0.1),
    ]
    fields = (
        Uniaxial(3e5 * spread, 2e4, (0, 0.1, 1), 60e-15, voltage=Sine(0.4, 4e9)),
        Uniaxial(-5e4, 0.0, (1, 0, 0)),
        Demagnetization((0.05, 0.1, 0.85)),
        Applied(Constant(2e4 * spread), (1, 1, 0)),
        Interlayer(1e-5, 1.2e-9, (0.1, 0, 1)),
    )
    return magnet(*fields, torques=torques, damping=0.05 * spread)


def both(thing, m, **settings):
    return [simulate(thing, m, DURATION, STEP, engine=engine, **settings) for engine in ("compiled", "eager")]


@pytest.mark.parametrize("name", drives(()))
def test_every_drive_acts_alike(name):
    batch = (3,)
    ours, reference = both(busy(drives(batch)[name], batch), random_states(*batch), records=5)
    assert ours.m.shape == (5, 3, 3)
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=1e-11)
    torch.testing.assert_close(ours.time, reference.time)
    assert ours.drift == pytest.approx(reference.drift, rel=1e-6)


@pytest.mark.parametrize("name", ["pulse off the step grid", "sampled per device", "sum"])
def test_the_adaptive_scheme_agrees_with_the_fixed_step_under_every_kind_of_drive(name):
    batch = (3,)
    thing, m = busy(drives(batch)[name], batch), random_states(*batch)
    fixed = simulate(thing, m, DURATION, 0.1e-12)
    adaptive = simulate(thing, m, DURATION, method="dopri5", tolerance=1e-10)
    torch.testing.assert_close(adaptive.final, fixed.final, rtol=0, atol=1e-6 if "sampled" in name else 1e-8)


@pytest.mark.parametrize("method", ["rk4", "heun", "abm3"])
def test_every_scheme_and_its_records_agree(method):
    ours, reference = both(busy(PULSE, (3,)), random_states(3), method=method, records=7)
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=1e-11)


@pytest.mark.parametrize("batch", [(), (1,), (65,), (2, 3, 5), (4, 1, 1, 1)])
def test_every_batch_shape_agrees(batch):
    ours, reference = both(busy(drives(batch)["sine per device"], batch), random_states(*batch), records=2)
    assert ours.m.shape == (2, 3, *batch)
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=1e-11)


def test_single_precision_agrees_to_single_precision():
    thing = busy(PULSE, (3,))
    ours, reference = both(thing, random_states(3, dtype=torch.float32))
    exact = simulate(thing, random_states(3), DURATION, STEP).m
    assert ours.m.dtype == reference.m.dtype == torch.float32
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=2e-5)
    torch.testing.assert_close(ours.m.double(), exact, rtol=0, atol=2e-5)


def test_parameters_that_are_zero_or_one_drop_out_without_a_trace():
    """The compiled loop leaves rows of zeros and ones out; the eager engine keeps them."""
    torque = SpinTransfer(Constant(2e11), 1e-9, 1.0, (0, 0, 1), 0.0)
    thing = magnet(Uniaxial(0.0, 1e5, (1, 0, 0)), Applied(Constant(0.0)), torques=[torque])
    ours, reference = both(thing, random_states(5))
    torch.testing.assert_close(ours.m, reference.m, rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_a_magnet_on_which_nothing_acts_stays(engine):
    m = random_states(4)
    torch.testing.assert_close(simulate(magnet(damping=0.1), m, 1e-11, engine=engine).final, m)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_a_magnet_without_any_drive_runs(engine):
    m = random_states(4)
    still = simulate(magnet(Demagnetization((0.0, 0.0, 1.0)), damping=0.1), m, 1e-11, engine=engine)
    driven = magnet(Demagnetization((0.0, 0.0, 1.0)), Applied(Constant(0.0)), damping=0.1)
    torch.testing.assert_close(still.final, simulate(driven, m, 1e-11, engine="eager").final, rtol=0, atol=1e-13)


def test_records_are_the_states_of_shorter_runs():
    thing, m = busy(PULSE, (3,)), random_states(3)
    run = simulate(thing, m, DURATION, STEP, records=4)
    torch.testing.assert_close(run.time, torch.tensor([0.25, 0.5, 0.75, 1.0]).double() * DURATION)
    half = simulate(thing, m, DURATION / 2, STEP).final
    torch.testing.assert_close(run.m[1], half, rtol=0, atol=1e-9)
    again = simulate(thing, half, DURATION / 2, STEP, start=DURATION / 2).final
    torch.testing.assert_close(again, run.final, rtol=0, atol=1e-9)


def test_the_state_given_is_left_alone():
    m = random_states(3)
    before = m.clone()
    simulate(busy(PULSE, (3,)), m, 1e-11)
    assert torch.equal(m, before)
