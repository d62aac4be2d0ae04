"""Winner-take-all networks: the compiled loop against a plain one, the rules, labels and scores, and mistakes."""

import math
import warnings
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_winner_loop import plain_loop
from toy_images import quarters

from spinloom.devices import HfO2Memory, HZOMemory, VoltageSwitchingMemory
from spinloom.errors import InputError, SpinloomWarning
from spinloom.learning import (
    STDP,
    VDSP,
    InputNeurons,
    OutputNeurons,
    Switching,
    WinnerTakeAll,
    assign_classes,
    class_shares,
    classify,
    learn_together,
)

STRONG = OutputNeurons(charge=1e-2, reading_charge=0.5)  # for 64 pixels in place of 784


def sparse(count=40, seed=3):
    """8x8 images of which many pixels are black, some for many images."""
    images = quarters(count, seed).images.flatten(1)
    return torch.where(images < 120, 0, images)


@pytest.mark.parametrize("rule", [VDSP(0.02), STDP(), STDP(rate=0.5, recent=0.9)])
@pytest.mark.parametrize("bias", [0.5, 0.0, -0.5])
def test_the_compiled_loop_has_the_spikes_and_weights_of_a_plain_one(rule, bias):
    network = WinnerTakeAll(64, 9, rule, InputNeurons(bias=bias), STRONG, seed=5)
    images = sparse()
    weights, counts = plain_loop(network, images.numpy())
    found = network._run(images, torch.full((40,), rule.rate), rule.kind, STRONG.charge)
    assert counts.sum() > 100
    assert np.array_equal(counts, found.numpy())
    assert np.abs(weights - network.weights.numpy()).max() < 2e-5


@pytest.mark.parametrize("memory", [VoltageSwitchingMemory(), HZOMemory(), HfO2Memory()])
def test_the_compiled_loop_switches_devices_as_their_law_says(memory):
    rule = Switching(memory, spread=0.05)
    network = WinnerTakeAll(64, 7, rule, InputNeurons(bias=0.98), STRONG, seed=5)
    law = network._cells  # (outputs, pixels, 6)

    def cell(winner):
        up, down, steep, steeper, near, far = torch.from_numpy(law[winner].T.astype(np.float64))
        return replace(
            memory, exponent=up, exponent_ratio=down / up, sharpness=steep, sharpness_ratio=steeper / steep,
            threshold=near, threshold_ratio=far / near,
        )  # fmt: skip

    images = sparse(25)
    weights, counts = plain_loop(network, images.numpy(), cell)
    before = network.weights.clone()
    found = network._run(images, torch.full((25,), 1.0), rule.kind, STRONG.charge)
    assert counts.sum() > 50
    assert np.array_equal(counts, found.numpy())
    assert np.abs(weights - network.weights.numpy()).max() < 1e-4
    assert float((network.weights - before).abs().max()) > 0.05
    assert law.std(axis=(0, 1)).min() > 0


@settings(max_examples=20)
@given(w=st.floats(0, 1), v=st.floats(-1, 1), rate=st.floats(1e-4, 0.58))
def test_the_rule_keeps_weights_between_0_and_1_and_moves_them_by_the_sign_of_the_potential(w, v, rate):
    weight, voltage = torch.tensor(w, dtype=torch.float64), torch.tensor(v, dtype=torch.float64)
    change = float(VDSP(rate).change(weight, voltage))
    assert -1e-12 <= w + change <= 1 + 1e-12
    assert change * v <= 0
    expected = rate * (1 - w) * math.expm1(-v) if v < 0 else -rate * w * math.expm1(v)
    assert change == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_weights_go_where_raising_and_lowering_balance():
    """Of inputs that have just fired in a share q of the spikes and else rest at 0.5: w = q p / (q p + (1 - q) d)."""
    rule, source = VDSP(0.002), torch.Generator().manual_seed(1)
    share = torch.tensor([0.0, 0.2, 0.5, 0.9, 1.0])
    weight, mean = torch.full((5,), 0.5), torch.zeros(5)
    for number in range(20_000):
        voltage = torch.where(torch.rand(5, generator=source) < share, -0.8, 0.5)
        weight = weight + rule.change(weight, voltage)
        mean += weight / 15_000 * (number >= 5_000)
    raised, lowered = share * math.expm1(0.8), (1 - share) * math.expm1(0.5)
    torch.testing.assert_close(mean, raised / (raised + lowered), rtol=0, atol=0.02)


def test_a_network_learns_quarters_without_labels():
    train, test = quarters(600), quarters(300, seed=1)
    network = WinnerTakeAll(64, 12, VDSP(0.02), neurons=STRONG, seed=1)
    network.learn(train.images, last=0.1)
    assigned = assign_classes(network.respond(train.images), train.labels, 4)
    counts = network.respond(test.images)
    for way in (False, True):
        found = classify(counts, assigned, 4, most_active=way)
        assert float((found == test.labels).float().mean()) > 0.9


def test_networks_learn_together_as_each_alone(two_threads):
    images = sparse(30)
    alone = [WinnerTakeAll(64, 6, neurons=STRONG, seed=seed) for seed in range(3)]
    together = [WinnerTakeAll(64, 6, neurons=STRONG, seed=seed) for seed in range(3)]
    for network in alone:
        network.learn(images, 2, 0.5)
    learn_together(together, images, 2, 0.5)
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one.weights, other.weights)
        assert one.tally == other.tally
    assert not torch.equal(alone[0].weights, alone[1].weights)


def test_a_look_at_images_leaves_the_network_as_it_is():
    network = WinnerTakeAll(64, 6, neurons=STRONG)
    network.learn(sparse(20))
    before, tally = network.weights.clone(), replace(network.tally)
    first, second = network.respond(sparse(10)), network.respond(sparse(10))
    assert torch.equal(first, second)
    assert torch.equal(before, network.weights)
    assert network.tally == tally


def test_grey_levels_and_numbers_are_the_same_images():
    images = sparse(10)
    networks = [WinnerTakeAll(64, 6, neurons=STRONG) for _ in range(2)]
    networks[0].learn(images)
    networks[1].learn(images.reshape(10, 1, 8, 8) / 255)
    assert torch.equal(networks[0].weights, networks[1].weights)


def test_weight_changes_are_counted():
    vdsp, stdp = (WinnerTakeAll(64, 6, rule, neurons=STRONG) for rule in (VDSP(), STDP()))
    for network in (vdsp, stdp):
        network.learn(sparse(20))
        assert network.tally.changed_by_outputs == 64 * network.tally.outputs > 0
    assert vdsp.tally.changed_by_inputs == 0 < stdp.tally.changed_by_inputs <= 6 * stdp.tally.inputs
    assert {part.name for part in fields(vdsp.tally)} == {
        "outputs",
        "inputs",
        "changed_by_outputs",
        "changed_by_inputs",
    }


def test_a_finer_step_gives_the_same_rate_of_input_spikes():
    """A white pixel: 5 ms of refractoriness and 30 ms ln(5.5 / 3.5) from reset to threshold."""
    images = torch.full((20, 9), 255, dtype=torch.uint8)
    expected = 20 * 0.35 * 9 / (5e-3 + 30e-3 * math.log(5.5 / 3.5))
    for step in (5e-3, 1e-3, 0.5e-3):
        network = WinnerTakeAll(9, 2, neurons=OutputNeurons(charge=1e-2), step=step)
        network.learn(images)
        assert network.tally.inputs == pytest.approx(expected, rel=0.01)


def test_labels_and_scores():
    counts = torch.tensor([[9, 0, 0, 1], [8, 2, 0, 0], [0, 3, 3, 0], [0, 5, 1, 0], [0, 1, 2, 0]], dtype=torch.int16)
    labels = torch.tensor([0, 0, 1, 1, 2])
    with pytest.warns(SpinloomWarning, match="class 2"):
        assigned = assign_classes(counts, labels, 3)
    assert assigned.tolist() == [0, 1, 1, 0]  # per image of the class: output 2 has 2 for class 1 and for class 2
    more = torch.tensor([[3, 2, 2, 0], [0, 0, 0, 0]], dtype=torch.int16)
    assert classify(more, assigned, 3).tolist() == [1, -1]
    assert classify(more, assigned, 3, most_active=True).tolist() == [0, -1]
    shares = class_shares(counts, labels, 3)
    torch.testing.assert_close(shares[:, 1], torch.tensor([1.0, 4.0, 1.0]) / 6)
    assert shares[:, 3].tolist() == [1, 0, 0]
    assert classify(torch.tensor([[0, 3, 0, 1], [0, 0, 0, 0]]), shares, 3).tolist() == [1, -1]


def test_classes_without_an_output_are_named():
    counts = torch.tensor([[5, 0], [4, 0]], dtype=torch.int16)
    with pytest.warns(SpinloomWarning, match="class 0, 2"):
        assert assign_classes(counts, torch.tensor([1, 1]), 3).tolist() == [1, -1]
    for labels in (torch.tensor([1, -1]), torch.tensor([1, 3])):
        with pytest.raises(InputError, match="without a label"):
            assign_classes(counts, labels, 3)
    with pytest.raises(InputError, match="label for each image"):
        assign_classes(counts, torch.tensor([1]), 3)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.full((2, 64), 1.5), "from 0 to 1"),
        (torch.full((2, 64), -0.1), "from 0 to 1"),
        (torch.full((2, 64), math.nan), "from 0 to 1"),
        (torch.zeros(2, 63), "64 pixels"),
        (torch.zeros(0, 64), "64 pixels"),
    ],
)
def test_images_that_cannot_be_shown_are_refused(images, words):
    with pytest.raises(InputError, match=words):
        WinnerTakeAll(64, 3).learn(images)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: WinnerTakeAll(64, 3, step=6e-3), "at most 0.005 s, the refractory"),
        (lambda: WinnerTakeAll(64, 3, neurons=OutputNeurons(inhibition=1e-3)), "at most 0.001 s, the inhibition"),
        (lambda: WinnerTakeAll(64, 3, inputs=InputNeurons(gain=20.0)), "white pixel fires again"),
        (lambda: InputNeurons(gain=0.4), "no pixel can fire"),
        (lambda: InputNeurons(bias=1.0), "black would fire"),
        (lambda: VDSP(0.6), "weights stay"),
        (lambda: VDSP(0.0), "> 0"),
        (lambda: OutputNeurons(charge=-1.0), "> 0"),
        (lambda: WinnerTakeAll(64, 0), "outputs"),
        (lambda: WinnerTakeAll(64, 3).learn(torch.zeros(1, 64), last=2.0), "0 to 1, got 2"),
        (lambda: Switching(raising=0.0), "raising must be"),
        (lambda: Switching(rate=-1.0), "rate must be"),
        (lambda: STDP(recent=math.nan), "recent must be"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_silence_is_said():
    network = WinnerTakeAll(64, 3, neurons=OutputNeurons(charge=1e-6))
    with pytest.warns(SpinloomWarning, match="no output has spiked"):
        network.learn(sparse(3))
    with pytest.warns(SpinloomWarning, match="no output spikes"):
        network.respond(torch.zeros(3, 64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        WinnerTakeAll(64, 3, neurons=STRONG).learn(sparse(10))
