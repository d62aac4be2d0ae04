"""Training of fabricated devices with the gradient of a twin: what a computer knows of them instead of themselves."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import nn

from spinloom.errors import require_non_negative
from spinloom.nn.hardware import planned
from spinloom.nn.radio.layer import factors
from spinloom.nn.radio.network import radio_layers
from spinloom.seeding import Seed, generator

Drawn = Mapping[str, torch.Tensor | None]
"""Factors of one layer by name, None where nothing was drawn."""


def through_twin(network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Output of the fabricated network with the gradient of its ideal twin (physics-aware training).

    The loss sees what the imperfect devices give; the gradient flows through the same parameters without imperfections.
    """
    return _through(planned(network), network, x)


class MeasuredTwin:
    """As `through_twin`, with a twin that has the devices as they were measured, once, before training.

    Every factor that fabrication drew (frequencies, powers, linewidths, sensitivities) is measured with the same
    relative error. A sweep of each resonator and of each oscillator gives the frequencies; they are trained in the
    twin and on the devices alike from there on. Where the spread is about the linewidth, slopes of an ideal twin stand
    in the wrong places; those of a twin that is measured well within the linewidth do not.

    error: relative standard deviation of one measurement. Fabricate the network first: another instance needs another
    measurement. Raises InputError for an error that cannot be.
    """

    def __init__(self, network: nn.Module, error: float, seed: Seed = 0) -> None:
        require_non_negative("", error=error)
        source = generator(seed)
        self._measured = {name: _measure(layer.drawn(), error, source) for name, layer in radio_layers(network).items()}

    def __call__(self, network: nn.Module, x: torch.Tensor) -> torch.Tensor:
        """x (batch, inputs) -> value of the devices, gradient of the twin, (*members, batch, outputs)."""
        return _through(self._on(network), network, x)

    @contextmanager
    def _on(self, network: nn.Module) -> Iterator[None]:
        layers = radio_layers(network)
        before = {name: (layer.drawn(), layer.read_noise) for name, layer in layers.items()}
        try:
            for name, layer in layers.items():
                layer.put(self._measured[name]).real(spread=layer.spread, read_noise=False)
            yield
        finally:
            for name, layer in layers.items():
                drawn, read_noise = before[name]
                layer.put(drawn).real(spread=layer.spread, read_noise=read_noise)


def _through(twin: AbstractContextManager[None], network: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Value of the network as it is, gradient of what it is within `twin`."""
    with torch.no_grad():
        made = network(x)
    with twin:
        out = network(x)
    return out + (made - out).detach()


def _measure(drawn: Drawn, error: float, source: torch.Generator) -> Drawn:
    return {
        name: None if factor is None else factor * factors(factor.shape, error, source, factor.dtype).to(factor.device)
        for name, factor in drawn.items()
    }
