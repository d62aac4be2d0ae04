"""Saving and loading converted networks."""

import copy
import io
import pickle

import pytest
import torch
from populations import population
from safetensors.torch import load_file, save_file
from torch import nn

from spinloom.errors import InputError
from spinloom.nn import Affine, DeviceActivation, device_layers, to_hardware

X = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))


def converted(devices: int = 7, seed: int = 0, **options) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 9), nn.Tanh())
    return to_hardware(model, population(devices=devices), seed=seed, **options)


@pytest.mark.parametrize("met", [False, True])
def test_a_state_dict_restores_instance_tables_and_noise_to_the_bit(met, tmp_path):
    old = converted(seed=1)
    old(X)
    save_file(old.state_dict(), tmp_path / "network.safetensors")
    new = converted(devices=5, seed=2, example_input=X if met else None)
    new.load_state_dict(load_file(tmp_path / "network.safetensors"))
    for _ in range(2):
        assert torch.equal(old(X), new(X))
    assert device_layers(new)["1"].population == 7


def test_a_network_that_has_met_no_input_can_be_saved_too():
    old, new = converted(seed=1), converted(seed=2)
    new.load_state_dict(old.state_dict())
    assert torch.equal(old(X), new(X))


def test_torch_save_reads_back_as_data_only():
    old, new = converted(seed=1, example_input=X), converted(seed=2)
    file = io.BytesIO()
    torch.save(old.state_dict(), file)
    file.seek(0)
    new.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(old(X), new(X))


def test_loading_one_layer_never_writes_into_the_table_of_another():
    model, other = converted(seed=1, example_input=X), converted(seed=2, example_input=X)
    layers = device_layers(model)
    before = layers["3"].curves.clone()
    state = {name: value + 1 if name == "curves" else value for name, value in other[1].state_dict().items()}
    layers["1"].load_state_dict(state)
    assert torch.equal(layers["3"].curves, before)
    assert torch.equal(layers["1"].curves, before + 1)


def test_a_deep_copy_goes_its_own_way():
    model = converted(seed=1, example_input=X)
    twin = copy.deepcopy(model)
    assert torch.equal(twin(X), model(X))
    device_layers(twin)["1"].resample(9)
    assert not torch.equal(twin(X), model(X))
    assert len({layer.curves.data_ptr() for layer in device_layers(twin).values()}) == 1


def test_moving_to_another_type_keeps_the_instance():
    model = converted(seed=1, example_input=X)
    before = model(X)
    for layer in device_layers(model).values():
        layer.rewind()
    after = model.double()(X.double())
    torch.testing.assert_close(after.float(), before, atol=1e-4, rtol=0)


def test_a_state_without_the_layers_tables_leaves_the_noise_of_its_slopes_alone():
    torch.manual_seed(0)
    software = nn.Sequential(nn.Linear(6, 9), nn.Tanh())
    model = to_hardware(software, population().with_read_noise(0.0, 0.05), example_input=X)
    before = device_layers(model)["1"].slope_noise.clone()
    assert before.any()
    model.load_state_dict(software.state_dict(), strict=False)  # the weights of the software network only
    layer = device_layers(model)["1"]
    assert torch.equal(layer.slope_noise, before)
    assert layer.noisy_slope


def test_a_state_from_before_slopes_had_noise_has_none():
    old, new = converted(seed=1, example_input=X), converted(seed=2, example_input=X)
    state = {name: tensor for name, tensor in old.state_dict().items() if not name.endswith("slope_noise")}
    new.load_state_dict(state)
    assert torch.equal(old(X), new(X))
    assert not device_layers(new)["1"].slope_noise.any()


@pytest.mark.parametrize("saved", ["unit", "channel", "shared"])
@pytest.mark.parametrize("loaded", ["unit", "channel", "shared"])
def test_a_state_of_another_sharing_is_refused(saved, loaded):
    x = torch.linspace(-1, 1, 30).reshape(2, 5, 3)
    old, new = (DeviceActivation(population(), sharing=sharing, seed=1) for sharing in (saved, loaded))
    wanted = old(x)
    state = old.rewind().state_dict()
    if saved == loaded:
        new.load_state_dict(state)
        assert torch.equal(new(x), wanted)
    else:
        with pytest.raises(InputError, match=f"not sharing='{loaded}'"):
            new.load_state_dict(state)


def test_the_affine_is_in_the_state_and_a_state_without_it_is_of_tanh():
    affine = Affine(0.3, 0.1, -2.0, 0.7)
    old, new = DeviceActivation(population(), affine=affine), DeviceActivation(population())
    new.load_state_dict(old.state_dict())
    assert new.affine == affine
    assert new.slope_scale == old.slope_scale == (-0.6, 0.0)
    tanh = DeviceActivation(population()).state_dict()
    assert "affine" not in tanh
    new.load_state_dict(tanh)
    assert new.affine == Affine()


def test_a_pickled_layer_reads_on():
    layer = DeviceActivation(population(), seed=3)
    layer(X)
    twin = pickle.loads(pickle.dumps(layer))
    assert torch.equal(twin(X), layer(X))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state | {"assignment": state["assignment"] + 3}, "not among its 7"),
        (lambda state: state | {"assignment": state["assignment"] - 7}, "not among its 7"),
        (lambda state: state | {"curves": state["curves"][:4]}, "not among its 3"),
        (lambda state: {"assignment": state["assignment"][:5]}, "5 devices for units of shape"),
        (lambda state: {"_extra_state": torch.tensor([0, 0, 1, 50])}, "6 devices for units of shape"),
    ],
)
def test_a_state_whose_reads_would_leave_the_tables_is_refused(change, message):
    layer = DeviceActivation(population(), seed=1)
    before = layer(X)
    with pytest.raises(InputError, match=message):
        layer.load_state_dict(change(layer.state_dict()), strict=False)
    assert torch.equal(layer.rewind()(X), before)


def test_a_network_that_met_its_first_input_in_inference_takes_a_state():
    network = converted(seed=2)
    with torch.inference_mode():
        network(X)
    state = copy.deepcopy(network.state_dict())
    after = network(X)
    network.load_state_dict(state)
    assert torch.equal(network(X), after)
