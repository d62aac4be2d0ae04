import copy

import pytest
import torch
from populations import population
from torch import nn
from torch.nn import functional

from spinloom.errors import InputError
from spinloom.nn import DeviceActivation, count_devices, device_layers, ideal, real, resample, to_hardware

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))


def network(hidden: int = 9) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, hidden), nn.Tanh(), nn.Linear(hidden, 4), nn.Sigmoid(), nn.Linear(4, 3), nn.Hardtanh(-2, 2)
    )


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.act = nn.Linear(6, 9), nn.Linear(9, 5), nn.Tanh()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        x = self.drop(torch.tanh(self.first(x)))
        x = self.act(self.second(self.act(x))) + functional.hardtanh(self.second(x), -2, max_val=2.0)
        return x.sigmoid()


class Branching(nn.Module):
    """torch.fx cannot follow a branch on values."""

    def __init__(self, call: bool) -> None:
        super().__init__()
        self.act, self.call = nn.Tanh(), call

    def forward(self, x):
        return torch.tanh(x) if x.sum() > 0 and self.call else self.act(x)


class FunctionalDropout(Functional):
    def forward(self, x):
        return torch.tanh(functional.dropout(self.first(x), training=self.training))


class Doubled(nn.Tanh):
    def forward(self, x):
        return 2 * torch.tanh(x)


def exact(noise: float = 0.0):
    return population(spread=0.0, points=6001, noise=noise)


def test_every_activation_becomes_devices_and_the_original_stays():
    model = network().eval()
    before, wanted = copy.deepcopy(model.state_dict()), model(X)
    twin = to_hardware(model, exact())
    assert [type(layer) for layer in model] == [nn.Linear, nn.Tanh, nn.Linear, nn.Sigmoid, nn.Linear, nn.Hardtanh]
    assert list(device_layers(twin)) == ["1", "3", "5"]
    assert not twin.training
    assert all(torch.equal(before[name], model.state_dict()[name]) for name in before)
    assert all(torch.equal(before[name], twin.state_dict()[name]) for name in before)
    inner = nn.Sequential(*list(model)[:4])
    torch.testing.assert_close(to_hardware(inner, exact())(X), inner(X), atol=1e-5, rtol=0)
    assert (twin(X) - wanted).abs().max() < 2 * 0.25


def test_functional_calls_and_a_module_used_twice_become_devices():
    model = Functional().eval()
    twin = to_hardware(model, exact(), example_input=X)
    assert count_devices(twin) == {"tanh": 9, "act": 9, "act_1": 5, "hardtanh": 5, "sigmoid": 5}
    assert not twin.training
    first = torch.tanh(model.first(X))
    second = torch.tanh(model.second(torch.tanh(first))) + 2 * torch.tanh(model.second(first) / 2)
    torch.testing.assert_close(twin(X), torch.sigmoid(second), atol=1e-5, rtol=0)


def test_dropout_modules_still_follow_the_mode():
    twin = to_hardware(Functional(), exact())
    assert twin.training
    assert not torch.equal(twin(X), twin(X))
    assert torch.equal(twin.eval()(X), twin(X))


def test_types_and_names_choose():
    chosen = {nn.Tanh: population(devices=3), "3": population(devices=4)}
    assert {name: layer.population for name, layer in device_layers(to_hardware(network(), chosen)).items()} == {
        "1": 3,
        "3": 4,
    }
    twin = to_hardware(Functional(), {"act": exact()})
    assert list(device_layers(twin)) == ["act", "act_1"]
    assert list(device_layers(to_hardware(Functional(), {nn.Hardtanh: exact()}))) == ["hardtanh"]


def test_a_subclass_with_its_own_forward_is_left_unless_named():
    model = nn.Sequential(Doubled(), nn.ReLU6(), nn.Tanh())
    assert list(device_layers(to_hardware(model, population()))) == ["2"]
    assert list(device_layers(to_hardware(model, {Doubled: population(), "1": population()}))) == ["0", "1"]


def test_an_activation_alone_and_one_module_in_two_places():
    assert isinstance(to_hardware(nn.Tanh(), population()), DeviceActivation)
    act = nn.Tanh()
    twin = to_hardware(nn.Sequential(act, nn.Linear(6, 3), act), population(), example_input=X)
    assert sorted(count_devices(twin).values()) == [3, 6]


@pytest.mark.parametrize(
    ("model", "mapping", "message"),
    [
        (nn.Sequential(nn.Linear(6, 2), nn.ReLU(), nn.GELU()), None, "GELU, ReLU.*Tanh, Sigmoid and Hardtanh"),
        (nn.Linear(6, 2), None, "no activation"),
        (network(), {"tanh": population()}, "unknown replaceable layer 'tanh'.*1, 3, 5"),
        (network(), {nn.ReLU: population()}, "cannot map ReLU"),
        (network(), {nn.Tanh: torch.tanh}, "Response"),
        (network(), {}, "nothing to replace"),
        (network(), [population()], "mapping.*got list"),
        (network(), {"3": None}, "gives '3' a NoneType"),
        (to_hardware(nn.Sequential(nn.Tanh()), exact()), None, "device layers already"),
        (to_hardware(nn.Sequential(nn.Tanh()), exact()), {"0": exact()}, "device layers already"),
        (torch.tanh, None, "torch.nn.Module"),
        (Branching(call=True), None, "torch.fx cannot follow"),
        (FunctionalDropout(), None, "dropout"),
    ],
)
def test_what_cannot_be_moved_is_said_in_one_line(model, mapping, message):
    with pytest.raises(InputError, match=message) as caught:
        to_hardware(model, population() if mapping is None else mapping)
    assert "\n" not in str(caught.value)


def test_what_makes_weights_is_no_neuron():
    model = nn.Sequential(nn.Linear(6, 6), nn.Tanh())
    nn.utils.parametrize.register_parametrization(model[0], "weight", nn.Tanh())
    twin = to_hardware(model, population(), example_input=X)
    assert list(device_layers(twin)) == ["1"]
    assert torch.equal(twin[0].weight, model[0].weight)


def test_a_network_that_cannot_be_traced_still_has_its_modules_replaced():
    class Untraceable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.Tanh()

        def forward(self, x):
            return self.act(x) if x.sum() > 0 else -self.act(-x)

    assert list(device_layers(to_hardware(Untraceable(), population()))) == ["act"]


def test_instances_repeat_by_seed():
    a, b = (to_hardware(network(), population(), seed=1, example_input=X) for _ in range(2))
    assert torch.equal(a(X), b(X))
    assert not torch.equal(resample(a, 2)(X), b(X))
    assert torch.equal(resample(a, 7)(X), resample(b, 7)(X))
    layers = device_layers(a)
    assert not torch.equal(layers["1"].assignment[:4], layers["3"].assignment)
    nominal = to_hardware(network(), population(noise=0.0).nominal())
    torch.testing.assert_close(ideal(a)(X), nominal(X))
    assert torch.equal(ideal(a)(X), a(X))
    assert not torch.equal(real(a)(X), a(X))


def test_sizes_are_asked_for_before_they_are_known():
    with pytest.raises(InputError, match="example_input"):
        count_devices(to_hardware(network(), population()))
    with pytest.raises(InputError, match="to_hardware"):
        resample(nn.Linear(2, 2), 0)


def test_example_input_leaves_no_trace():
    twin = to_hardware(nn.Sequential(nn.BatchNorm1d(6), nn.Tanh()), population(noise=0.1), example_input=X, seed=3)
    assert twin.training
    assert twin[0].num_batches_tracked == 0
    later = to_hardware(nn.Sequential(nn.BatchNorm1d(6), nn.Tanh()), population(noise=0.1), seed=3)
    assert torch.equal(twin(X), later(X))


def test_double_precision_is_kept():
    model = network().double()
    assert to_hardware(model, population())(X.double()).dtype == torch.float64


def test_layers_share_their_tables():
    model = nn.Sequential(*(layer for _ in range(150) for layer in (nn.Linear(8, 8), nn.Tanh())))
    layers = list(device_layers(to_hardware(model, population())).values())
    assert len(layers) == 150
    assert len({layer.curves.data_ptr() for layer in layers}) == 1


class Aliased(nn.Module):
    """One activation under two names, each of them called."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.act = nn.Linear(6, 6), nn.Tanh()
        self.inner = nn.Sequential(nn.Linear(6, 5), self.act)

    def forward(self, x):
        return self.inner(self.act(input=self.first(x)))


def test_one_module_under_two_names_becomes_devices_for_each_by_its_name():
    model, one, other = Aliased(), population(devices=3), population(devices=4)
    assert count_devices(to_hardware(model, one, example_input=X)) == {"act": 6, "inner.1": 5}
    populations = {
        ("act",): {"act": 3, "inner.1": 3},  # a name stands for the module, wherever it hangs
        ("inner.1",): {"inner.1": 3},
        ("act", "inner.1"): {"act": 3, "inner.1": 4},
    }
    for names, wanted in populations.items():
        twin = to_hardware(model, dict(zip(names, (one, other), strict=False)))
        assert {name: layer.population for name, layer in device_layers(twin).items()} == wanted
    exact_twin = to_hardware(model, exact())
    torch.testing.assert_close(exact_twin(X), model(X), atol=1e-5, rtol=0)
    assert model.act is model.inner[1]
    assert isinstance(exact_twin, Aliased)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.act = nn.Linear(6, 6), nn.Tanh()

    def forward(self, x):
        return self.act(self.linear(x))


def test_a_block_in_two_places_has_devices_for_each_place():
    block = Block()
    model = nn.Sequential(block, block)
    twin = to_hardware(model, exact(), example_input=X)
    assert len(count_devices(twin)) == 2
    torch.testing.assert_close(twin(X), model(X), atol=1e-5, rtol=0)
