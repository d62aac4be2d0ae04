"""The state of a training, taken and put back."""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from spinloom.errors import SpinloomWarning
from spinloom.learning import checkpoint
from spinloom.learning.randomness import generators

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def packed(state: Any) -> bytes:
    """Tensors and plain values as bytes; `unpacked` reads them."""
    content = io.BytesIO()  # torch.save reports a full disk as a RuntimeError of its own
    torch.save(state, content)
    return content.getvalue()


def unpacked(content: bytes) -> Any:
    """What was packed, on the CPU, read as data only. Raises what torch.load raises for anything else."""
    return torch.load(io.BytesIO(content), "cpu", weights_only=True)


@dataclass
class Snapshot:
    """Binds a checkpoint to what a training changes. Without a path it does nothing.

    All processes of a training store and restore together: weights, optimiser, schedule and precision are common;
    buffers, states of devices, generators and of the objective are each one's own.
    """

    path: Path | None
    parts: checkpoint.Parts
    every: float
    fabric: "Fabric"
    model: nn.Module
    objective: Any
    common: Mapping[str, Any]
    """What has a state besides the model, the same in all processes, by name."""
    _saved: float = field(default_factory=monotonic)

    def due(self) -> bool:
        """Whether `every` seconds have passed since the last one; the first process's clock counts for all."""
        return self.path is not None and self.fabric.broadcast(monotonic() - self._saved >= self.every)

    def store(self, losses: list[float], within: Mapping[str, Any] | None = None) -> None:
        """Write the present state; within: that of an unfinished epoch. Raises OutputError."""
        if self.path is None:
            return
        own = self._gathered(packed(self._own(within or {})))
        if self.fabric.is_global_zero:
            common = {name: part.state_dict() for name, part in self.common.items()}
            state = {"losses": losses, "model": self.model.state_dict(), "common": common, "own": own}
            checkpoint.write(self.path, self.parts, packed(state))
        self._saved = monotonic()

    def restore(self, content: bytes | None) -> tuple[list[float], dict[str, Any]]:
        """Put back what a checkpoint holds.

        Returns the losses of the epochs so far, [] for a fresh start, and what was stored of an unfinished epoch.
        """
        if content is None:
            return [], {}
        try:
            state = unpacked(content)
            own = unpacked(state["own"][self.fabric.global_rank].numpy().tobytes())
        except Exception as error:  # in whatever way: a state that cannot be read costs time, never the run
            warnings.warn(f"{self.path} starts anew, it cannot be read: {error}", SpinloomWarning, stacklevel=2)
            return [], {}
        self.model.load_state_dict({**state["model"], **own["model"]})
        if isinstance(self.objective, nn.Module):
            self.objective.load_state_dict(own["objective"])
        for module, buffers in zip(self._modules(), own["left out"], strict=True):
            put_back(module, buffers)
        for generator, random in zip(self._generators(), own["generators"], strict=True):
            generator.set_state(random)
        for name, part in self.common.items():
            part.load_state_dict(state["common"][name])
        return list(state["losses"]), own["within"]

    def _own(self, within: Mapping[str, Any]) -> dict[str, Any]:
        weights = {name for name, _ in self.model.named_parameters(remove_duplicate=False)}
        return {
            "model": {name: value for name, value in self.model.state_dict().items() if name not in weights},
            "objective": self.objective.state_dict() if isinstance(self.objective, nn.Module) else {},
            "left out": [left_out(module) for module in self._modules()],
            "generators": [generator.get_state() for generator in self._generators()],
            "within": dict(within),
        }

    def _modules(self) -> list[nn.Module]:
        return [part for part in (self.model, self.objective) if isinstance(part, nn.Module)]

    def _generators(self) -> list[torch.Generator]:
        return generators(self._modules())

    def _gathered(self, own: bytes) -> list[torch.Tensor]:
        """Every process's, in the first one."""
        every: list[Any] = [own] * self.fabric.world_size
        if self.fabric.world_size > 1:
            torch.distributed.all_gather_object(every, own)
        return [torch.frombuffer(bytearray(one), dtype=torch.uint8) for one in every]


def left_out(module: nn.Module) -> dict[str, torch.Tensor]:
    """Buffers that are not in its state dict."""
    saved = module.state_dict()
    return {name: buffer for name, buffer in module.named_buffers() if name not in saved}


def put_back(module: nn.Module, buffers: Mapping[str, torch.Tensor]) -> None:
    """Set what `left_out` gave."""
    for name, buffer in buffers.items():
        place, _, last = name.rpartition(".")
        owner = module.get_submodule(place)
        setattr(owner, last, buffer.to(owner.get_buffer(last).device))
