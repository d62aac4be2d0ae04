"""Energy, latency and size of one inference on junctions, from the drives the neurons really see."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from spinloom.devices import OperatingCost
from spinloom.errors import InputError, require_finite, require_non_negative, require_positive
from spinloom.evaluation.macs import count_macs
from spinloom.nn import DeviceActivation, device_layers, on_input

MAC_ENERGY = 0.23e-12
"""J per 8-bit integer multiply-accumulate in 45 nm CMOS: 0.20 pJ + 0.03 pJ (Horowitz, ISSCC 2014, 10-14)."""


@dataclass(frozen=True)
class LayerCost:
    """One call of a layer of neurons, per inference. Energies in J; `drive`: mean |drive| in the response's unit."""

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
    unit_drive: float,
    cost: OperatingCost,
    mac_energy: float = MAC_ENERGY,
) -> InferenceCost:
    """Run `hardware` on `inputs` (n, ...) and average the energy per inference over them.

    unit_drive: drive that stands for a device input of 1, in the unit of `cost.drive`. A layer's own affine (sigmoid,
        hardtanh) and drive scale (`calibrate_drive`) stand between the network and its devices.
    cost: of one neuron operation, interpolated linearly at the drive of every neuron and held at its ends, as
        the devices saturate there; a grid of drives >= 0 is taken at |drive|.

    `hardware` stays as it is. Raises InputError if it has no device layer, or for inputs that are none or not finite.
    """
    require_non_negative("J", mac_energy=mac_energy)
    require_positive("", unit_drive=unit_drive)
    require_finite("", inputs=inputs)
    twin = copy.deepcopy(hardware).eval()
    layers = device_layers(twin)
    if not layers:
        raise InputError("the network has no device layer; convert it with to_hardware first")
    booked: list[LayerCost] = []
    for name, layer in layers.items():
        on_input(layer, _meter(name, layer, unit_drive, cost, len(inputs), booked))
    with torch.inference_mode():
        twin(inputs)
    return InferenceCost(
        layers=tuple(booked),
        latency=len(booked) * cost.cycle_time,
        devices=sum(layer.assignment.numel() for layer in layers.values()),  # none in a layer that is never called
        macs=count_macs(hardware, inputs[:1]),
        mac_energy=mac_energy,
        weight_bytes=_bytes(hardware.parameters()),
        table_bytes=_bytes(buffer for layer in layers.values() for buffer in layer.buffers()),
        backward_bytes=4 * sum(layer.neurons for layer in booked),
        assumptions=(*cost.assumptions, *_assumptions(len(inputs), mac_energy, len(booked))),
    )


def _meter(
    name: str, layer: DeviceActivation, unit_drive: float, cost: OperatingCost, images: int, booked: list[LayerCost]
) -> Callable[[torch.Tensor], None]:
    """Books the energy of one layer's neurons for each input that it is called with."""
    grid, energy = cost.drive.double().numpy(), cost.write_energy.double().numpy()

    def book(given: torch.Tensor) -> None:
        drive = layer.drive(given.double()).cpu().numpy() * unit_drive
        if grid[0] >= 0:  # a grid of magnitudes
            drive = np.abs(drive)
        neurons = drive[0].size
        write = float(np.interp(drive, grid, energy).sum()) / len(drive)
        within = float(np.abs(drive.clip(grid[0], grid[-1])).mean())
        reset, read = neurons * cost.reset_energy, neurons * cost.read_energy
        calls = max(1, len(drive) // images)
        booked.extend([LayerCost(name, neurons, within, write, reset, read)] * calls)

    return book


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
