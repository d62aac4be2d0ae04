"""What must be kept for backpropagation, in software and where junctions hold the state of the neurons themselves."""

import copy
from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from spinloom.errors import InputError
from spinloom.nn import CALLS, REPLACEABLE, DeviceActivation


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
    saved = _SavedTensors(model, example)
    kinds = saved.functions | {name: type(module).__name__ for name, module in model.named_modules()}
    software, hardware, images = saved.software(), saved.hardware(), len(example)
    rows = (
        LayerMemory(name or "(network)", kinds[name], software.get(name, 0) / images, hardware.get(name, 0) / images)
        for name in dict.fromkeys(saved.order)
        if name in software or name in hardware
    )
    return BackwardMemory(tuple(rows))


class _State(NamedTuple):
    """Memory as a tensor has it at one time; `version` counts what has been done in it in place."""

    name: str
    storage: torch.UntypedStorage
    version: int

    @classmethod
    def of(cls, name: str, tensor: torch.Tensor) -> "_State":
        return cls(name, tensor.untyped_storage(), tensor._version)

    @property
    def identity(self) -> tuple[int, int]:
        return self.storage.data_ptr(), self.version


class _SavedTensors(TorchFunctionMode):
    """What one forward pass of a copy of `model` in training mode saves. Random states are left as they were.

    order: names of modules as they were entered. functions: activations that are called as functions, by the name of
        their module and their own ("layer.tanh"): neurons of their own. Storages are kept, so that no other one can get
        their address.
    """

    def __init__(self, model: nn.Module, example: torch.Tensor) -> None:
        super().__init__()
        self.order: list[str] = []
        self.functions: dict[str, str] = {}
        self._running: list[str] = []
        self._devices: set[str] = set()
        self._neurons: set[str] = set()
        self._saved: list[_State] = []
        self._outputs: list[_State] = []
        twin = copy.deepcopy(model).train()
        self._fixed = {t.untyped_storage().data_ptr() for t in (*twin.parameters(), *twin.buffers())}
        for name, module in twin.named_modules():
            self._watch(name, module)
        example = example.detach().clone()  # a batch cut from a data set is not to count as all of it
        cards = [example.device] if example.device.type == "cuda" else []
        hooks = saved_tensors_hooks(self._pack, lambda nothing: nothing)
        with torch.random.fork_rng(devices=cards), torch.enable_grad(), hooks, self:
            twin(example)

    def software(self) -> Counter[str]:
        """Bytes by name of the module that saved a storage first."""
        return _bytes(self._saved, self._fixed)

    def hardware(self) -> Counter[str]:
        """The same without outputs of neurons, as they left them, and without what only neurons save."""
        held = {output.identity for output in self._outputs}
        kept = [one for one in self._saved if one.name not in self._neurons and one.identity not in held]
        return _bytes(kept, self._fixed)

    def _enter(self, name: str) -> None:
        self.order.append(name)
        self._running.append(name)

    def _watch(self, name: str, module: nn.Module) -> None:
        device = isinstance(module, DeviceActivation)
        neuron = device or isinstance(module, REPLACEABLE)
        if device:
            self._devices.add(name)
        if neuron:
            self._neurons.add(name)

        def leave(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
            self._running.pop()
            if neuron:
                self._outputs.append(_State.of(name, output))
            if device and output.requires_grad:
                self._saved.append(_State.of(name, output))  # what its software neuron saves

        module.register_forward_pre_hook(lambda *_: self._enter(name))
        module.register_forward_hook(leave)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """An activation called as a function is a neuron of its own; inside a neuron it is that neuron."""
        function = getattr(func, "__name__", "")
        if function not in CALLS or self._running[-1] in self._neurons:
            return func(*args, **(kwargs or {}))
        name = f"{self._running[-1]}.{function}".lstrip(".")
        self.functions[name] = function
        self._neurons.add(name)
        self._enter(name)
        output = func(*args, **(kwargs or {}))
        self._running.pop()
        self._outputs.append(_State.of(name, output))
        return output

    def _pack(self, tensor: torch.Tensor) -> None:
        if self._running[-1] not in self._devices:  # their slopes are a part of the simulation
            self._saved.append(_State.of(self._running[-1], tensor))


def _bytes(saved: list[_State], apart: set[int]) -> Counter[str]:
    """Bytes by name, each storage once, without those at the addresses `apart`."""
    total, seen = Counter[str](), set(apart)
    for name, storage, _ in saved:
        if storage.nbytes() and storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total[name] += storage.nbytes()
    return total
