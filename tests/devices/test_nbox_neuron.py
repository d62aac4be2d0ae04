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
from spinloom.magnetism import Constant, Pulse

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
    state, parts = NEURON.rest((3,)), []
    whole = NEURON.advance(state, voltage.expand(40, 3), 2e-6)
    for _ in range(8):
        parts.append(NEURON.advance(state, voltage.expand(5, 3), 2.5e-7))
        state = parts[-1].state
    assert sum(part.counts for part in parts).tolist() == whole.counts.tolist()
    assert state.numpy() == pytest.approx(whole.state.numpy(), rel=1e-6)
    assert sum(part.energy for part in parts).numpy() == pytest.approx(whole.energy.numpy(), rel=1e-9)


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


def test_the_curve_turns_at_the_published_points():
    threshold, hold = NEURON.turning_points()
    assert [float(part) for part in threshold] == pytest.approx([1.315, 0.109e-3, 357], rel=0.005)
    assert [float(part) for part in hold] == pytest.approx([0.989, 0.943e-3, 673], rel=0.005)


@pytest.mark.parametrize("law", NEURONS)
def test_the_curve_is_where_heating_and_cooling_are_equal(law):
    neuron = NEURONS[law]
    v, i, t = neuron.curve(torch.tensor([301.0, 350.0, 500.0, 900.0]))
    assert (v * i).numpy() == pytest.approx(((t - 300) / neuron.thermal_resistance).numpy(), rel=1e-9)
    plain = [film(law, float(a), float(b), neuron) for a, b in zip(v, t, strict=True)]
    assert i.numpy() == pytest.approx(plain, rel=1e-6)


def test_gradients_of_the_threshold_are_those_of_differences():
    def threshold(energy):
        return replace(NEURONS["poole-frenkel"], activation_energy=energy).turning_points()[0].voltage

    energy = torch.tensor(0.35 * units.E, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(threshold(energy), energy)
    step = 1e-4 * energy.item()
    with torch.no_grad():
        wanted = (threshold(energy + step) - threshold(energy - step)) / (2 * step)
    assert float(found) == pytest.approx(float(wanted), rel=1e-3)


def test_no_negative_resistance_below_four_k_t():
    for neuron in (replace(NEURON, ambient=600.0), NbOxNeuron(activation_energy=0.1 * units.E)):
        with pytest.raises(InputError, match=r"no negative differential resistance: activation_energy must exceed 4 k"):
            neuron.turning_points()
    with pytest.raises(InputError, match="must not be below ambient"):
        NEURON.curve(299.0)


@pytest.mark.parametrize("law", NEURONS)
def test_the_differentiable_form_agrees_with_the_compiled_one(law):
    neuron = NEURONS[law]
    eager = neuron.trace(torch.tensor([2.0, 2.5]), 4e-7, step=5e-10)
    compiled = neuron.run(torch.tensor([2.0, 2.5]), 4e-7, step=5e-10)
    assert eager.voltage[-1].numpy() == pytest.approx(compiled.state[0].numpy(), rel=1e-8)
    assert eager.temperature[-1].numpy() == pytest.approx(compiled.state[1].numpy(), rel=1e-8)
    assert eager.first_rise(0.5e-3).numpy() == pytest.approx(compiled.latency.numpy(), rel=1e-9)


def test_gradients_reach_parameters_and_drive():
    def latency(load, voltage):
        return replace(NEURON, load=load).trace(voltage, 2.2e-7, step=1e-9).first_rise(0.5e-3)

    given = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (4e3, 2.5)]
    found = torch.autograd.grad(latency(*given), given)
    with torch.no_grad():
        for k in range(2):
            up, down = ([one * (1 + sign * 1e-4 * (k == j)) for j, one in enumerate(given)] for sign in (1, -1))
            wanted = (latency(*up) - latency(*down)) / (2e-4 * given[k])
            assert float(found[k]) == pytest.approx(float(wanted), rel=1e-3)


def test_behaviours_have_their_names():
    assert NEURON.run(torch.tensor([1.75, 2.0, 4.5]), 1e-5).behaviour == ["silent", "tonic", "latched"]
    assert BURSTING.run(torch.tensor([2.5, 4.0]), 1e-5).behaviour == ["bursting", "bursting"]
    assert NEURON.run(Constant(1.2) + Pulse(1.3, 1e-6, 7e-8), 5e-6).behaviour == ["single"]


def test_a_dip_between_two_steps_is_seen():
    """At 4 V the current falls just below off_current between the two spikes of the burst."""
    for tolerance in (1e-2, 1e-3, 1e-5):
        assert BURSTING.run(4.0, 5e-6, tolerance=tolerance).counts.tolist() == 2


def test_noise_starts_spikes_below_the_onset_and_repeats_with_its_seed():
    noisy = replace(NEURON, noise=1e5)
    run = noisy.run(torch.tensor([1.72, 2.0]), 2e-5, batch=(64, 2), seed=3)
    assert torch.equal(run.counts, noisy.run(torch.tensor([1.72, 2.0]), 2e-5, batch=(64, 2), seed=3).counts)
    assert not torch.equal(run.counts, noisy.run(torch.tensor([1.72, 2.0]), 2e-5, batch=(64, 2), seed=4).counts)
    low = run.intervals[:, 0][run.intervals[:, 0].isfinite()]
    # about 1,700 intervals: 1.3 % of their mean is a deviation of it
    assert float(low.mean()) == pytest.approx(0.717e-6, rel=0.05)
    assert float(low.std() / low.mean()) == pytest.approx(0.51, abs=0.04)
    assert float(run.variation[:, 1].mean()) == pytest.approx(0.0485, abs=0.004)
    assert int(NEURON.run(1.72, 2e-5).counts) == 0


def test_noise_without_a_drive_has_the_deviation_of_a_heat_bath():
    """An Ornstein-Uhlenbeck process: variance noise^2 R_th C_th / 2."""
    noisy = replace(NEURON, noise=1e4)
    kelvin = noisy.run(0.0, 1e-7, batch=(20_000,), step=1e-10, seed=1).state[1]
    assert float(kelvin.mean()) == pytest.approx(300, abs=0.02)
    assert float(kelvin.std()) == pytest.approx(1e4 * math.sqrt(4e-9 / 2), rel=0.03)
    assert float(replace(NEURON, noise=NEURON.thermal_noise).noise) == pytest.approx(249, rel=0.01)


def test_fabricated_neurons_differ():
    made = NEURON.fabricate(50, 0.05, seed=2).run(torch.tensor([2.0, 3.0]), 2e-6)
    assert made.counts.shape == (50, 2)
    assert len(made.counts.unique()) > 3
    assert float(made.period[:, 0].nanmean()) == pytest.approx(0.241e-6, rel=0.15)
