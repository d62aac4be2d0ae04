import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from spinloom.data import ImageSet
from spinloom.devices import TwoPolarizerMTJ
from spinloom.errors import InputError
from spinloom.evaluation import Examples, evaluate_instances, inference_cost
from spinloom.nn import to_hardware
from spinloom.nn.radio import Imperfections, fabricate, multilayer
from spinloom.report import evaluate
from tanh_devices import tanh_devices


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 3))


@pytest.fixture(scope="module")
def pair(network):
    inputs = torch.randn(60, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return inputs, network(inputs).argmax(1)


def test_accuracies_are_those_of_the_instances_and_the_loss_is_against_software(network, pair):
    curves = tanh_devices(0.5, 0.1, devices=20)
    found = evaluate(network, curves, pair, instances=5, seed=3)
    hardware = to_hardware(network, {nn.Tanh: curves}, example_input=pair[0][:1], seed=3)
    assert found.accuracies == evaluate_instances(hardware, Examples(*pair), 5, 3).accuracies
    assert found.software == 1.0
    assert found.loss == pytest.approx(1 - sum(found.accuracies) / 5)
    assert found.standard_error == found.fabricated.standard_error
    assert [type(module) for module in network] == [nn.Linear, nn.Tanh, nn.Linear]
    assert found.cost is None
    assert "no cost" in " ".join(found.assumptions)


def test_every_kind_of_data_gives_the_same(network, pair):
    kinds = (
        pair, [part.numpy() for part in pair], Examples(*pair), TensorDataset(*pair),
        DataLoader(TensorDataset(*pair), batch_size=7),
    )  # fmt: skip
    every = [evaluate(network, tanh_devices(0.5, devices=5), data, instances=2).accuracies for data in kinds]
    assert every == [every[0]] * len(kinds)
    images = ImageSet("x", "test", torch.randint(0, 255, (6, 1, 4, 4), dtype=torch.uint8), torch.arange(6) % 3,
                      ("a", "b", "c"), "here", (0.5,), (0.1,))  # fmt: skip
    found = evaluate(nn.Sequential(nn.Flatten(), network), tanh_devices(), images, instances=1, images=4)
    assert found.data == "4 x test images"
    assert found.standard_error is None


def test_a_device_with_a_cost_is_paid_for_and_the_page_stands_alone(network, pair, tmp_path):
    found = evaluate(network, TwoPolarizerMTJ(), pair, instances=2)
    assert found.cost.devices == 12
    assert found.memory.software > found.memory.hardware
    assert f"{100 * found.loss:.2f} ±" in str(found) == repr(found)
    text = found.save(tmp_path / "report.html").read_text()
    assert text.count("data:image/png;base64,") == 3
    assert "<script" not in text
    assert "http" not in text
    assert "<img" in found._repr_html_()
    with pytest.raises(InputError, match="such as report"):
        found.save(tmp_path / "report.pdf")


def test_a_mapping_says_what_becomes_a_device(pair):
    model = nn.Sequential(nn.Linear(16, 4), nn.Sigmoid(), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 3))
    both = evaluate(model, {nn.Sigmoid: tanh_devices(), "3": tanh_devices(0.2, devices=4)}, pair, instances=1)
    assert both.device == "several devices"


@pytest.mark.parametrize("imperfect", [True, False])
def test_a_network_on_devices_already_is_measured_with_those(network, pair, imperfect):
    hardware = to_hardware(network, tanh_devices(0.5, devices=9), example_input=pair[0])
    radio = multilayer((16, 4, 3))
    if imperfect:
        fabricate(radio, Imperfections.spread(0.3))
    for model in (hardware, radio):
        found = evaluate(model, None, (pair[0].abs(), pair[1]), instances=3)
        assert len(found.accuracies) == 3
    assert (len(set(found.accuracies)) > 1) is imperfect
    assert found.cost.neurons == pytest.approx((16 * 4 + 4 * 3) * 10e-15 + 4 * 100e-15)


def test_a_network_of_both_kinds_of_layers_has_one_cost(network, pair):
    device = TwoPolarizerMTJ()
    response = device.simulate()
    front = to_hardware(nn.Sequential(nn.Linear(16, 12), nn.Sigmoid()), response, example_input=pair[0])
    radio = multilayer((12, 3))
    mixed = inference_cost(nn.Sequential(front, radio), pair[0], response.unit_drive, device.cost())
    alone = inference_cost(front, pair[0], response.unit_drive, device.cost())
    assert mixed.neurons == pytest.approx(alone.neurons + 12 * 3 * 10e-15)
    assert mixed.devices == 12 + 36
    assert mixed.latency > alone.latency
    assert any("10 fJ" in sentence for sentence in mixed.assumptions)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": (torch.randn(4, 1, 4, 4), torch.zeros(4, dtype=int))}, r"shape \(n, 1, 4, 4\); begin"),
        ({"data": (torch.randn(4, 16), torch.tensor([0, 1, 2, 3]))}, "labels must be 0 to 2 .* got 0 to 3"),
        ({"data": (torch.randn(4, 16), torch.zeros(4))}, "labels must be whole numbers"),
        ({"data": (torch.full((4, 16), np.nan), torch.zeros(4, dtype=int))}, "inputs must be finite"),
        ({"data": (torch.randn(4, 16), torch.zeros(3, dtype=int))}, "4 images and 3 labels"),
        ({"data": "mnits"}, "did you mean"),
        ({"data": 3}, "data must be the name of a data set"),
        ({"instances": 0}, "instances must be a whole number >= 1"),
        ({"model": nn.Sequential(nn.Linear(16, 3), nn.ReLU())}, "its activations are ReLU"),
        ({"model": nn.Sequential(nn.Linear(16, 3), nn.Unflatten(1, (3, 1)))}, "one score per class"),
        ({"model": print}, "model must be a torch.nn.Module"),
        ({"device": None}, "give a device"),
        ({"device": "mtj-nueron"}, "mtj-neuron"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_named(network, pair, change, message):
    given = {"model": network, "device": tanh_devices(), "data": pair, "instances": 1, **change}
    with pytest.raises(InputError, match=message):
        evaluate(**given)
