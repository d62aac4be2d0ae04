"""Slopes read from the devices, exact ones and finite differences; noise and converters of both reads."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.nn import Affine, Converters, DeviceActivation, device_layers, rewind, to_hardware, use_gradient
from spinloom.nn.activation.tables import quantised

X = torch.linspace(-4, 4, 401, dtype=torch.float64)


def device(noise: float = 0.0, slope_noise: float = 0.0, gains: tuple[float, ...] = (1.0,), **options):
    """tanh curves whose own slope is deliberately 0.9 of the derivative."""
    gain = torch.tensor(gains, dtype=torch.float64)[:, None]
    value = torch.tanh(gain * X)
    slope = 0.9 * gain * (1 - value**2)
    full = torch.full_like(value, 1.0)
    return DeviceActivation(Response(X, value, slope, noise * full, 1.0, slope_noise=slope_noise * full), **options)


def slopes(layer: DeviceActivation, x: torch.Tensor) -> torch.Tensor:
    x = x.clone().requires_grad_()
    layer(x).sum().backward()
    return x.grad


def test_the_default_is_the_devices_own_slope_and_exact_the_derivative_of_its_value():
    x = torch.linspace(-3, 3, 50)[None]
    derivative = 1 - x.tanh().square()
    torch.testing.assert_close(slopes(device(), x), 0.9 * derivative, atol=1e-3, rtol=0)
    torch.testing.assert_close(slopes(device().use_gradient("exact"), x), derivative, atol=0.02, rtol=0)
    inside = slopes(device().use_gradient("difference", 0.05), x)
    torch.testing.assert_close(inside, derivative, atol=0.01, rtol=0)


def test_the_exact_slope_is_what_a_tiny_difference_of_the_table_gives():
    layer = device(gains=(0.7, 1.0, 1.4))
    x = 3 * torch.rand(5, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    layer(x)
    layer = layer.double()
    tiny = (layer((x + 1e-6).detach()) - layer((x - 1e-6).detach())) / 2e-6
    found = slopes(layer.use_gradient("exact"), x)
    away = ((x * 50) % 1 - 0.5).abs() < 0.49  # from the corners of the table
    torch.testing.assert_close(found[away], tiny[away], atol=1e-5, rtol=1e-4)


def test_beyond_the_driven_range_the_exact_slope_is_zero():
    x = torch.tensor([[-9.0, 9.0]])
    assert slopes(device().use_gradient("exact"), x).tolist() == [[0.0, 0.0]]
    assert float(slopes(device(), x).min()) > 0  # a real device reads the slope of its end


def test_noise_of_the_two_reads_is_independent_and_as_large_as_it_says():
    layer, x = device(noise=0.05, slope_noise=0.03), torch.zeros(400, 100)
    x.requires_grad_()
    value = layer(x)
    value.sum().backward()
    left = x.grad - 0.9
    assert float(value.detach().std()) == pytest.approx(0.05, rel=0.02)
    assert float(left.std()) == pytest.approx(0.03, rel=0.02)
    count = x.numel()
    assert abs(float(left.mean())) < 5 * 0.03 / count**0.5
    correlation = float((left * value.detach()).mean()) / (0.05 * 0.03)
    assert abs(correlation) < 5 / count**0.5


@pytest.mark.parametrize("kind", ["device", "exact", "difference"])
def test_a_rewound_layer_repeats_its_slopes(kind):
    layer, x = device(0.02, 0.03).use_gradient(kind), torch.randn(20, 30, generator=torch.Generator().manual_seed(0))
    first = slopes(layer, x)
    other = slopes(layer, x)
    assert torch.equal(first, slopes(layer.rewind(), x))
    assert torch.equal(first, other) == (kind == "exact")


def test_finite_differences_carry_the_noise_of_two_reads():
    layer, x = device(noise=0.01).use_gradient("difference", 0.2), torch.zeros(300, 100)
    assert float(slopes(layer, x).std()) == pytest.approx(0.01 * 2**0.5 / 0.4, rel=0.03)


def test_noise_is_off_where_reads_are_silent():
    layer, x = device(0.05, 0.05), torch.linspace(-1, 1, 30)[None]
    layer.real(read_noise=False)
    assert torch.equal(slopes(layer, x), slopes(layer, x))


@settings(max_examples=40, deadline=None)
@given(
    bits=st.integers(1, 12),
    ends=st.tuples(st.floats(-3, 0), st.floats(0.1, 3)),
    reads=st.lists(st.floats(-5, 5), min_size=1, max_size=20),
)
def test_converters_round_to_evenly_spaced_levels(bits, ends, reads):
    low, high = ends
    given_reads = torch.tensor(reads, dtype=torch.float64)
    out = quantised(given_reads, ends, bits)
    step = (high - low) / (2**bits - 1)
    levels = (out - low) / step
    torch.testing.assert_close(levels, levels.round(), atol=1e-9, rtol=0)
    assert float(out.min()) >= low - 1e-12
    assert float(out.max()) <= high + 1e-12
    clipped = given_reads.clamp(low, high)
    assert float((out - clipped).abs().max()) <= step / 2 + 1e-12
    assert torch.equal(quantised(given_reads, ends, None), given_reads)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("bits", [8, 24])
def test_converters_have_more_levels_than_half_precision_can_count(dtype, bits):
    reads = torch.linspace(-1, 1, 501).to(dtype)
    wanted = quantised(reads.float(), (-1.0, 1.0), bits).to(dtype)
    assert torch.equal(quantised(reads, (-1.0, 1.0), bits), wanted)


def test_converters_act_on_each_read_by_its_own_full_scale():
    x = torch.linspace(-4, 4, 1001)[None]
    layer = device(converters=Converters(value=2, slope=1))
    assert sorted(set(layer(x).flatten().tolist())) == pytest.approx([-1, -1 / 3, 1 / 3, 1])
    assert set(slopes(layer, x).flatten().tolist()) == {0.0, 1.0}
    sigmoid = device(converters=Converters(value=2), affine=Affine(0.5, 0.0, 0.5, 0.5))
    assert sorted(set(sigmoid(x).flatten().tolist())) == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-6)


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("output_gain", [1.0, -1.0])
def test_the_converter_of_slopes_spans_the_side_that_the_slopes_are_on(falling, output_gain):
    sign = -1 if falling else 1
    value = sign * torch.tanh(X)[None]
    response = Response(X, value, sign * (1 - value**2), torch.zeros_like(value), 1.0)
    affine, x = Affine(0.5, 0.0, output_gain, 0.0), torch.linspace(-7, 7, 201)[None]
    plain = slopes(DeviceActivation(response, affine=affine), x)
    read = slopes(DeviceActivation(response, affine=affine, converters=Converters(slope=8)), x)
    assert float(plain.abs().max()) == pytest.approx(0.5, rel=1e-3)
    torch.testing.assert_close(read, plain, atol=0.5 / 2**8, rtol=0)


def test_slopes_of_both_signs_get_both_sides_and_slight_ones_cost_nothing():
    def read(slope: torch.Tensor) -> torch.Tensor:
        response = Response(X, torch.tanh(X)[None], slope[None], torch.zeros(1, len(X)), 1.0)
        return slopes(DeviceActivation(response, converters=Converters(slope=1)), X[None].float())

    assert set(read(torch.cos(X)).flatten().tolist()) == {-1.0, 1.0}
    assert set(read(1 - torch.tanh(X) ** 2 - 0.004).flatten().tolist()) == {0.0, 1.0}


def test_a_whole_network_is_switched_at_once():
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 4), torch.nn.Tanh())
    value = torch.tanh(X)[None]
    response = Response(X, value, 1 - value**2, 0.01 * torch.ones_like(value), 1.0)
    hardware = to_hardware(model, response, example_input=torch.zeros(1, 3), converters=Converters(6, 4))
    use_gradient(hardware, "difference", 0.1)
    layers = list(device_layers(hardware).values())
    assert [(layer.gradient, layer.difference_step) for layer in layers] == [("difference", 0.1)] * 2
    assert {layer.converters for layer in layers} == {Converters(6, 4)}
    x = torch.ones(2, 3)
    assert torch.equal(hardware(x), rewind(hardware)(x))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Converters(0),
        lambda: Converters(slope=25),
        lambda: Converters(2.5),
        lambda: Converters("8"),
        lambda: device(converters=8),
        lambda: device().use_gradient("odd"),
        lambda: device().use_gradient("difference", 0.0),
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(InputError):
        wrong()


def test_a_state_without_slope_noise_is_still_read():
    old = device(0.02).state_dict()
    del old["slope_noise"]
    fresh = device(0.02, 0.5)
    fresh.load_state_dict(old)
    assert not bool(fresh.slope_noise.any())
    assert not fresh.noisy_slope
