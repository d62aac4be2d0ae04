import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from populations import population

from spinloom.errors import InputError
from spinloom.nn import Affine, DeviceActivation
from spinloom.nn.activation.tables import SIGMOID, hardtanh

shapes = st.lists(st.integers(1, 7), max_size=3).map(tuple)


def reference(layer: DeviceActivation, x: torch.Tensor, name: str, response) -> torch.Tensor:
    """One neuron after the other, by numpy."""
    devices = layer.assignment.tolist()
    columns = x.detach().reshape(len(x), -1).double().numpy()
    if layer.sharing == "shared":
        devices = devices * columns.shape[1]
    if layer.sharing == "channel":
        devices = np.repeat(devices, columns.shape[1] // len(devices)).tolist()
    curves, inputs = getattr(response, name).numpy(), response.inputs.numpy()
    made = [np.interp(columns[:, unit], inputs, curves[device]) for unit, device in enumerate(devices)]
    return torch.from_numpy(np.stack(made, 1)).reshape(x.shape)


@settings(deadline=None, max_examples=40)
@given(batch=st.integers(0, 5), units=shapes.filter(len), sharing=st.sampled_from(["unit", "channel", "shared"]))
def test_value_and_gradient_are_the_devices_own(batch, units, sharing):
    response = population()
    layer = DeviceActivation(response, sharing=sharing, seed=3).real(read_noise=False)
    source = torch.Generator().manual_seed(batch)
    x = (3 * torch.randn(batch, *units, generator=source)).requires_grad_()
    upstream = torch.randn(batch, *units, generator=source)
    y = layer(x)
    assert y.shape == x.shape
    if batch == 0:
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.shape == x.shape
        return
    y.backward(upstream)
    torch.testing.assert_close(y.detach().double(), reference(layer, x, "value", response), atol=2e-6, rtol=0)
    wanted = upstream * reference(layer, x, "slope", response)
    torch.testing.assert_close(x.grad.double(), wanted, atol=1e-5, rtol=0)


def test_float64_input_stays_float64_and_half_keeps_its_type():
    layer = DeviceActivation(population(noise=0.0), seed=1)
    x = torch.linspace(-4, 4, 30, dtype=torch.float64).reshape(3, 10)
    torch.testing.assert_close(layer(x), reference(layer, x, "value", population()), atol=1e-6, rtol=0)
    half = x.bfloat16().requires_grad_()
    y = layer(half)
    y.sum().backward()
    assert y.dtype == half.grad.dtype == torch.bfloat16
    torch.testing.assert_close(y.double(), reference(layer, half, "value", population()), atol=0.005, rtol=0)


def test_beyond_the_drive_value_and_slope_are_those_of_the_end():
    response = population()
    layer = DeviceActivation(response, seed=1).real(read_noise=False)
    x = torch.tensor([[-1e30, -3.5, 3.5, torch.inf]] * 2).requires_grad_()
    y = layer(x)
    y.sum().backward()
    ends = [(unit, 0 if unit < 2 else -1) for unit in range(4)]
    for curves, got in ((response.value, y[0]), (response.slope, x.grad[0])):
        wanted = torch.stack([curves[layer.assignment[unit], end] for unit, end in ends])
        torch.testing.assert_close(got.detach(), wanted.float(), atol=1e-6, rtol=0)


def test_nan_stays_visible():
    layer = DeviceActivation(population(), seed=1)
    assert layer(torch.tensor([[torch.nan, 0.0], [0.0, torch.nan]])).isnan().tolist() == [[True, False], [False, True]]


def test_sigmoid_and_hardtanh_by_their_affine():
    response = population(spread=0.0, points=4001, noise=0.0)
    x = torch.linspace(-5, 5, 40).reshape(4, 10)
    sigmoid = DeviceActivation(response, affine=SIGMOID)(x)
    torch.testing.assert_close(sigmoid, torch.sigmoid(x), atol=1e-6, rtol=0)
    clipped = DeviceActivation(response, affine=hardtanh(0, 4))(x)
    torch.testing.assert_close(clipped, 2 + 2 * torch.tanh(((x - 2) / 2).clamp(-3, 3)), atol=1e-5, rtol=0)
    assert (clipped - x.clamp(0, 4)).abs().max() < 0.25 * 2


def test_same_seed_same_output_to_the_bit_whatever_the_global_generator_does():
    x = torch.randn(6, 50, generator=torch.Generator().manual_seed(0))
    a, b, other = (DeviceActivation(population(), seed=seed) for seed in (4, 4, 5))
    torch.manual_seed(1)
    first = [a(x), a(x)]
    torch.manual_seed(2)
    assert torch.equal(first[0], b(x))
    assert torch.equal(first[1], b(x))
    assert not torch.equal(first[0], first[1])
    other(x)
    assert not torch.equal(a.assignment, other.assignment)
    assert torch.equal(a.resample(4)(x), first[0])


def test_noise_has_the_responses_width_and_no_gradient():
    response = population(devices=1, spread=0.0, noise=0.05)
    layer = DeviceActivation(response, sharing="shared")
    x = torch.full((400, 400), 1.5).requires_grad_()
    y = layer(x)
    y.sum().backward()
    sigma = float(np.interp(1.5, response.inputs, response.noise[0]))
    off = y.detach().double() - float(np.interp(1.5, response.inputs, response.value[0]))
    assert abs(off.mean()) < 4 * sigma / 400
    assert abs(off.std() / sigma - 1) < 4 / 400 * 0.5**0.5 + 1e-3
    assert x.grad.unique().numel() == 1


def test_spread_and_read_noise_are_switched_apart():
    response, x = population(), torch.linspace(-2, 2, 60).reshape(3, 20)
    layer = DeviceActivation(response, seed=2)
    nominal = DeviceActivation(response.nominal(), seed=0).real(read_noise=False)
    quiet = layer.real(read_noise=False)(x)
    assert torch.equal(quiet, layer(x))
    assert not torch.allclose(quiet, nominal(x), atol=1e-3)
    torch.testing.assert_close(layer.ideal()(x), nominal(x))
    noisy = layer.real(spread=False)
    assert not torch.equal(noisy(x), noisy(x))
    torch.testing.assert_close(layer.real(read_noise=False)(x), quiet)
    assert torch.equal(layer.eval()(x), layer.train()(x))


def test_one_device_per_unit_channel_or_layer():
    x = torch.zeros(2, 5, 3, 3)
    counts = {}
    for sharing in ("unit", "channel", "shared"):
        layer = DeviceActivation(population(devices=100), sharing=sharing).ideal()
        layer(x)
        counts[sharing] = layer.assignment.numel()
        assert layer.assignment.unique().numel() == layer.assignment.numel()
    assert counts == {"unit": 45, "channel": 5, "shared": 1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda layer: layer(torch.zeros(2, 6)), r"\(5,\).*got \(6,\)"),
        (lambda layer: layer(torch.zeros(2, 5, dtype=torch.int64)), "floating"),
        (lambda layer: layer(torch.tensor(1.0)), "batch"),
        (lambda layer: DeviceActivation(population(), sharing="neuron"), "sharing 'neuron'"),
        (lambda layer: DeviceActivation(population(), sharing="channel")(torch.zeros(3)), "channel"),
        (lambda layer: hardtanh(1, 1), "min_val < max_val"),
        (lambda layer: Affine(output_gain=math.nan), "finite"),
        (lambda layer: Affine(output_gain=0.0), "must not be 0"),
        (lambda layer: layer.resample(1.5), "seed must be a whole number"),
        (lambda layer: DeviceActivation(population(), seed="one"), "seed must be a whole number"),
        (lambda layer: DeviceActivation(torch.tanh), "give a Response"),
        (lambda layer: DeviceActivation(population(), affine="sigmoid"), "give a Affine"),
    ],
)
def test_misuse_is_named_in_one_line(call, message):
    layer = DeviceActivation(population(), seed=0)
    layer(torch.zeros(2, 5))
    with pytest.raises(InputError, match=message) as caught:
        call(layer)
    assert "\n" not in str(caught.value)


def test_a_shared_device_takes_any_shape():
    layer = DeviceActivation(population(), sharing="shared").real(read_noise=False)
    x = torch.linspace(-1, 1, 12)
    assert torch.equal(layer(x.reshape(3, 4)).flatten(), layer(x.reshape(2, 6)).flatten())


def test_resampling_a_copy_leaves_the_original():
    layer = DeviceActivation(population(), seed=0).real(read_noise=False)
    x = torch.linspace(-1, 1, 120).reshape(3, 40)
    before = layer(x)
    assert not torch.equal(copy.deepcopy(layer).resample(77)(x), before)
    assert torch.equal(layer(x), before)


def test_the_representation_says_what_is_there():
    layer = DeviceActivation(population(), sharing="channel")
    assert "not yet fabricated" in repr(layer)
    layer.ideal()(torch.zeros(1, 3, 2))
    assert "devices=3" in repr(layer)
    assert "spread=False" in repr(layer)


def test_a_layer_knows_the_drive_of_its_devices_through_its_affine():
    response, x = population(spread=0.0), torch.linspace(-3, 3, 30, dtype=torch.float64)[None]
    for affine in (SIGMOID, hardtanh(-1, 3), Affine(0.7, 0.2, -2.0, 0.3)):
        layer = DeviceActivation(response, affine=affine).ideal()
        seen = np.interp(layer.drive(x)[0], response.inputs, response.value[0])
        wanted = affine.output_offset + affine.output_gain * torch.from_numpy(seen)[None]
        torch.testing.assert_close(layer(x), wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("move", [lambda layer: layer.half(), lambda layer: layer.to(torch.bfloat16)])
def test_half_precision_leaves_the_tables_sharp(move):
    layer, x = DeviceActivation(population(noise=0.0), seed=1), torch.linspace(-2, 2, 60).reshape(3, 20)
    before = layer(x)
    assert torch.equal(move(layer)(x), before)
    assert layer.curves.dtype == torch.float32


def test_a_second_derivative_is_refused():
    layer, x = DeviceActivation(population(), seed=0), torch.ones(2, 5, requires_grad=True)
    with pytest.raises(InputError, match="software network"):
        torch.autograd.grad(layer(x).sum() + x.pow(2).sum(), x, create_graph=True)


def test_strides_do_not_matter():
    layer, x = DeviceActivation(population(noise=0.0), seed=1), torch.randn(3, 4, 5, 6)
    wanted = layer(x)
    assert torch.equal(layer(x.to(memory_format=torch.channels_last)), wanted)
    assert torch.equal(layer(x.transpose(1, 3).contiguous().transpose(1, 3)), wanted)
