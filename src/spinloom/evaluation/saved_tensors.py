"""Which tensors autograd saves in a forward pass, and which module saves them."""

import copy
from collections import Counter
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from spinloom.nn import DeviceActivation
from spinloom.nn.choice import REPLACEABLE

_Named = tuple[str, torch.UntypedStorage]


class SavedTensors:
    """What one forward pass of a copy of `model` in training mode saves. Random states are left as they were.

    order: names of modules as they were entered. Storages are kept, so that no other one can get their address.
    """

    def __init__(self, model: nn.Module, example: torch.Tensor) -> None:
        self.order: list[str] = []
        self._running: list[str] = []
        self._devices: set[str] = set()
        self._saved: list[_Named] = []
        self._outputs: list[_Named] = []
        twin = copy.deepcopy(model).train()
        self._fixed = {t.untyped_storage().data_ptr() for t in (*twin.parameters(), *twin.buffers())}
        for name, module in twin.named_modules():
            self._watch(name, module)
        example = example.detach().clone()  # a batch cut from a data set is not to count as all of it
        cards = [example.device] if example.device.type == "cuda" else []
        hooks = saved_tensors_hooks(self._pack, lambda nothing: nothing)
        with torch.random.fork_rng(devices=cards), torch.enable_grad(), hooks:
            twin(example)

    def software(self) -> Counter[str]:
        """Bytes by name of the module that saved a storage first."""
        return _bytes(self._saved, self._fixed)

    def hardware(self) -> Counter[str]:
        """The same without outputs of neurons, and without what only neurons save."""
        neurons = {name for name, _ in self._outputs}
        held = {storage.data_ptr() for _, storage in self._outputs}
        return _bytes([pair for pair in self._saved if pair[0] not in neurons], self._fixed | held)

    def _watch(self, name: str, module: nn.Module) -> None:
        device = isinstance(module, DeviceActivation)
        if device:
            self._devices.add(name)

        def enter(*_: Any) -> None:
            self.order.append(name)
            self._running.append(name)

        def leave(_module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
            self._running.pop()
            if device or isinstance(module, REPLACEABLE):
                self._outputs.append((name, output.untyped_storage()))
            if device and output.requires_grad:
                self._saved.append((name, output.untyped_storage()))  # what its software neuron saves

        module.register_forward_pre_hook(enter)
        module.register_forward_hook(leave)

    def _pack(self, tensor: torch.Tensor) -> None:
        if self._running[-1] not in self._devices:  # their slopes are a part of the simulation
            self._saved.append((self._running[-1], tensor.untyped_storage()))


def _bytes(saved: list[_Named], apart: set[int]) -> Counter[str]:
    """Bytes by name, each storage once, without those at the addresses `apart`."""
    total, seen = Counter[str](), set(apart)
    for name, storage in saved:
        if storage.nbytes() and storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            total[name] += storage.nbytes()
    return total
