"""Which tensors autograd saves in a forward pass, and which module saves them."""

import copy
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from spinloom.nn import CALLS, REPLACEABLE, DeviceActivation


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


class SavedTensors:
    """What one forward pass of a copy of `model` in training mode saves. Random states are left as they were.

    order: names of modules as they were entered. functions: activations that are called as functions, by the name of
        their module and their own ("layer.tanh"): neurons of their own. Storages are kept, so that no other one can get
        their address.
    """

    def __init__(self, model: nn.Module, example: torch.Tensor) -> None:
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
        with torch.random.fork_rng(devices=cards), torch.enable_grad(), hooks, _Activations(self._call):
            twin(example)

    def software(self) -> Counter[str]:
        """Bytes by name of the module that saved a storage first."""
        return _bytes(self._saved, self._fixed)

    def hardware(self) -> Counter[str]:
        """The same without outputs of neurons, as they left them, and without what only neurons save."""
        held = {output.identity for output in self._outputs}
        kept = [one for one in self._saved if one.name not in self._neurons and one.identity not in held]
        return _bytes(kept, self._fixed)

    def _watch(self, name: str, module: nn.Module) -> None:
        device = isinstance(module, DeviceActivation)
        neuron = device or isinstance(module, REPLACEABLE)
        if device:
            self._devices.add(name)
        if neuron:
            self._neurons.add(name)

        def enter(*_: Any) -> None:
            self.order.append(name)
            self._running.append(name)

        def leave(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
            self._running.pop()
            if neuron:
                self._outputs.append(_State.of(name, output))
            if device and output.requires_grad:
                self._saved.append(_State.of(name, output))  # what its software neuron saves

        module.register_forward_pre_hook(enter)
        module.register_forward_hook(leave)

    def _call(self, function: str, call: Callable[[], torch.Tensor]) -> torch.Tensor:
        """An activation called as a function; inside a neuron it is that neuron."""
        module = self._running[-1]
        if module in self._neurons:
            return call()
        name = f"{module}.{function}" if module else function
        self.functions[name] = function
        self._neurons.add(name)
        self.order.append(name)
        self._running.append(name)
        output = call()
        self._running.pop()
        self._outputs.append(_State.of(name, output))
        return output

    def _pack(self, tensor: torch.Tensor) -> None:
        if self._running[-1] not in self._devices:  # their slopes are a part of the simulation
            self._saved.append(_State.of(self._running[-1], tensor))


class _Activations(TorchFunctionMode):
    """Hands every call of an activation function to `around`, with its name."""

    def __init__(self, around: Callable[[str, Callable[[], torch.Tensor]], torch.Tensor]) -> None:
        super().__init__()
        self._around = around

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        call, name = partial(func, *args, **(kwargs or {})), getattr(func, "__name__", "")
        return self._around(name, call) if name in CALLS else call()


def _bytes(saved: list[_State], apart: set[int]) -> Counter[str]:
    """Bytes by name, each storage once, without those at the addresses `apart`."""
    total, seen = Counter[str](), set(apart)
    for name, storage, _ in saved:
        if storage.nbytes() and storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total[name] += storage.nbytes()
    return total
