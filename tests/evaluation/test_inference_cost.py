import copy

import pytest
import torch
from torch import nn

from spinloom.devices import OperatingCost
from spinloom.errors import InputError
from spinloom.evaluation import inference_cost, on_devices
from spinloom.evaluation.cost import count_macs
from spinloom.learning import scale_drive
from spinloom.nn import DeviceActivation, device_layers, to_hardware
from tanh_devices import tanh_devices


def cost(signed: bool = True) -> OperatingCost:
    """Write energy drive^2 / 1000 (J), up to a drive of 3."""
    drive = torch.linspace(-3 if signed else 0, 3, 6001, dtype=torch.float64)
    return OperatingCost(drive, drive**2 / 1000, 2e-3, 5e-4, 1e-9, ("made up",))


def by_hand(network, inputs) -> float:
    """Write energy of one inference: the same sum over neurons, written down plainly."""
    with torch.no_grad():
        drive = (2.0 * network[0](inputs)).double().clamp(-3, 3)
    return float((drive**2 / 1000).sum(1).mean())


@pytest.mark.parametrize("signed", [True, False])
def test_energies_are_those_of_the_drives_in_the_network(network, examples, signed):
    hardware = on_devices(network, tanh_devices(), examples)
    found = inference_cost(hardware, examples.inputs, 2.0, cost(signed))
    assert found.write == pytest.approx(by_hand(network, examples.inputs), rel=1e-5)
    assert found.reset == pytest.approx(12 * 2e-3)
    assert found.read == pytest.approx(12 * 5e-4)
    assert found.neurons == pytest.approx(found.write + found.reset + found.read)


def test_a_calibrated_layer_pays_for_its_own_drive(network, examples):
    hardware = on_devices(network, tanh_devices(), examples)
    for layer in device_layers(hardware).values():
        scale_drive(layer, 0.5)
    found = inference_cost(hardware, examples.inputs, 4.0, cost())
    assert found.write == pytest.approx(by_hand(network, examples.inputs), rel=1e-5)


def test_sizes_are_counted(network, examples):
    found = inference_cost(on_devices(network, tanh_devices(), examples), examples.inputs, 2.0, cost(), 1e-12)
    assert found.devices == 12
    assert found.macs == 16 * 12 + 12 * 3
    assert found.weights == pytest.approx(found.macs * 1e-12)
    assert found.weight_bytes == 4 * (16 * 12 + 12 + 12 * 3 + 3)
    assert found.backward_bytes == 4 * 12
    assert found.latency == 1e-9


def test_layers_work_one_after_the_other(examples):
    network = nn.Sequential(nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))
    found = inference_cost(on_devices(network, tanh_devices(), examples), examples.inputs, 2.0, cost())
    assert [layer.neurons for layer in found.layers] == [4, 6]
    assert found.latency == pytest.approx(2e-9)


def test_assumptions_of_device_and_network_are_listed(network, examples):
    found = inference_cost(on_devices(network, tanh_devices(), examples), examples.inputs[:40], 2.0, cost(), 5e-12)
    text = " ".join(found.assumptions)
    assert found.assumptions[0] == "made up"
    assert "40 test images" in text
    assert "5 pJ" in text
    assert "not in their energy" in text


def test_measuring_leaves_no_hook_behind(network, examples):
    hardware = on_devices(network, tanh_devices(), examples)
    inference_cost(hardware, examples.inputs, 2.0, cost())
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in hardware.modules())


def test_a_network_without_devices_is_refused(network, examples):
    with pytest.raises(InputError, match="to_hardware"):
        inference_cost(network, examples.inputs, 2.0, cost())


def test_negative_energy_per_operation_is_refused(network, examples):
    with pytest.raises(InputError, match="mac_energy"):
        inference_cost(on_devices(network, tanh_devices(), examples), examples.inputs, 2.0, cost(), -1.0)


def test_macs_of_a_convolution_are_outputs_times_kernel():
    model = nn.Sequential(nn.Conv2d(2, 5, 3, padding=1), nn.Flatten(), nn.Linear(5 * 36, 7))
    assert count_macs(model, torch.zeros(1, 2, 6, 6)) == 36 * 5 * 2 * 9 + 5 * 36 * 7


@pytest.mark.parametrize(
    ("act", "drive"),
    [
        (nn.Sigmoid(), lambda x: x / 2),
        (nn.Hardtanh(-1, 3), lambda x: (x - 1) / 2),
        (nn.Tanh(), lambda x: x),
    ],
)
def test_the_drive_is_what_the_affine_makes_of_the_networks_input(network, examples, act, drive):
    hardware = to_hardware(nn.Sequential(network[0], act, network[2]), tanh_devices(), example_input=examples.inputs)
    loaded = to_hardware(network, tanh_devices(), example_input=examples.inputs)
    for layer in device_layers(hardware).values():
        scale_drive(layer, 0.8)
    loaded.load_state_dict(hardware.state_dict())  # from tanh to what the state says
    with torch.no_grad():
        current = (2.0 * 0.8 * drive(network[0](examples.inputs))).double().clamp(-3, 3)
    for one in (hardware, loaded):
        found = inference_cost(one, examples.inputs, 2.0, cost())
        assert found.write == pytest.approx(float((current**2 / 1000).sum(1).mean()), rel=1e-5)


class Recurrent(nn.Module):
    """One layer of neurons that works twice in an inference."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.act, self.drop = nn.Linear(16, 16), nn.Tanh(), nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(16)

    def forward(self, x):
        for _ in range(2):
            x = self.drop(self.act(input=self.norm(self.linear(x))))
        return x


def test_a_layer_that_works_twice_is_paid_twice_and_the_network_stays(examples):
    class Once(Recurrent):
        def forward(self, x):
            return self.act(self.norm(self.linear(x)))

    torch.manual_seed(0)
    model = Recurrent().eval()
    first = Once()
    first.load_state_dict(model.state_dict())
    device = DeviceActivation(tanh_devices(noise=0.1))
    model.act, first.act = device, copy.deepcopy(device)
    model.train()
    model.linear.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items() if name != "act._extra_state"}
    found = inference_cost(model, examples.inputs, 2.0, cost())
    single = inference_cost(first.eval(), examples.inputs, 2.0, cost())
    assert [layer.neurons for layer in found.layers] == [16, 16]
    assert found.layers[0] == single.layers[0]
    assert found.latency == 2 * single.latency
    assert found.macs == 2 * single.macs
    assert found.devices == 16
    assert [module.training for module in model.children()] == [False, True, True, True]
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items() if "act" not in name)


class Frames(nn.Module):
    """Inputs (n, frames, 16), of which every frame goes through the same layer."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def test_frames_folded_into_the_batch_are_paid_one_by_one(network, examples):
    hardware = on_devices(network, tanh_devices(), examples)
    single = inference_cost(hardware, examples.inputs, 2.0, cost())
    found = inference_cost(Frames(hardware), examples.inputs.unflatten(0, (-1, 5)), 2.0, cost())
    assert found.neurons == pytest.approx(5 * single.neurons)
    assert found.latency == pytest.approx(5 * single.latency)
    assert (found.macs, found.backward_bytes) == (5 * single.macs, 5 * single.backward_bytes)
    assert found.devices == single.devices == 12


def test_a_layer_that_is_never_called_costs_nothing(network, examples):
    model = Frames(network)
    model.unused = nn.Tanh()
    found = inference_cost(to_hardware(model, tanh_devices()), examples.inputs[:, None], 2.0, cost())
    assert found.devices == 12
    assert [layer.name for layer in found.layers] == ["layer.1"]


def test_inputs_that_are_none_or_not_finite_are_refused(network, examples):
    hardware = on_devices(network, tanh_devices(), examples)
    for wrong in (examples.inputs[:0], examples.inputs * torch.nan):
        with pytest.raises(InputError, match="inputs"):
            inference_cost(hardware, wrong, 2.0, cost())


def test_counting_macs_changes_no_statistics():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    count_macs(model, torch.randn(1, 1, 5, 5))
    assert model.training
    assert int(model[1].num_batches_tracked) == 0
