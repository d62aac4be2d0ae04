"""What must be kept for backpropagation, in software and where junctions hold the state of the neurons themselves."""

from dataclasses import dataclass

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.evaluation.saved_tensors import SavedTensors


@dataclass(frozen=True)
class LayerMemory:
    """What one layer keeps for the backward pass, in bytes per image."""

    name: str
    kind: str
    software: float
    hardware: float


@dataclass(frozen=True)
class BackwardMemory:
    """What a network keeps for the backward pass, in bytes per image, layer by layer in the order of the pass."""

    layers: tuple[LayerMemory, ...]

    @property
    def software(self) -> float:
        return sum(layer.software for layer in self.layers)

    @property
    def hardware(self) -> float:
        return sum(layer.hardware for layer in self.layers)


def backward_memory(model: nn.Module, example: torch.Tensor) -> BackwardMemory:
    """Count the tensors that autograd saves in one forward pass in training mode, each storage once.

    model: a software network, or one of `to_hardware`. Both give the same two columns for tanh networks: in a software
        network Tanh, Sigmoid and Hardtanh, modules or functions, stand for the junctions, in the other the junctions
        for software neurons that save their output. It stays as it is (batch statistics and reads of noise are those
        of a copy).
    example: one batch (n, ...); what is saved once for a batch (statistics of batch norm) is divided by n as well.

    A tensor counts for the layer that saved it first: the output of a neuron for the neuron, though the next layer
    needs it too, the output of a convolution for the pool or batch norm behind it. Parameters and buffers do not count,
    the images do. In hardware the outputs of neurons do not count, whoever saves them, nor anything that only the
    neurons themselves save.

    Raises InputError for an example without images.
    """
    if example.ndim == 0 or len(example) == 0:
        raise InputError(f"the example must be a batch (n, ...) of n >= 1 images, got shape {tuple(example.shape)}")
    saved = SavedTensors(model, example)
    kinds = saved.functions | {name: type(module).__name__ for name, module in model.named_modules()}
    return BackwardMemory(_rows(saved, kinds, len(example)))


def _rows(saved: SavedTensors, kinds: dict[str, str], images: int) -> tuple[LayerMemory, ...]:
    software, hardware = saved.software(), saved.hardware()
    return tuple(
        LayerMemory(name or "(network)", kinds[name], software.get(name, 0) / images, hardware.get(name, 0) / images)
        for name in dict.fromkeys(saved.order)
        if name in software or name in hardware
    )
