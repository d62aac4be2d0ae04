"""Layers of chains and oscillators: formulas, members, fabrication, the twin."""

import math
from dataclasses import replace

import pytest
import torch

from spinloom.devices import AutoOscillator, SimulatedDiode, SimulatedOscillator, SpinDiode
from spinloom.errors import InputError
from spinloom.magnetism import Applied, Constant, Demagnetization, Magnet, Material
from spinloom.nn.radio import (
    SENSITIVITY,
    Band,
    Imperfections,
    MeasuredTwin,
    Oscillators,
    RadioNetwork,
    ResonatorChains,
    RFConv2d,
    fabricate,
    multilayer,
    plan,
    through_twin,
)
from spinloom.nn.radio.oscillators import emitted

GRID = plan("geometric", 12, Band(), 0.01)


def spectra(count=7, inputs=12, dtype=torch.float32):
    return torch.rand(count, inputs, generator=torch.Generator().manual_seed(3), dtype=dtype)


def test_voltages_are_those_of_the_published_formula():
    """Written down resonator by resonator, in GHz, uW and mV, as the published code has it."""
    layer = ResonatorChains(GRID, 3, linewidth=0.02, sensitivity=8840.0, dtype=torch.float64)
    power = 1e-6 * spectra(dtype=torch.float64)
    found = layer(power)
    f, g = GRID / 1e9, layer.resonances().detach() / 1e9
    for chain in range(3):
        voltage = torch.zeros(len(power), dtype=torch.float64)
        for k in range(12):
            width = 0.02 * g[chain, k]
            weight = (-1) ** k * 8.84 * 2 * width * (f - g[chain, k]) / (width**2 + (f - g[chain, k]) ** 2)
            voltage += (power * 1e6) @ weight
        wanted = voltage * 1e-3 + layer.bias()[chain]
        assert torch.allclose(found[:, chain], wanted, rtol=1e-9, atol=1e-15)


def test_oscillators_emit_the_published_powers():
    currents = torch.tensor([5e-6, 10e-6, 15e-6, 20e-6, 30e-6, 40e-6, 80e-6], dtype=torch.float64)
    neurons = Oscillators(7)
    power = neurons(currents / neurons.transconductance - neurons.bias) * 1e6
    assert torch.allclose(power, torch.tensor([0, 0, 0.0402, 0.125, 0.45, 1, 1]).double(), atol=5e-5)


@pytest.mark.parametrize("count", [5, 40_000])
def test_compiled_oscillators_are_the_plain_formula(count):
    source = torch.Generator().manual_seed(0)
    voltage = (8e-3 * torch.randn(2, count, generator=source, dtype=torch.float64)).requires_grad_()
    neurons = Oscillators(count)
    found = neurons(voltage)
    g, threshold = neurons.transconductance, neurons.threshold
    scale = neurons.amplification * neurons.resistance * threshold**2
    power, slope = emitted(voltage.detach(), g / threshold, g * neurons.bias / threshold, 4.0, 2.0, scale)
    assert torch.allclose(found, power, rtol=1e-12)
    assert torch.allclose(torch.autograd.grad(found.sum(), voltage)[0], slope, rtol=1e-9)


def test_gradients_of_a_network_are_finite_differences():
    layers = [
        ResonatorChains(GRID, 4, linewidth=0.05, train_inputs=True, absorption=0.2, dtype=torch.float64),
        Oscillators(4),
        ResonatorChains(plan("geometric", 4, Band()), 3, linewidth=0.05, dtype=torch.float64),
    ]
    network = RadioNetwork(layers, train_readout=True).double()
    x = spectra(dtype=torch.float64)
    parameters = {name: value for name, value in network.named_parameters() if value.requires_grad}
    assert len(parameters) == 6

    def output(*values):
        return torch.func.functional_call(network, dict(zip(parameters, values, strict=True)), (x,))

    with torch.no_grad():
        assert bool((network[0:2](1e-6 * x) > 0).any()), "no oscillator runs: nothing is tested"
    assert torch.autograd.gradcheck(output, tuple(parameters.values()), eps=1e-6, atol=1e-6, rtol=1e-6)


def test_members_are_networks_of_their_own():
    together = multilayer((12, 5, 3), members=(3,), seed=1)
    x = spectra()
    shared, own = together(x), together(x.expand(3, -1, -1))
    assert shared.shape == (3, 7, 3)
    assert torch.allclose(shared, own, rtol=1e-4, atol=1e-5)
    for member in range(3):
        alone = multilayer((12, 5, 3))
        alone.load_state_dict(
            {name: value[member] if value.shape[:1] == (3,) and "places" not in name else value
             for name, value in together.state_dict().items()}
        )  # fmt: skip
        assert torch.allclose(alone(x), shared[member], rtol=1e-4, atol=1e-5)


def test_the_same_seed_fabricates_the_same_and_ideal_turns_it_off():
    network = multilayer((12, 5, 3))
    x, spread = spectra(), Imperfections.spread(0.05)
    ideal = network(x)
    first = fabricate(network, spread, 7)(x)
    other = fabricate(network, spread, 8)(x)
    again = fabricate(network, spread, 7)(x)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    network.eval()
    assert torch.equal(network(x), first), "eval() must not make hardware ideal"
    for layer in network:
        layer.ideal()
    assert torch.equal(network(x), ideal)


def test_spread_has_the_width_asked_for():
    layer = ResonatorChains(plan("linear", 400, Band()), 40).fabricate(Imperfections(resonance=0.03), 0)
    drawn = layer.resonance_factor - 1
    count = drawn.numel()
    assert abs(float(drawn.mean())) < 4 * 0.03 / math.sqrt(count)
    assert abs(float(drawn.std()) / 0.03 - 1) < 4 / math.sqrt(2 * count)


def test_thermal_noise_is_that_of_johnson_and_nyquist():
    noise = Imperfections(temperature=300.0, resistance=1e3, bandwidth=1e9)
    layer = ResonatorChains(GRID, 50).fabricate(noise, 0)
    power = torch.zeros(2000, 12)
    read = (layer(power) - layer.bias()).detach()
    wanted = math.sqrt(4 * 1.380649e-23 * 300 * 1e3 * 12 * 1e9)
    assert abs(float(read.std()) / wanted - 1) < 4 / math.sqrt(2 * read.numel())
    assert not torch.equal(layer(power), layer(power)), "noise is new at every read"


def test_the_twin_has_the_value_of_the_hardware_and_the_gradient_of_the_ideal():
    network = fabricate(multilayer((12, 5, 3)), Imperfections.spread(0.05), 2)
    x = spectra()
    out = through_twin(network, x)
    assert torch.allclose(out, network(x), rtol=1e-5, atol=1e-6)
    found = torch.autograd.grad(out.square().sum(), network[0].shift)[0]
    upstream = 2 * network(x).detach()
    for layer in network:
        layer.ideal()
    wanted = torch.autograd.grad(network(x), network[0].shift, upstream)[0]
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_many_oscillators_on_all_cores_emit_what_few_do(two_threads):
    voltage = torch.linspace(-0.01, 0.02, 40_000).requires_grad_()
    neurons = Oscillators(40_000)
    power = neurons(voltage)
    slope = torch.autograd.grad(power.sum(), voltage)[0]
    parts = voltage.detach().split(1000)  # below the size that is shared among cores
    few = Oscillators(1000)
    assert torch.equal(power, torch.cat([few(part) for part in parts]))
    torch.set_num_threads(1)
    assert torch.equal(slope, torch.autograd.grad(neurons(voltage).sum(), voltage)[0])


def test_a_twin_measured_without_error_has_the_gradient_of_the_devices():
    network = fabricate(multilayer((12, 5, 3)), Imperfections.spread(0.05), 2)
    x = spectra()
    value = MeasuredTwin(network, 0.0)(network, x)
    assert torch.allclose(value, network(x), rtol=1e-5, atol=1e-6)
    found, wanted = (torch.autograd.grad(out.square().sum(), network[0].shift)[0] for out in (value, network(x)))
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_a_measured_twin_errs_by_what_was_measured_and_leaves_the_devices_alone():
    network = fabricate(multilayer((12, 5, 3)), Imperfections(resonance=0.05, temperature=300.0), 2)
    x, kept = spectra(), {name: buffer.clone() for name, buffer in network.named_buffers()}
    twin = MeasuredTwin(network, 0.01, seed=4)
    quiet = [layer.real(read_noise=False) for layer in network if isinstance(layer, ResonatorChains)]
    before = network(x)
    gradient = torch.autograd.grad(twin(network, x).square().sum(), network[0].shift)[0]
    assert torch.equal(network(x), before)
    assert all(torch.equal(buffer, kept[name]) for name, buffer in network.named_buffers())
    by_hand = fabricate(multilayer((12, 5, 3)), Imperfections(), 2)
    by_hand.load_state_dict(network.state_dict())
    source = torch.Generator().manual_seed(4)
    for layer in by_hand:
        if isinstance(layer, ResonatorChains):
            error = torch.randn(layer.resonance_factor.shape, generator=source, dtype=torch.float64)
            layer.real(read_noise=False).resonance_factor *= (1 + 0.01 * error).float()
    wanted = torch.autograd.grad(by_hand(x), by_hand[0].shift, 2 * before.detach())[0]
    assert torch.allclose(gradient, wanted, rtol=1e-4, atol=1e-6)
    assert not any(layer.read_noise for layer in quiet), "the noise stays as it was switched"
    with pytest.raises(InputError, match="error"):
        MeasuredTwin(network, -0.1)


def test_absorption_takes_power_from_those_behind():
    """Two resonators at one frequency: the second gets what the first left, here a quarter at the line's centre."""
    places = torch.tensor([50e6, 50e6])
    one = torch.tensor([50e6 * 1.01])
    strong = ResonatorChains(one, 1, places, linewidth=0.01, absorption=0.75, shift=0, offset=0, sensitivity=1.0)
    free = ResonatorChains(one, 1, places[:1], linewidth=0.01, shift=0, offset=0, sensitivity=1.0)
    share = 1 - 0.75 / (1 + 1.0)  # a half width off the centre, half of the absorption
    assert strong.weights().item() == pytest.approx(free.weights().item() * (1 - share), rel=1e-4)


def test_frequencies_are_kept_in_the_band():
    layer = ResonatorChains(GRID, 3, train_inputs=True)
    with torch.no_grad():
        layer.shift.fill_(500.0)
        layer.input_shift.fill_(-500.0)
    layer.confine(Band())
    assert layer.resonances().max().item() == pytest.approx(120e6, rel=1e-4)
    assert layer.input_frequencies().min().item() == pytest.approx(20e6, rel=1e-4)


def test_a_network_is_saved_and_loaded_with_its_fabrication(tmp_path):
    network = fabricate(multilayer((12, 5, 3)), Imperfections.spread(0.05), 2)
    torch.save(network.state_dict(), tmp_path / "network.pt")
    other = multilayer((12, 5, 3), seed=9)
    other.load_state_dict(torch.load(tmp_path / "network.pt", weights_only=True))
    assert torch.equal(other(spectra()), network(spectra()))


def test_chains_of_a_diode_weigh_as_it_converts():
    """Its linewidth and sensitivity, also where half width is no damping times frequency."""
    places, f = torch.tensor([40e6, 70e6], dtype=torch.float64), torch.tensor([41e6, 69e6, 75e6], dtype=torch.float64)
    diodes = SpinDiode(frequency=places, half_width=0.03 * places, threshold=8e-6, impedance=0.5)
    layer = ResonatorChains.of(diodes, f, 1, shift=0.0, dtype=torch.float64)
    wanted = torch.stack([sign * diodes.conversion(one) for one in f for sign in (torch.tensor([1.0, -1.0]),)]).sum(-1)
    assert torch.allclose(layer.weights()[0], wanted, rtol=1e-9)
    assert layer.sensitivity == pytest.approx(float(diodes.sensitivity))
    assert RFConv2d.of(SpinDiode(damping=0.02), 1, 2, 3).linewidth == 0.02


def test_the_constants_of_the_layers_are_those_of_the_devices():
    assert SENSITIVITY == 8838.8
    assert pytest.approx(float(SpinDiode().sensitivity), rel=5e-6) == SENSITIVITY
    plain, made = Oscillators(3), Oscillators.of(AutoOscillator(), 3)
    volts = torch.linspace(-8e-3, 2e-3, 3, dtype=torch.float64)
    assert torch.equal(plain(volts), made(volts))


@pytest.mark.parametrize(
    "device", [AutoOscillator(), AutoOscillator(threshold=1e-3, largest_current=3e-3, nonlinear_damping=0.5)]
)
def test_oscillators_of_a_device_emit_its_power(device):
    layer = Oscillators.of(device, 40)
    volts = torch.linspace(-12e-3, 3e-3, 40, dtype=torch.float64)
    current = layer.transconductance * (volts + layer.bias)
    assert torch.allclose(layer(volts), device.emitted_power(current), rtol=1e-9)
    working = layer.transconductance * layer.bias / float(device.threshold)
    assert working == pytest.approx(3.388e-3 * 11.08e-3 / 10e-6), "the published working point, over the threshold"


def test_simulated_devices_give_their_closed_form():
    terms = (Demagnetization((0.02, 0.02, 0.27)), Applied(Constant(3e5), (0.0, 0.0, 1.0)))
    free = Magnet(Material(8e5, 0.01), 1.6e-23, terms)
    oscillator = SimulatedOscillator(free, 2e-9)
    layer = Oscillators.of(oscillator, 4)
    assert layer.threshold == pytest.approx(float(oscillator.threshold()))
    assert layer.nonlinear_damping == pytest.approx(float(oscillator.closed_form().nonlinear_damping))
    diode = SimulatedDiode(free, 2e-9, (1.0, 0.0, 0.0), field_per_current=(1e9, 0.0, 0.0))
    closed = diode.closed_form()
    chains = ResonatorChains.of(diode, GRID, 3)
    assert chains.linewidth == pytest.approx(float(closed.linewidth))
    assert chains.sensitivity == pytest.approx(float(closed.sensitivity), rel=0.01)
    with pytest.raises(InputError, match="dispersive lines, mixing angle 0"):
        ResonatorChains.of(replace(diode, field_per_current=(0.0, 0.0, 0.0)), GRID, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ResonatorChains.of(SpinDiode(damping=torch.tensor([0.01, 0.02])), GRID, 3), "one linewidth"),
        (lambda: ResonatorChains.of(AutoOscillator(), GRID, 3), "SpinDiode or a SimulatedDiode, got AutoOscillator"),
        (lambda: Oscillators.of(SpinDiode(), 3), "got SpinDiode"),
        (lambda: ResonatorChains(GRID, 3)(-torch.ones(2, 12)), ">= 0 W"),
        (lambda: ResonatorChains(GRID, 3)(torch.full((2, 12), torch.nan)), ">= 0 W"),
        (lambda: ResonatorChains(GRID, 3)(torch.ones(2, 11)), "12 inputs"),
        (lambda: ResonatorChains(GRID, 0), "at least one chain"),
        (lambda: ResonatorChains(GRID[None], 3), "must be \\(inputs,\\)"),
        (lambda: ResonatorChains(GRID, 3, GRID.expand(2, 12)), "must be \\(resonators,\\)"),
        (lambda: ResonatorChains(GRID, 3, linewidth=0.0), "linewidth"),
        (lambda: ResonatorChains(GRID, 3, absorption=1.0), "below 1"),
        (lambda: ResonatorChains(-GRID, 3), "input_frequency must be finite and > 0"),
        (lambda: ResonatorChains(GRID, 3, band=Band(30e6, 120e6)), "input frequencies must lie in the band"),
        (lambda: ResonatorChains(GRID, 3, members=(2,), seed=(1, 2, 3)), "3 seeds were given for 2 members"),
        (lambda: Oscillators(3)(torch.ones(2, 4)), "3 oscillators|has 3"),
        (lambda: Oscillators(3, device=AutoOscillator(largest_current=10e-6)), "exceed the threshold"),
        (lambda: Imperfections(power=-0.1), "power must be"),
        (lambda: multilayer((100_000, 3)), "does not resolve"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
