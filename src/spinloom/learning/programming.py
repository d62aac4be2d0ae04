"""In-situ training: what an optimiser wants becomes programming pulses of memories."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from spinloom.devices import Writing
from spinloom.errors import InputError, require_count, require_positive, unknown_name
from spinloom.nn import MemoryLayer, memory_layers
from spinloom.seeding import Seed, generator

Remainder = Literal["drop", "carry", "stochastic"]


@dataclass(frozen=True)
class Pulses:
    """The change of each weight, over `step`, rounded, is its number of pulses, `most` at a time. Nothing is verified.

    step: None is the mean change by one pulse when training begins. remainder: what becomes of the rounded part:
    "drop"; "carry" keeps it for the next step (a gradient memory in high precision); "stochastic" rounds at random so
    that it counts on average.
    """

    step: float | None = None
    most: int = 14
    remainder: Remainder = "stochastic"

    def __post_init__(self) -> None:
        require_count(most=self.most)
        if self.step is not None:
            require_positive("of weight", step=self.step)
        if self.remainder not in get_args(Remainder):
            raise unknown_name("remainder", str(self.remainder), get_args(Remainder))


@dataclass(frozen=True)
class Targets:
    """Hidden weights in high precision gather the changes; a device whose nearest state is another one is written and
    verified, with the tolerance and attempts of its layer (I. Hubara et al., J. Mach. Learn. Res. 18, 1 (2018))."""


class Programming:
    """Wraps any optimiser of PyTorch: `step()` lets it step, then programs the memories of `model` by a rule.

    Parameters that are no weights of memories are left to the optimiser alone; schedulers act on the optimiser itself.
    By `Pulses` each weight is afterwards what the array really holds, so that the optimiser goes on from there; by
    `Targets` it stays the hidden weight. An array that is not fabricated yet is fabricated now, from `seed`.

    Raises InputError for a model without layers of memories, or an optimiser that has none of their weights.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, model: nn.Module, rule: Pulses | Targets | None = None, seed: Seed = 0
    ) -> None:
        self.optimizer, self.rule, self.spent = optimizer, rule or Pulses(), Writing()
        source, known = generator(seed), {id(p) for group in optimizer.param_groups for p in group["params"]}
        layers = memory_layers(model)
        self._layers: list[MemoryLayer] = [layer for layer in layers.values() if id(layer.weight) in known]
        if not self._layers:
            raise InputError("the optimiser has no weight of a layer of memories; give it model.parameters()")
        self._source = source
        for layer in self._layers:
            if layer.state is None:
                layer.resample(source)
        if isinstance(self.rule, Pulses):
            self._steps = [self.rule.step or layer.mean_step() for layer in self._layers]
            for layer, step in zip(self._layers, self._steps, strict=True):
                if not step > 0:
                    raise InputError(f"no pulse moves the memories of {layer}; fabricate it anew or give Pulses a step")
                with torch.no_grad():
                    layer.weight.copy_(layer.realised())
            self._rest = [torch.zeros_like(layer.weight) for layer in self._layers]

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimizer.zero_grad(set_to_none)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Writing:
        """One step of the optimiser and the programming that it asks for; returns what that took."""
        before = [layer.weight.clone() for layer in self._layers] if isinstance(self.rule, Pulses) else []
        self.optimizer.step(closure)
        taken = [self._by_pulses(k, before[k]) if before else self._by_targets(k) for k in range(len(self._layers))]
        total = sum(taken, Writing())
        self.spent += total
        return total

    def _by_pulses(self, number: int, before: Tensor) -> Writing:
        layer, rule, rest = self._layers[number], self.rule, self._rest[number]
        assert isinstance(rule, Pulses)
        wanted = (layer.weight - before) / self._steps[number]
        if rule.remainder == "carry":
            wanted += rest
        if rule.remainder == "stochastic":
            events = (wanted + torch.rand(wanted.shape, generator=self._source).to(wanted)).floor_()
        else:
            events = wanted.round()
        events.clamp_(-rule.most, rule.most)
        if rule.remainder == "carry":
            torch.sub(wanted, events, out=rest)
        taken = layer.pulse(events)
        layer.weight.copy_(layer.realised())
        return taken

    def _by_targets(self, number: int) -> Writing:
        layer = self._layers[number]
        return layer.write(layer.outdated())
