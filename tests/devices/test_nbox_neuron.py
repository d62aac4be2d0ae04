"""NbOx neurons against another integrator, against the published figures of the fact sheet, and in bad hands."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from spinloom import units
from spinloom.devices import NbOxNeuron
from spinloom.errors import InputError, PhysicsError, SpinloomWarning

NEURON = NbOxNeuron()
BURSTING = replace(NEURON, slow_resistance=2e5, slow_capacity=5e-12)
THICK = {"activation_energy": 0.35 * units.E, "thickness": 30e-9}
NEURONS = {
    "arrhenius": NEURON,
    "poole-frenkel": NbOxNeuron(conduction="poole-frenkel", film_resistance=7e5, **THICK),
    "poole-frenkel-3d": NbOxNeuron(conduction="poole-frenkel-3d", film_resistance=2e5, **THICK),
}


def film(law, v, t, neuron):
    """The device's current by the equations of the module, in plain numbers."""
    lowering = math.sqrt(units.E**3 * abs(v) / (math.pi * 8.8541878128e-12 * neuron.permittivity * neuron.thickness))
    x = lowering / (units.KB * t)
    gain = {"arrhenius": 1.0, "poole-frenkel": math.exp(x)}.get(law)
    if gain is None:
        gain = 0.5 + ((1 + (x - 1) * math.exp(x)) / x**2 if x > 1e-3 else 0.5 + x / 3)
    energy = neuron.activation_energy / units.KB
    return v / (neuron.series_resistance + neuron.film_resistance * math.exp(energy / t - energy / 300) / gain)


def solved(neuron, voltage, duration):
    """scipy's Radau: spike times and the last state."""
    slow = neuron.slow_resistance is not None

    def rates(_, y):
        v, t, s = y
        i = film(neuron.conduction, v, t, neuron)
        flow = (t - s) / neuron.thermal_resistance
        warmer = (flow - (s - neuron.ambient) / neuron.slow_resistance) / neuron.slow_capacity if slow else 0.0
        return (
            ((voltage - v) / neuron.load - i) / neuron.capacitance,
            (i * v - flow) / neuron.thermal_capacity,
            warmer,
        )

    start = [0.0, neuron.ambient, neuron.ambient]
    run = solve_ivp(rates, (0, duration), start, "Radau", rtol=1e-6, atol=[1e-7, 1e-4, 1e-4], max_step=2e-9)
    current = np.array([film(neuron.conduction, v, t, neuron) for v, t in zip(*run.y[:2], strict=True)])
    times, ready = [], True
    for k in range(1, len(current)):
        if ready and current[k] >= neuron.on_current:
            share = (neuron.on_current - current[k - 1]) / (current[k] - current[k - 1])
            times.append(run.t[k - 1] + share * (run.t[k] - run.t[k - 1]))
        ready = False if current[k] >= neuron.on_current else ready or current[k] < neuron.off_current
    return np.array(times), run.y[:, -1]


@pytest.mark.parametrize("law", NEURONS)
def test_spikes_and_state_agree_with_another_integrator(law):
    neuron = NEURONS[law]
    times, state = solved(neuron, 2.5, 1e-6)
    found = neuron.run(2.5, 1e-6, tolerance=1e-5)
    assert len(times) >= 3
    assert int(found.counts) == len(times)
    assert found.times.numpy() == pytest.approx(times, rel=1e-3)
    assert found.state[:3].numpy() == pytest.approx(state, rel=0.02)


def test_a_slow_node_bursts_as_with_another_integrator():
    times, state = solved(BURSTING, 2.5, 2e-6)
    found = BURSTING.run(2.5, 2e-6)
    assert int(found.counts) == len(times) == 10
    assert found.state[:3].numpy() == pytest.approx(state, rel=0.02)


def test_a_run_in_slices_is_the_run():
    voltage = torch.tensor([1.8, 2.0, 3.0])
    whole, state, counts, energy = NEURON.run(voltage, 2e-6), NEURON.rest((3,)), 0, 0
    for _ in range(40):
        part = NEURON.advance(state, voltage.expand(5, 3), 5e-8)
        state, counts, energy = part.state, counts + part.counts, energy + part.energy
    assert counts.tolist() == whole.counts.tolist()
    assert energy.numpy() == pytest.approx(whole.energy.numpy(), rel=1e-2)


def test_neurons_of_a_batch_are_those_alone():
    voltage = torch.linspace(1.5, 5, 37)
    together = NEURON.run(voltage, 1e-6)
    for k in (0, 7, 16, 36):
        alone = NEURON.run(float(voltage[k]), 1e-6)
        assert torch.equal(alone.state, together.state[:, k])
        assert torch.equal(alone.times, together.times[k, : int(alone.counts)])


def test_the_source_gives_what_the_resistances_turn_into_heat():
    run = NEURON.run(2.0, 2e-6, records=4000)
    trace = run.trace
    heat = (2.0 - trace.voltage).square() / NEURON.load + trace.voltage * trace.current
    stored = NEURON.capacitance * trace.voltage[-1] ** 2 / 2
    assert float(torch.trapezoid(heat, trace.time) + stored) == pytest.approx(float(run.energy), rel=2e-3)


def test_a_step_too_coarse_for_the_device_is_refused_with_the_limit():
    with pytest.raises(InputError, match=r"step of 5e-09 s is too coarse for this neuron: at most 1e-09 s"):
        NEURON.run(2.0, 1e-6, step=5e-9)


@pytest.mark.parametrize("drive", [math.nan, torch.tensor([2.0, math.inf])])
def test_drives_that_are_no_numbers_are_refused(drive):
    with pytest.raises(InputError, match=r"amplitude must be finite"):
        NEURON.run(drive, 1e-6)
    with pytest.raises(InputError, match=r"voltage must be finite"):
        NEURON.advance(NEURON.rest(), torch.as_tensor(drive).reshape(-1), 1e-6)


def test_a_drive_beyond_the_model_is_an_error():
    with pytest.raises(PhysicsError, match=r"1 of 2 neurons left the model: voltages up to 1e\+200 V"):
        NEURON.run(torch.tensor([2.0, 1e200], dtype=torch.float64), 1e-6)


def test_electronvolts_in_place_of_joules_are_noticed():
    with pytest.raises(InputError, match=r"did you mean 3.204e-20 J \(0.2 eV\)"):
        NbOxNeuron(activation_energy=0.2)
    with pytest.raises(InputError, match="must be finite and > 0"):
        NbOxNeuron(thermal_capacity=0.0)
    with pytest.raises(InputError, match="give both or none"):
        NbOxNeuron(slow_resistance=2e5)
    with pytest.raises(InputError, match="off_current must be below on_current"):
        NbOxNeuron(off_current=1e-3)
    with pytest.raises(InputError, match="did you mean 'arrhenius'"):
        NbOxNeuron(conduction="arhenius")
    with pytest.warns(SpinloomWarning, match=r"ambient is usually 4 to 1500 K"):
        NbOxNeuron(ambient=2.0)
