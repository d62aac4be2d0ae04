"""Saved state counted by autograd's own hooks against counts by hand."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from spinloom.errors import InputError
from spinloom.evaluation import BackwardMemory, backward_memory
from spinloom.evaluation.memory import LayerMemory
from spinloom.learning import densenet, fashion_cnn, resnet20
from spinloom.nn import to_hardware
from spinloom.report import memory_table
from tanh_devices import tanh_devices

F = 4  # bytes of a float32
I = 8  # bytes of an int64 index


def images(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def columns(memory: BackwardMemory) -> dict[str, tuple[float, float]]:
    return {layer.name: (layer.software, layer.hardware) for layer in memory.layers}


def both_ways(model: nn.Module, x: torch.Tensor, **options) -> dict[str, tuple[float, float]]:
    """The counts of the software network, which those of the network on devices must repeat."""
    software = backward_memory(model, x)
    devices = backward_memory(to_hardware(model, tanh_devices(0.1, 0.02, 5), **options), x)
    assert columns(devices) == columns(software)
    return columns(software)


def test_a_small_perceptron_by_hand():
    model = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    assert both_ways(model, images(6, 7)) == {
        "0": (7 * F, 7 * F),  # the images
        "1": (5 * F, 0),
        "3": (4 * F, 0),
    }


@pytest.mark.parametrize("sharing", ["unit", "channel"])
def test_the_fashion_network_by_hand(sharing):
    found = both_ways(fashion_cnn((1, 28, 28)), images(2, 1, 28, 28), sharing=sharing)
    pools = {"1": (64, 28, 14), "4": (64, 14, 7), "7": (128, 7, 3)}
    hand = {"0": (784 * F, 784 * F)}
    for name, (channels, side, half) in pools.items():
        kept = channels * (side**2 * F + half**2 * I)  # the output of the convolution, and which pixel was largest
        hand |= {name: (kept, kept), str(int(name) + 1): (channels * half**2 * F, 0)}
    assert found == hand | {"12": (128 * F, 0)}
    assert sum(software for software, _ in found.values()) == 481_600
    assert sum(hardware for _, hardware in found.values()) == 481_600 - F * (64 * 196 + 64 * 49 + 128 * 9 + 128)


def test_a_batch_norm_shares_its_statistics_among_the_images():
    model = nn.Sequential(nn.Conv2d(3, 5, 1), nn.BatchNorm2d(5), nn.Tanh(), nn.AvgPool2d(2))
    assert both_ways(model, images(4, 3, 6, 6)) == {
        "0": (3 * 36 * F, 3 * 36 * F),
        "1": (5 * 36 * F + 2 * 5 * F / 4, 5 * 36 * F + 2 * 5 * F / 4),  # its input, and mean and deviation of the batch
        "2": (5 * 36 * F, 0),
    }


def test_each_storage_counts_once_also_where_a_layer_works_in_place():
    for inplace in (False, True):
        model = nn.Sequential(nn.Linear(7, 5), nn.ReLU(inplace), nn.Unflatten(1, (5, 1)), nn.Flatten(), nn.Linear(5, 2))
        found = columns(backward_memory(model, images(3, 7)))
        assert found == {"0": (28, 28), "1": (20, 20)}
    square = nn.Sequential(nn.Linear(7, 5), nn.Softplus(), nn.Sigmoid(), nn.Linear(5, 2))
    assert columns(backward_memory(square, images(3, 7))) == {"0": (28, 28), "1": (20, 20), "2": (20, 0)}


def test_what_only_a_neuron_saves_is_held_by_the_junction_too():
    clipped = nn.Sequential(nn.Linear(7, 5), nn.Hardtanh(), nn.Linear(5, 2))  # saves its input, unlike Tanh
    assert columns(backward_memory(clipped, images(3, 7))) == {"0": (28, 28), "1": (20, 0), "2": (20, 0)}


def test_indices_and_masks_count():
    model = nn.Sequential(nn.Conv1d(1, 2, 1, bias=False), nn.MaxPool1d(2), nn.Dropout(0.5), nn.Flatten())
    found = columns(backward_memory(model, images(3, 1, 8)))
    assert found["0"] == (8 * F, 8 * F)
    assert found["1"] == (2 * 8 * F + 2 * 4 * I,) * 2
    assert found["2"][0] in (2 * 4 * F, 2 * 4)  # a mask of floats or of booleans, as PyTorch likes it


class Residual(nn.Module):
    """Saves something itself, and calls one neuron layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.act = nn.Linear(4, 4), nn.Tanh()

    def forward(self, x):
        a = self.act(self.linear(x))
        return self.act(a * self.linear(a))


def test_what_belongs_to_no_layer_counts_for_the_one_around_it():
    found = columns(backward_memory(Residual(), images(3, 4)))
    assert found == {"(network)": (16, 16), "linear": (16, 16), "act": (32, 0)}  # a is a neuron's output, linear(a) not


def test_frozen_layers_save_less_and_a_frozen_network_nothing():
    model = nn.Sequential(nn.Linear(7, 5), nn.Tanh(), nn.Linear(5, 3))
    model[0].requires_grad_(False)
    assert both_ways(model, images(2, 7)) == {"2": (20, 0)}  # the neurons need no slope, the weights behind them do
    model.requires_grad_(False)
    assert both_ways(model, images(2, 7)) == {}
    assert memory_table(backward_memory(model, images(2, 7))).rows[-1] == ("total", "", "0 B", "0 B")


@pytest.mark.parametrize("make", [lambda: resnet20(width=4, blocks=1), lambda: densenet(growth=3, layers=(2, 2))])
def test_deep_networks_count_alike_in_both_forms(make):
    found = both_ways(make(), images(2, 3, 32, 32))
    assert all(hardware in (0, software) for software, hardware in found.values())
    neurons = [name for name, module in make().named_modules() if isinstance(module, nn.Tanh)]
    assert {name for name, (_, hardware) in found.items() if hardware == 0} == set(neurons)


def test_doubles_take_twice_and_the_batch_does_not_matter():
    model = fashion_cnn((1, 12, 12), channels=(3, 4), hidden=5)
    single = backward_memory(model, images(1, 1, 12, 12))
    assert backward_memory(model, images(50, 1, 12, 12)[3:8]) == single
    wide = backward_memory(model.double(), images(2, 1, 12, 12).double())
    indices = (3 * 36 + 4 * 9) * I
    assert wide.software - indices == 2 * (single.software - indices)


def test_the_network_and_the_random_state_stay():
    model = nn.Sequential(nn.Linear(7, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Tanh()).eval()
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    backward_memory(model, images(4, 7))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert not model.training
    assert not any(module._forward_hooks for module in model.modules())


def test_the_table_has_a_row_per_layer_and_the_total():
    table = memory_table(BackwardMemory((LayerMemory("0", "Conv2d", 3136, 3136), LayerMemory("2", "Tanh", 50176, 0))))
    assert table.columns == ("layer", "type", "software", "hardware")
    assert table.rows == (
        ("0", "Conv2d", "3.14 kB", "3.14 kB"),
        ("2", "Tanh", "50.2 kB", "0 B"),
        ("total", "", "53.3 kB", "3.14 kB"),
    )
    assert "6%" in table.note


@pytest.mark.parametrize("shape", [(), (0, 7)])
def test_an_example_without_images_is_refused(shape):
    with pytest.raises(InputError, match="n >= 1 images"):
        backward_memory(nn.Sequential(nn.Linear(7, 5)), torch.zeros(shape))


class Functions(nn.Module):
    def __init__(self, *functions) -> None:
        super().__init__()
        self.first, self.second, self.functions = nn.Linear(7, 5), nn.Linear(5, 2), functions

    def forward(self, x):
        x = self.first(x)
        for function in self.functions:
            x = function(x)
        return self.second(x)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (torch.tanh, "tanh"),
        (functional.tanh, "tanh"),
        (lambda x: x.tanh(), "tanh"),
        (torch.tanh_, "tanh_"),
        (lambda x: x.tanh_(), "tanh_"),
    ],
)
def test_an_activation_called_as_a_function_is_a_neuron_too(function, name):
    assert both_ways(Functions(function), images(3, 7)) == {"first": (28, 28), name: (20, 0)}


def test_functions_inside_layers_and_in_a_row_are_told_apart():
    nested = nn.Sequential(Functions(torch.sigmoid, functional.softplus), nn.Tanh())
    found = columns(backward_memory(nested, images(3, 7)))
    assert found == {"0.first": (28, 28), "0.sigmoid": (20, 0), "0.second": (20, 20), "1": (8, 0)}
    kinds = {layer.name: layer.kind for layer in backward_memory(nested, images(3, 7)).layers}
    assert kinds == {"0.first": "Linear", "0.sigmoid": "sigmoid", "0.second": "Linear", "1": "Tanh"}


def test_an_output_of_neurons_that_is_changed_in_place_is_no_longer_theirs():
    for inplace in (False, True):
        model = nn.Sequential(nn.Linear(7, 5), nn.Hardtanh(), nn.ReLU(inplace), nn.Linear(5, 2))
        found = columns(backward_memory(model, images(3, 7)))
        assert found == {"0": (28, 28), "1": (20, 0), "2": (20, 20)}
