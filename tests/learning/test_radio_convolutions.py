"""Convolutional networks of resonators and oscillators, their twins in software and their parallel layout."""

from dataclasses import replace

import pytest
import torch

from spinloom.data import load_images
from spinloom.errors import InputError
from spinloom.evaluation import Examples, accuracy
from spinloom.learning import (
    convolutions,
    count_parameters,
    lay_out_parallel,
    linewidth_for,
    radio_cnn,
    radio_cnn_in_software,
    sneak_errors,
)
from spinloom.nn.radio import Band, Imperfections, RFConv2d, fabricate, retune


@pytest.fixture(scope="module")
def images():
    return load_images("mnist-5k", "train"), load_images("mnist-5k", "test")


def test_trimming_takes_back_what_the_spread_of_resonances_does(images):
    network = radio_cnn(images[0], (2, 3), 0.003, 0).eval()
    x = Examples.of(images[1]).inputs[:4]
    with torch.no_grad():
        planned = network(x)
        fabricate(network, Imperfections(resonance=0.01), seed=1)
        assert not torch.allclose(network(x), planned, rtol=0.1)
        torch.testing.assert_close(retune(network)(x), planned, rtol=1e-3, atol=1e-3)


def test_trimmed_resonances_follow_the_frequencies_of_their_inputs(images):
    planned, made = (convolutions(radio_cnn(images[0], (2, 3), 0.003, 0))[1] for _ in range(2))
    retune(made.fabricate(Imperfections(input_frequency=0.01, resonance=0.01), seed=1))
    ratios = [layer.resonances().detach()[:, 0] / layer.input_frequencies() for layer in (planned, made)]
    torch.testing.assert_close(ratios[1], ratios[0], rtol=1e-6, atol=0)
    assert not torch.allclose(made.input_frequencies(), planned.input_frequencies(), rtol=1e-3)


def test_the_twin_has_as_many_parameters_and_the_same_range_at_the_start(images):
    radio, software = radio_cnn(images[0], (4, 8), 0.003, 1), radio_cnn_in_software(images[0], (4, 8), 1)
    assert count_parameters(radio) == count_parameters(software) == 4 * 25 + 4 + 8 * 100 + 8 + 10 * 128 + 10
    convolution = software[2]
    assert isinstance(convolution, torch.nn.Conv2d)
    weights = convolutions(radio)[1].weights().detach() / convolutions(radio)[1].sensitivity
    free = software[7].weight.detach()
    assert 0.5 < float(weights.std() / free.std()) < 3  # tails of the others add to a resonator's own weight


def test_powers_are_the_pixels_in_microwatts(images):
    inputs = Examples.of(images[1]).inputs[:5]
    power = radio_cnn(images[1], (2, 3), 0.003, 0)[0](inputs)
    torch.testing.assert_close(power, 1e-6 * images[1].images[:5].float() / 255, rtol=1e-4, atol=1e-12)
    assert float(power.min()) >= 0


def test_the_parallel_network_is_the_same_network_where_frequencies_are_far_apart(images):
    network = radio_cnn(images[0], (2, 3), 0.003, 0).eval()
    moved = lay_out_parallel(network, (28, 28), 1e5)
    assert [layer.layout for layer in convolutions(moved)] == ["parallel", "parallel"]
    x = Examples.of(images[1]).inputs[:4]
    with torch.no_grad():
        torch.testing.assert_close(moved(x), network(x), rtol=1e-3, atol=1e-3)
    first = convolutions(moved)[0]
    f = first.input_frequencies()
    apart = (f[1:] - f[:-1]) / (first.linewidth * (f[1:] + f[:-1]))
    torch.testing.assert_close(apart, torch.full_like(apart, 1e5), rtol=1e-4, atol=0)
    assert isinstance(first, RFConv2d)
    assert first.linewidth == linewidth_for(1e5, 784, Band())
    assert accuracy(moved, Examples.of(images[1]).first(100)) == accuracy(network, Examples.of(images[1]).first(100))
    assert (
        max(sneak_errors(network, moved))
        < 1e-3
        < 1
        < min(sneak_errors(network, lay_out_parallel(network, (28, 28), 0.1)))
    )


def test_images_too_small_are_named(images):
    small = replace(images[0], images=images[0].images[:, :, :15, :15])
    with pytest.raises(InputError, match="16 x 16 at least"):
        radio_cnn(small, (2, 2), 0.003, 0)
