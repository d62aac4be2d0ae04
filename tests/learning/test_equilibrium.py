"""Equilibrium propagation: the same update as autograd through the dynamics, and as plain sums over neurons."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cosine_similarity

from spinloom.devices import LinearMemory, TwoPolarizerMTJ, WeakResetMemory
from spinloom.errors import InputError
from spinloom.learning import EquilibriumNetwork, FlipOptimizer, Programming, Pulses
from spinloom.nn import DeviceLinear, count_devices, resample

LABELS = torch.arange(8) % 3


def inputs(*shape):
    return torch.rand(8, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def dense(**options):
    torch.manual_seed(0)
    return EquilibriumNetwork(nn.Linear(6, 12), nn.Linear(12, 9), nn.Linear(9, 3), classes=3, **options).double()


def convolutional(**options):
    torch.manual_seed(0)
    first = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(2))
    links = first, nn.Conv2d(4, 6, 3, stride=2), nn.Linear(6 * 4, 3)
    return EquilibriumNetwork(*links, classes=3, start=0.5, **options).double()


def gradients(network, way, x, labels=LABELS):
    network.zero_grad()
    answer = getattr(network, way)(x, labels)
    return answer, [parameter.grad.clone() for parameter in network.parameters()]


def plain(network, x, labels, beta):
    """The same gradient of dense links by loops over steps, layers and images, all in numbers."""
    weights = [(link.weight.detach(), link.bias.detach()) for link in network.links]
    target, total = torch.eye(network.classes, dtype=x.dtype)[labels], None
    for image, wanted in zip(x, target, strict=True):
        states = [torch.full((len(b),), network.start, dtype=x.dtype) for _, b in weights]
        ends = []
        for steps, pull in ((network.free_steps, 0.0), (network.nudged_steps, beta)):
            for _ in range(steps):
                below, new = [image, *states], []
                for n, (w, b) in enumerate(weights):
                    total_input = w @ below[n] + b
                    if n + 1 < len(weights):
                        total_input = total_input + weights[n + 1][0].T @ states[n + 1]
                    new.append(total_input.clamp(0, 1))
                new[-1] = (new[-1] + pull * (wanted - states[-1])).clamp(0, 1)
                states = new
            ends.append([image, *states])
        rest, pulled = ends
        found = []
        for n in range(len(weights)):
            found.append((torch.outer(rest[n + 1], rest[n]) - torch.outer(pulled[n + 1], pulled[n])) / beta)
            found.append((rest[n + 1] - pulled[n + 1]) / beta)
        total = found if total is None else [one + two for one, two in zip(total, found, strict=True)]
    return [one / len(x) for one in total]


@settings(max_examples=15, deadline=None)
@given(st.floats(0.05, 1.0), st.integers(1, 6), st.integers(1, 4))
def test_the_update_is_that_of_plain_loops(beta, free, nudged):
    network = dense(nudging=beta, sign="positive", free_steps=free, nudged_steps=nudged)
    _, found = gradients(network, "contrast", inputs(6))
    for one, other in zip(found, plain(network, inputs(6), LABELS, beta), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("made", [dense, convolutional], ids=["dense", "convolutional"])
def test_the_update_points_along_autograd_through_the_same_steps(made):
    network = made(nudging=1e-4, sign="positive", free_steps=80, nudged_steps=30)
    x = inputs(6) if made is dense else inputs(1, 10, 10)
    answer, found = gradients(network, "contrast", x)
    same, wanted = gradients(network, "backpropagate", x)
    torch.testing.assert_close(answer, same)
    for one, other in zip(found, wanted, strict=True):
        assert float(cosine_similarity(one.flatten(), other.flatten(), 0)) > 0.999
        assert float(one.norm()) == pytest.approx(float(other.norm()), rel=0.01)


def test_symmetric_nudging_is_nearer_to_the_gradient_than_one_sided_where_nothing_is_clamped():
    errors = {}
    for sign in ("positive", "symmetric"):
        network = dense(nudging=0.2, sign=sign, free_steps=200, nudged_steps=100, start=0.5)
        with torch.no_grad():
            for link in network.links:
                link.weight.mul_(0.3)
                link.bias.fill_(0.5)
        _, found = gradients(network, "contrast", inputs(6))
        _, wanted = gradients(network, "backpropagate", inputs(6))
        errors[sign] = sum(float((one - other).norm() / other.norm()) for one, other in zip(found, wanted, strict=True))
    assert errors["symmetric"] < 0.5 * errors["positive"]


def test_replicas_of_the_outputs_answer_by_their_mean():
    network = EquilibriumNetwork(nn.Linear(6, 12), classes=3, free_steps=1)
    with torch.no_grad():
        network.links[0].weight.zero_()
        network.links[0].bias.copy_(torch.tensor([0.0, 0.2, 0.4, 0.6, 1, 1, 1, 1, 0, 0, 0, 1]))
    answer = network(torch.rand(2, 6))
    torch.testing.assert_close(answer, torch.tensor([[0.3, 1.0, 0.25]]).expand(2, 3))


def test_binary_neurons_send_zeros_and_ones():
    network = dense(binary=True, inertia=0.5, start=1.0, nudging=2.0, sign="positive")
    _, found = gradients(network, "contrast", inputs(6))
    step = found[2] * 2.0 * len(LABELS)  # of the middle link: differences of products of zeros and ones
    torch.testing.assert_close(step, step.round())
    assert float(step.abs().max()) > 0


BINARY = {"binary": True, "inertia": 0.5, "start": 1.0, "nudging": 1.0, "sign": "positive"}


@pytest.mark.parametrize(("options", "least"), [({}, 0.9), (BINARY, 0.75)])
def test_it_learns(options, least):
    torch.manual_seed(0)
    x = torch.rand(300, 20)
    labels = (x[:, :10].sum(1) > x[:, 10:].sum(1)).long()
    network = EquilibriumNetwork(nn.Linear(20, 60), nn.Linear(60, 20), classes=2, **{"nudging": 0.5, **options})
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(60):
        for rows in torch.randperm(300).split(50):
            optimizer.zero_grad()
            network.contrast(x[rows], labels[rows])
            optimizer.step()
    assert float((network(x).argmax(1) == labels).float().mean()) > least


def test_weights_are_memories_and_neurons_are_junctions():
    response = TwoPolarizerMTJ().simulate(spread=0.05, devices=32, realizations=4, seed=1)
    links = [DeviceLinear(6, 12, LinearMemory()), DeviceLinear(12, 3, LinearMemory())]
    network = EquilibriumNetwork(*links, classes=3, neurons=response)
    resample(network, 3)
    before = [link.realised().clone() for link in links]
    programming = Programming(torch.optim.SGD(network.parameters(), 5.0), network, Pulses())
    programming.zero_grad()
    network.contrast(inputs(6).float(), LABELS)
    assert programming.step().events > 0
    assert any(not torch.equal(link.realised(), old) for link, old in zip(links, before, strict=True))
    assert sum(count_devices(network).values()) == 2 * (6 * 12 + 12 * 3) + 12 + 3


def test_signs_of_weak_reset_pairs_learn_by_pulses():
    torch.manual_seed(0)
    x = torch.rand(200, 16)
    labels = (x[:, :8].sum(1) > x[:, 8:].sum(1)).long()
    options = {"cells": "binary", "weight_range": 0.1, "fresh": True}
    links = [DeviceLinear(16, 64, WeakResetMemory(), **options), DeviceLinear(64, 2, WeakResetMemory(), **options)]
    network = EquilibriumNetwork(*links, classes=2, nudging=0.5, sign="positive")
    groups = [{"params": [link.weight for link in links], "lr": 10.0}, {"params": [link.bias for link in links]}]
    programming = Programming(torch.optim.Adam(groups, 3e-3), network, Pulses(step=1.0, most=14, remainder="drop"), 1)
    for _ in range(40):
        for rows in torch.arange(200).split(50):
            programming.zero_grad()
            network.contrast(x[rows], labels[rows])
            programming.step()
    assert float((network(x).argmax(1) == labels).float().mean()) > 0.75


def test_weights_flip_when_gradients_ask_for_it_long_enough():
    weight = nn.Parameter(torch.tensor([[0.3, -0.1, 0.2]]))
    optimizer = FlipOptimizer([weight], momentum=0.5, threshold=0.6)
    torch.testing.assert_close(weight.data, torch.tensor([[0.2, -0.2, 0.2]]))
    weight.grad = torch.tensor([[1.0, 1.0, -1.0]])  # of the first alone the gradient has its sign
    optimizer.step()
    assert optimizer.flipped == [0]  # its momentum is 0.5
    optimizer.step()
    assert optimizer.flipped == [1]  # 0.75
    torch.testing.assert_close(weight.data, torch.tensor([[-0.2, -0.2, 0.2]]))


def test_scales_follow_their_gradient_one_for_each_output_of_a_convolution():
    weight = nn.Parameter(torch.tensor([1.0, -1.0, 2.0, -2.0]).reshape(2, 1, 1, 2))
    optimizer = FlipOptimizer([weight], threshold=100.0, scale_rate=0.1)
    weight.grad = torch.tensor([1.0, -1.0, 1.0, 1.0]).reshape(2, 1, 1, 2)
    optimizer.step()
    torch.testing.assert_close(weight.data.flatten(), torch.tensor([0.8, -0.8, 2.0, -2.0]))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"free_steps": 0}, "free_steps must be a whole number >= 1"),
        ({"nudging": 0.0}, "nudging 0 leaves both phases alike"),
        ({"inertia": 1.0}, "inertia is the share"),
        ({"sign": "negative"}, "sign of nudging"),
        ({"classes": 4}, "multiple of 4 outputs"),
        ({"neurons": [nn.Tanh()]}, "one module for each of 3 links"),
        ({"neurons": [nn.Tanh()] * 3, "binary": True}, "binary neurons are no devices"),
    ],
)
def test_what_cannot_settle_or_learn_is_named(options, text):
    with pytest.raises(InputError, match=text):
        dense(**({"free_steps": 5} | options)) if "classes" not in options else EquilibriumNetwork(
            nn.Linear(6, 3), **options
        )


def test_links_and_labels_that_do_not_fit_are_named():
    with pytest.raises(InputError, match="a link is a linear layer or a convolution"):
        EquilibriumNetwork(nn.Sequential(nn.Linear(6, 3), nn.ReLU()), classes=3)
    network = dense()
    with pytest.raises(InputError, match="labels must lie in 0 to 2, got 0 to 3"):
        network.contrast(inputs(6), torch.arange(8) % 4)
    with pytest.raises(InputError, match="one class for each of 8 inputs"):
        network.contrast(inputs(6), LABELS[:5])
    with pytest.raises(InputError, match="only weights flip"):
        FlipOptimizer(nn.Linear(2, 2).parameters())
