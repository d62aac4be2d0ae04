"""Energy, latency and size of one inference on layers of devices, from what drives the devices in the network."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from spinloom.devices import DeviceSource, OperatingCost
from spinloom.errors import InputError, require_finite, require_non_negative, require_positive
from spinloom.nn import LayerUse, device_layers, hardware_layers

MAC_ENERGY = 0.23e-12
"""J per 8-bit integer multiply-accumulate in 45 nm CMOS: 0.20 pJ + 0.03 pJ (Horowitz, ISSCC 2014, 10-14)."""
NOMINAL = 20e-9
OPERATION = {"resonator": 10e-15, "oscillator": 100e-15}
"""J of a synaptic and a neuron operation of junctions of the NOMINAL diameter, m (Ross et al., abstract of a talk on
Nature Nanotechnology 18, 1273 (2023))."""
SETTLING = 5.0
"""Response times that a layer of radio-frequency devices is given."""


@dataclass(frozen=True)
class LayerCost:
    """One call of a layer, per inference. Energies in J. drive: mean |drive| of neurons in their response's unit; the
    power, W, that radio-frequency devices take. All energy of devices without reset and read is their `write`.
    """

    name: str
    neurons: int
    drive: float
    write: float
    reset: float
    read: float


@dataclass(frozen=True)
class InferenceCost:
    """What one inference costs. Energies in J, latency in s, memory in bytes.

    layers: in the order of work; a layer that the network calls several times stands there as often, and so does one
        that gets several rows for each input (frames or patches folded into the batch).
    macs: multiply-accumulates of the weights, which the junctions do not do; mac_energy: J each.
    table_bytes: the simulated curves on this computer. weight_bytes: the network's own parameters.
    backward_bytes: state per image that software must keep of its activations for backpropagation, and that a
        junction holds itself.
    """

    layers: tuple[LayerCost, ...]
    latency: float
    devices: int
    macs: int
    mac_energy: float
    weight_bytes: int
    table_bytes: int
    backward_bytes: int
    assumptions: tuple[str, ...] = field(repr=False)

    @property
    def write(self) -> float:
        return sum(layer.write for layer in self.layers)

    @property
    def reset(self) -> float:
        return sum(layer.reset for layer in self.layers)

    @property
    def read(self) -> float:
        return sum(layer.read for layer in self.layers)

    @property
    def neurons(self) -> float:
        """Energy of all junctions, J per inference."""
        return self.write + self.reset + self.read

    @property
    def weights(self) -> float:
        """Estimated energy of all multiply-accumulates, J per inference."""
        return self.macs * self.mac_energy


def inference_cost(
    hardware: nn.Module,
    inputs: torch.Tensor,
    unit_drive: float | None = None,
    cost: OperatingCost | DeviceSource | None = None,
    mac_energy: float = MAC_ENERGY,
    *,
    diameter: float = NOMINAL,
) -> InferenceCost:
    """Run `hardware`, of layers of devices of any kind, on `inputs` (n, ...) and average the energies over them.

    unit_drive: drive that stands for a device input of 1, in the unit of `cost.drive`. A layer's own affine (sigmoid,
        hardtanh) and drive scale (`calibrate_drive`) stand between the network and its devices.
    cost: of one neuron operation, interpolated linearly at the drive of every neuron and held at its ends, as
        the devices saturate there; a grid of drives >= 0 is taken at |drive|. A `DeviceSource` brings both.
        Both are of activation devices, and needed only where there are some.
    diameter: of radio-frequency junctions, m; see `radio_cost`. Other layers say themselves what they take.

    `hardware` stays as it is. Raises InputError if it has no device layer, or one whose energy is not known, and for
    inputs that are none or not finite.
    """
    if isinstance(cost, DeviceSource):
        if cost.cost is None:
            raise InputError("the device has no cost: it is a file or a Response; give unit_drive and an OperatingCost")
        unit_drive, cost = unit_drive or cost.nominal().unit_drive, cost.cost(None)
    require_non_negative("J", mac_energy=mac_energy)
    require_positive("m", diameter=diameter)
    require_finite("", inputs=inputs)
    if not hardware_layers(hardware):
        raise InputError("the network has no device layer; convert it with to_hardware first")
    uses, twin = meter(hardware, inputs)
    if any(use.drive is not None for use in uses) or unit_drive is not None:
        require_positive("", unit_drive=unit_drive)  # type: ignore[arg-type]
    booked: list[LayerCost] = []
    for use in uses:
        if use.drive is not None and cost is not None and unit_drive is not None:
            booked += use.steps * [_activation(use, use.drive, unit_drive, cost)]
        else:
            booked.append(LayerCost(use.name, use.devices, use.power, _energy(use, diameter), 0.0, 0.0))
    operations = sum(use.steps for use in uses if use.drive is not None)
    settling = sum(use.latency + SETTLING * use.steps * use.response for use in uses)
    words: tuple[str, ...] = ()
    if cost is not None and operations:
        words = (*cost.assumptions, *_assumptions(len(inputs), mac_energy, operations))
    if any(use.kind in OPERATION for use in uses):
        words += radio_assumptions(len(inputs), 2.0, SETTLING)
    return InferenceCost(
        layers=tuple(booked),
        latency=(operations * cost.cycle_time if cost else 0.0) + settling,
        devices=sum({use.name: use.devices for use in uses}.values()),  # none in a layer that is never called
        macs=count_macs(hardware, inputs[:1]),
        mac_energy=mac_energy,
        weight_bytes=_bytes(hardware.parameters()),
        table_bytes=_bytes(buffer for layer in device_layers(twin).values() for buffer in layer.buffers()),
        backward_bytes=4 * sum(use.operations for use in uses if use.kind not in ("resonator", "memory")),
        assumptions=words,
    )


def meter(network: nn.Module, inputs: torch.Tensor) -> tuple[list[LayerUse], nn.Module]:
    """What every layer of devices does for one of the inputs (n, ...), in the order of use, and the copy that did it.

    Oscillators take the response time of the slowest chain before them.
    """
    found: list[LayerUse] = []
    twin = copy.deepcopy(network).eval()

    def book(name: str, layer: Any, args: tuple, named: dict, output: torch.Tensor) -> None:
        use = layer.cost((*args, *named.values())[0], output, len(inputs))
        slowest = max((before.response for before in found), default=0.0)
        found.append(replace(use, name=name, response=slowest if use.kind == "oscillator" else use.response))

    for name, layer in hardware_layers(twin).items():
        layer.register_forward_hook(partial(book, name), with_kwargs=True)
    with torch.inference_mode():
        twin(inputs)
    return found, twin


def count_macs(model: nn.Module, example: torch.Tensor) -> int:
    """Multiply-accumulates of every convolution and linear layer for one input; example: (n, ...).

    A layer counts each time it is called, and for each row that a network makes of an input. Not counted are weights
    that others use (transposed convolutions, nn.LSTM, attention). The model stays as it is.
    """
    total = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        total += output.numel() * module.weight[0].numel()  # type: ignore[index]

    twin = copy.deepcopy(model).eval()
    for module in twin.modules():
        if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            module.register_forward_hook(count)
    with torch.inference_mode():
        twin(example)
    return total // len(example)


def _activation(use: LayerUse, drive: torch.Tensor, unit_drive: float, cost: OperatingCost) -> LayerCost:
    grid, energy = cost.drive.double().numpy(), cost.write_energy.double().numpy()
    driven = drive.cpu().numpy() * unit_drive
    if grid[0] >= 0:  # a grid of magnitudes
        driven = np.abs(driven)
    neurons = driven[0].size
    write = float(np.interp(driven, grid, energy).sum()) / len(driven)
    within = float(np.abs(driven.clip(grid[0], grid[-1])).mean())
    return LayerCost(use.name, neurons, within, write, neurons * cost.reset_energy, neurons * cost.read_energy)


def _energy(use: LayerUse, diameter: float) -> float:
    """J of a layer that is no activation: as it says, or by its operations."""
    if use.energy is not None:
        return use.energy
    if use.kind not in OPERATION:
        wanted = "unit_drive and cost" if use.kind == "activation" else "its LayerUse an energy"
        raise InputError(f"what layer {use.name!r} ({use.kind}) takes is not known; give {wanted}")
    return use.operations * OPERATION[use.kind] * (diameter / NOMINAL) ** 2


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Memory of tensors, each storage counted once (layers may share tables)."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return sum(storages.values())


def _assumptions(images: int, mac_energy: float, layers: int) -> tuple[str, ...]:
    return (
        f"Energies are averages over {images} test images, from the drive of every neuron in the network.",
        f"All neurons of a layer work at once and the {layers} layers one after the other, so the latency of the "
        f"junctions is {layers} cycles; the time of the multiply-accumulates is not included.",
        "The junctions compute only the activations. The multiply-accumulates of the weights are not in their "
        f"energy; the estimate for them takes {1e12 * mac_energy:g} pJ each (8-bit integers in 45 nm CMOS, "
        "Horowitz, ISSCC 2014, unless set otherwise) and no memory access.",
        "Converters and drivers between the weights and the junctions are not included.",
        "Inference needs one read of the in-plane junction; a training step reads the perpendicular one too.",
    )


def radio_assumptions(examples: int, exponent: float, settling: float) -> tuple[str, ...]:
    """What stands behind every figure of radio-frequency devices."""
    return (
        "A synaptic operation takes 10 fJ and a neuron operation 100 fJ in junctions of 20 nm, as published with Ross "
        "et al., Nature Nanotechnology 18, 1273 (2023); they stand for the junctions alone.",
        f"Energies grow as the diameter to the power of {exponent:g}, which is assumed: at a constant current density "
        "and a constant resistance-area product the power of a junction grows with its area.",
        f"Every layer is given {settling:g} response times (assumed), 1 / (2 pi half linewidth) at its lowest "
        "frequency; oscillators respond as the chains before them (assumed). Chains work side by side, layers one "
        "after the other.",
        "Direct current of oscillators (R I^2) and power of the waves are those of the model's constants, whatever "
        f"the diameter, means over {examples} examples; over the whole latency they "
        "give the energy of the constants of the model; amplifiers that feed every chain with all inputs are not "
        "included.",
    )
