"""RF convolutions: their weights, gradients, the two layouts, and what they refuse."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from spinloom.errors import InputError, SpinloomWarning
from spinloom.nn.radio import SENSITIVITY, Band, Imperfections, Oscillators, RFConv2d, plan
from spinloom.nn.radio.convolution import Windows, detunings

WIDE = {"band": Band(1e6, 1e12), "linewidth": 1e-7, "dtype": torch.float64}
"""Frequencies hundred thousands of linewidths apart."""


def powers(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Between 0 and 1 uW."""
    return 1e-6 * torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def matrix_of(layer: RFConv2d, height: int, width: int) -> torch.Tensor:
    """An ordinary convolution's weights as (filters, positions, pixels): by what it makes of single pixels."""
    channels, geometry = layer.windows.channels, layer.windows
    single = torch.eye(channels * height * width, dtype=torch.float64).view(-1, channels, height, width)
    out = F.conv2d(single, layer.weights().detach().double(), None, geometry.stride, geometry.padding)
    return out.flatten(2).permute(1, 2, 0)


def test_a_weight_is_the_published_sum_over_the_resonators_of_its_chain():
    layer = RFConv2d(2, 3, 2, dtype=torch.float64, seed=1, shift=0.7)
    inputs, resonances = layer.input_frequencies(), layer.resonances().detach().view(3, 8)
    for chain, tap in ((0, 0), (2, 5)):
        total = 0.0
        for k in range(8):
            f = float(resonances[chain, k])
            x, w = float(inputs[tap]) - f, 0.01 * f
            total += (-1) ** k * SENSITIVITY * 2 * w * x / (w * w + x * x)
        assert float(layer.weights().detach().flatten(1)[chain, tap]) == pytest.approx(total, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    channels=st.integers(1, 3),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_both_layouts_are_convolutions_of_any_shape(channels, kernel, stride, padding, height, width):
    if padding >= kernel or kernel > min(height, width) + 2 * padding:
        with pytest.raises(InputError):
            Windows(channels, kernel, stride, padding).output(height, width)
        return
    layer = RFConv2d(channels, 2, kernel, stride, padding, shift=0.5, **WIDE)
    x = powers(3, channels, height, width)
    voltage = layer(x)
    weights, bias = layer.weights(), layer.bias()
    torch.testing.assert_close(voltage, F.conv2d(x, weights, bias, stride, padding), rtol=1e-9, atol=1e-15)
    everywhere = layer.parallel((height, width), **WIDE, per_linewidth=16)(x)
    assert everywhere.shape == voltage.shape
    # per input: tails of K / distance in linewidths from both sides, in both layouts (a harmonic sum)
    lines = max(channels * height * width, channels * kernel**2)
    apart = math.log(1e6) / max(lines - 1, 1) / 2e-7
    tails = lines * 4 * (1 + math.log(lines)) / apart
    assert float((everywhere - voltage).detach().abs().max()) <= 1.1 * tails * SENSITIVITY * 1e-6


@pytest.mark.parametrize("absorption", [0.0, 0.4])
@pytest.mark.parametrize("layout", ["sequential", "parallel"])
def test_gradients_agree_with_finite_differences(layout, absorption):
    image = (4, 3) if layout == "parallel" else None
    layer = RFConv2d(
        2, 2, 2, 1, 1, layout=layout, image=image, absorption=absorption, sensitivity=1e6, dtype=torch.float64, seed=2
    )

    def output(power: torch.Tensor, shift: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"shift": shift, "offset": offset}, (1e-6 * power,))

    given = (1e6 * powers(2, 2, 4, 3) + 0.1, layer.shift.detach(), torch.tensor([0.3, -0.2], dtype=torch.float64))
    assert torch.autograd.gradcheck(output, tuple(tensor.requires_grad_() for tensor in given))


def test_blocks_of_the_parallel_layout_change_nothing(monkeypatch):
    layer = RFConv2d(1, 3, 3, 2, 1, layout="parallel", image=(7, 6), dtype=torch.float64)
    x = powers(2, 1, 7, 6).requires_grad_()
    whole = layer(x)
    whole_pulls = torch.autograd.grad(whole.square().sum(), (x, layer.shift))
    monkeypatch.setattr("spinloom.nn.radio.convolution.BLOCK", 3 * 42 * 5)  # 5 of 12 positions at a time
    parts = layer(x)
    torch.testing.assert_close(parts, whole)
    for part, at_once in zip(torch.autograd.grad(parts.square().sum(), (x, layer.shift)), whole_pulls, strict=True):
        torch.testing.assert_close(part, at_once)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), whole)


def test_weights_of_the_parallel_layout_hold_its_sneak_paths():
    layer = RFConv2d(1, 2, 2, layout="parallel", image=(4, 5), dtype=torch.float64, shift=0.4)
    x = powers(3, 1, 4, 5)
    assert layer.weights().shape == (2, 3, 4, 1, 4, 5)
    voltage = torch.einsum("foyihw,bihw->bfoy", layer.weights(), x) + layer.bias()[:, None, None]
    torch.testing.assert_close(layer(x), voltage)
    outside = layer.weights().detach()[0, 0, 0, 0, 3, 4]  # far from the first window
    f, places = layer.input_frequencies()[-1], layer.resonances().detach().view(2, 12, 4)[0, 0]
    distance = (f - places) / (0.01 * places)
    expected = SENSITIVITY * (torch.tensor([1, -1, 1, -1]) * 2 * distance / (1 + distance**2)).sum()
    assert float(outside) == pytest.approx(float(expected), rel=1e-9)
    assert abs(float(outside)) > 0


def test_sneak_paths_fall_as_one_over_the_spacing():
    layer = RFConv2d(1, 4, 3, shift=0.5, **WIDE)
    wanted = matrix_of(layer, 6, 6)
    errors = []
    for linewidth in (1e-3, 1e-4, 1e-5):
        made = layer.parallel((6, 6), linewidth=linewidth, dtype=torch.float64)
        errors.append(float((made.weights().detach().view_as(wanted) - wanted).norm() / wanted.norm()))
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.2)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.2)


def test_detunings_are_the_inverse_of_one_resonator():
    wanted = torch.linspace(-1, 1, 41, dtype=torch.float64)
    for linewidth in (1e-4, 0.05):
        shift = detunings(wanted, linewidth)
        x = torch.expm1(-linewidth * shift) / linewidth
        torch.testing.assert_close(2 * x / (1 + x * x), wanted)
    assert float(detunings(torch.tensor(3.0), 0.1)) == float(detunings(torch.tensor(1.0), 0.1)) < 0


def test_weights_beyond_the_sensitivity_are_held_with_a_warning():
    layer = RFConv2d(1, 1, 2, shift=0.9, **WIDE)
    with pytest.warns(SpinloomWarning, match="exceed the sensitivity"):
        made = layer.parallel((2, 2), **{**WIDE, "sensitivity": 10.0})
    largest = float(made.weights().detach().abs().max())
    assert largest == pytest.approx(10.0, rel=1e-3)


def test_shared_detunings_but_devices_of_their_own():
    layer = RFConv2d(1, 2, 2, layout="parallel", image=(4, 4), dtype=torch.float64)
    base = layer.places * (layer.step * layer.shift.detach()[:, None]).exp()
    torch.testing.assert_close(layer.resonances().detach(), layer.unit * base)
    layer.fabricate(Imperfections(resonance=0.02), seed=3)
    spread = (layer.resonances().detach() / (layer.unit * base)).std()  # of 2 filters x 9 positions x 4 resonators
    assert float(spread) == pytest.approx(0.02, rel=4 / math.sqrt(2 * 72))
    x = powers(1, 1, 4, 4)
    made = layer(x)
    assert torch.equal(layer.resample(3)(x), made)
    assert not torch.equal(layer.resample(4)(x), made)
    planned = layer.ideal()(x)
    torch.testing.assert_close(RFConv2d(1, 2, 2, layout="parallel", image=(4, 4), dtype=torch.float64)(x), planned)


def test_noise_of_a_chain_is_that_of_its_resonators_in_series():
    layer = RFConv2d(1, 2, 3).fabricate(Imperfections(temperature=300.0, bandwidth=1e9), seed=1)
    x = torch.zeros(40, 1, 12, 12)
    noise = layer(x) - layer.bias().detach()[:, None, None]
    wanted = math.sqrt(4 * 1.380649e-23 * 300 * 1e3 * 9 * 1e9)
    assert float(noise.detach().std()) == pytest.approx(wanted, rel=4 / math.sqrt(2 * noise.numel()))


def test_chains_may_have_fewer_resonators_than_taps():
    layer = RFConv2d(2, 3, 3, resonators=5)
    assert layer.shift.shape == (3, 5)
    assert layer.weights().shape == (3, 2, 3, 3)
    assert layer(powers(1, 2, 5, 5, dtype=torch.float32)).shape == (1, 3, 3, 3)


def test_a_layer_without_bias_trains_its_frequencies_only():
    layer = RFConv2d(1, 2, 3, bias=False)
    assert [name for name, p in layer.named_parameters() if p.requires_grad] == ["shift"]
    assert not bool(layer.bias().any())


def test_oscillators_along_the_channels_have_one_device_each():
    x = torch.rand(2, 3, 4, 5) * 1e-2 - 5e-3
    along, last = Oscillators(3, dimension=-3), Oscillators(3)
    for layer in (along, last):
        layer.fabricate(Imperfections(power=0.2), seed=5)
    torch.testing.assert_close(along(x), last(x.movedim(1, -1)).movedim(-1, 1))
    with pytest.raises(InputError, match="dimension -3"):
        along(x.movedim(1, -1))
    with pytest.raises(InputError, match="counted from the end"):
        Oscillators(3, dimension=1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layout": "paralel", "image": (4, 4)}, "did you mean 'parallel'"),
        ({"layout": "parallel"}, "image"),
        ({"image": (4, 4)}, "image"),
        ({"layout": "parallel", "image": (2, 9)}, "kernel of 3 does not fit"),
        ({"layout": "parallel", "image": (4, 4), "resonators": 5}, "one resonator for each"),
        ({"resonators": 0}, "any number"),
        ({"padding": 3}, "without a pixel"),
        ({"stride": 0}, "stride"),
        ({"kernel_size": 2.5}, "kernel"),
        ({"out_channels": 0}, "filter"),
        ({"linewidth": 0.0}, "linewidth"),
        ({"absorption": 1.0}, "absorption"),
        ({"sensitivity": -1.0}, "sensitivity"),
        ({"kind": "octaves"}, "frequency plan"),
        ({"frequency": torch.full((9,), 130e6)}, "must lie in the band"),
        ({"frequency": torch.full((8,), 50e6)}, r"\(9,\)"),
        ({"in_channels": 400}, "does not resolve 3600"),
        ({"per_linewidth": 0.05}, "does not resolve 9"),
    ],
)
def test_mistakes_are_named(given, message):
    with pytest.raises(InputError, match=message):
        RFConv2d(**{"in_channels": 1, "out_channels": 2, "kernel_size": 3, **given})


def test_powers_that_do_not_fit_are_refused():
    layer = RFConv2d(2, 1, 3)
    for wrong in (torch.zeros(2, 5, 5), torch.zeros(1, 3, 5, 5)):
        with pytest.raises(InputError, match=r"\(batch, 2, height, width\)"):
            layer(wrong)
    with pytest.raises(InputError, match="does not fit into an image of 2 x 5"):
        layer(torch.zeros(1, 2, 2, 5))
    for bad in (-1e-9, float("nan")):
        x = torch.zeros(1, 2, 4, 4)
        x[0, 1, 2, 3] = bad
        with pytest.raises(InputError, match=">= 0 W"):
            layer(x)
    made = layer.parallel((5, 5), band=Band(20e6, 120e6))
    with pytest.raises(InputError, match=r"planned for images of \(5, 5\)"):
        made(torch.zeros(1, 2, 5, 6))
    with pytest.raises(InputError, match="parallel already"):
        made.parallel((5, 5))


def test_own_frequencies_are_used():
    own = plan("linear", 9, Band(1e9, 2e9))
    layer = RFConv2d(1, 1, 3, frequency=own, band=Band(1e9, 2e9), shift=0.0, dtype=torch.float64)
    torch.testing.assert_close(layer.input_frequencies(), own)
    torch.testing.assert_close(layer.resonances().flatten(), own)
