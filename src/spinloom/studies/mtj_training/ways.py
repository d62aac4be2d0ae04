"""The ways of training, and the devices of each."""

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from spinloom.devices import DeviceSource, Response
from spinloom.evaluation import Examples, on_devices
from spinloom.nn import PLAIN, Converters, Gradient, use_gradient
from spinloom.studies.mtj_training.settings import Settings

TITLES = {
    "software": "software tanh, autograd",
    "exact": "nominal junctions, exact slopes",
    "device": "nominal junctions, their own slopes",
    "spread": "junctions with spread and read noise, their own slopes",
    "difference": "nominal junctions, finite differences",
}
SHORT = {
    "software": "software",
    "exact": "exact",
    "device": "device",
    "spread": "spread and noise",
    "difference": "finite differences",
}
GRADIENTS: dict[str, Gradient] = {"exact": "exact", "difference": "difference"}
"""Of the ways that do not use the device's own slopes."""


@dataclass(frozen=True)
class Hardware:
    """What a network runs on in each way."""

    junctions: DeviceSource
    spread: float
    read_noise: float
    converters: Converters
    step: float

    @classmethod
    def of(cls, settings: Settings, junctions: DeviceSource) -> "Hardware":
        """Raises InputError for a resolution that no converter has."""
        converters = Converters(settings.value_bits, settings.slope_bits)
        return cls(junctions, settings.spread, settings.read_noise, converters, settings.difference_step)

    def response(self, way: str) -> Response:
        if way == "spread":
            return self.junctions.fabricated(self.spread).with_read_noise(self.read_noise, self.read_noise)
        return self.junctions.nominal()

    def place(self, network: nn.Module, way: str, examples: Examples, seed: int) -> nn.Module:
        """The network as it is trained in this way; the same seed gives the same reads in all of them."""
        if way == "software":
            return network
        converters = self.converters if way == "spread" else PLAIN
        moved = on_devices(network, self.response(way), examples, seed, converters)
        return use_gradient(moved, GRADIENTS.get(way, "device"), self.step)

    def settings(self, way: str) -> dict[str, Any]:
        """All that a network of this way depends on."""
        if way == "software":
            return {}
        known: dict[str, Any] = {"junctions": self.junctions.identity}
        if way == "spread":
            known |= {"spread": self.spread, "noise": self.read_noise, **asdict(self.converters)}
        return known | ({"step": self.step} if way == "difference" else {})
