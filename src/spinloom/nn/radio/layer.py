"""What all layers of radio-frequency devices have in common: planned frequencies, imperfect devices, noise."""

from dataclasses import astuple, dataclass
from typing import Any, Self, TypeVar

import torch
from torch import Tensor

from spinloom import units
from spinloom.errors import InputError, require_non_negative, require_positive, unknown_name
from spinloom.magnetism import Quantity
from spinloom.nn.hardware import HardwareLayer
from spinloom.seeding import Seed

Design = TypeVar("Design")
RESOLVED = 16
"""Frequencies per linewidth from which on a grid is refused: neighbours then differ by a sixteenth of a linewidth."""


@dataclass(frozen=True)
class Band:
    """From low to high, Hz. Raises InputError unless 0 < low < high."""

    low: float = 20e6
    high: float = 120e6

    def __post_init__(self) -> None:
        require_positive("Hz", low=self.low, high=self.high)
        if self.low >= self.high:
            given = f"{self.low:g} to {self.high:g} Hz"
            raise InputError(f"the band must go from a lower to a higher frequency, got {given}")

    def check(self, name: str, frequencies: Tensor) -> None:
        """Raise InputError unless all of these (Hz) are finite and lie in the band (to 1e-6)."""
        outside = ~((frequencies >= self.low * (1 - 1e-6)) & (frequencies <= self.high * (1 + 1e-6)))
        if bool(outside.any()):
            worst = float(frequencies[outside].flatten()[0])
            found = f"{int(outside.sum())} do not, the first is {worst:g} Hz"
            raise InputError(f"{name} must lie in the band, {self.low:g} to {self.high:g} Hz; {found}")


def plan(kind: str, count: int, band: Band, linewidth: float | None = None, per_linewidth: float = RESOLVED) -> Tensor:
    """Frequencies of a grid, (count,), Hz, float64, ascending; a single one stands in the middle.

    kind: "linear", equal steps, or "geometric", equal ratios, which are equal steps in units of the linewidth (Leroux
    et al., Phys. Rev. Applied 15, 034067 (2021)). linewidth: where given, a grid with more than `per_linewidth`
    frequencies in one full width at half maximum, 2 linewidth f, is refused.

    Raises InputError for an unknown kind, a count below 1 or a grid that the band does not resolve.
    """
    if kind not in ("linear", "geometric"):
        raise unknown_name("frequency plan", kind, ("linear", "geometric"))
    if count < 1:
        raise InputError(f"a frequency plan needs at least one frequency, got {count}")
    place = torch.linspace(0, 1, count, dtype=torch.float64) if count > 1 else torch.full((1,), 0.5).double()
    if kind == "linear":
        found = band.low + (band.high - band.low) * place
    else:
        found = band.low * (band.high / band.low) ** place
    if linewidth is not None:
        require_positive("", linewidth=linewidth)
        apart = found.diff() / (linewidth * (found[1:] + found[:-1]))
        if bool((apart * per_linewidth < 1).any()):
            raise InputError(
                f"the band from {band.low:g} to {band.high:g} Hz does not resolve {count} frequencies at linewidth "
                f"{linewidth:g}: neighbours are {float(apart.min()):.3g} linewidths apart, less than "
                f"1/{per_linewidth:g}; use fewer, a wider band or resonators of smaller linewidth"
            )
    return found


@dataclass(frozen=True)
class Imperfections:
    """Relative standard deviations, drawn once for every fabricated device: x becomes x (1 + spread * normal).

    input_frequency: of the sources. resonance: of the resonators' frequencies. linewidth, sensitivity: of the
    resonators. power: of what oscillators emit. The code published with Ross et al., Nature Nanotechnology 18, 1273
    (2023), spreads input frequencies, resonances and powers.

    Noise of every read: temperature (K) and bandwidth (Hz) with resistance (Ohm) of one resonator give the voltage
    noise of a chain, sqrt(4 kB T R n B) for n resonators in series (Johnson, Nyquist); power_noise is the relative
    standard deviation of an oscillator's power from read to read.

    Raises InputError for a negative or infinite value.
    """

    input_frequency: float = 0.0
    resonance: float = 0.0
    linewidth: float = 0.0
    sensitivity: float = 0.0
    power: float = 0.0
    temperature: float = 0.0
    resistance: float = 1e3
    bandwidth: float = 1e6
    power_noise: float = 0.0

    def __post_init__(self) -> None:
        shown = {"temperature": "K", "resistance": "Ohm", "bandwidth": "Hz"}
        for name, value in vars(self).items():
            require_non_negative(shown.get(name, ""), **{name: value})

    @classmethod
    def spread(cls, level: float) -> "Imperfections":
        """The same relative spread on input frequencies, resonances and oscillator powers, as in the published code."""
        return cls(input_frequency=level, resonance=level, power=level)

    def voltage_noise(self, resonators: int) -> float:
        """Standard deviation of the voltage of a chain, V."""
        return (4 * units.KB * self.temperature * self.resistance * resonators * self.bandwidth) ** 0.5


def factors(shape: tuple[int, ...], spread: float, source: torch.Generator, dtype: torch.dtype) -> Tensor:
    """1 + spread * normal, kept above 0.01: a frequency or a power cannot be negative."""
    drawn = torch.randn(shape, generator=source, dtype=torch.float64)
    return (1 + spread * drawn).clamp_(min=0.01).to(dtype)


def closed_form(device: Any, kind: type[Design], simulated: type[Any]) -> Design:
    """The design of a device, and that of a simulated one. Raises InputError for what is neither."""
    design = device.closed_form() if isinstance(device, simulated) else device
    if not isinstance(design, kind):
        known = f"{kind.__name__} or a {simulated.__name__}"
        raise InputError(f"the layer is made of a {known}, got {type(device).__name__}")
    return design


def one_number(name: str, value: Quantity) -> float:
    """Of a device design that a whole layer has. Raises InputError for several numbers that differ."""
    every = torch.as_tensor(value, dtype=torch.float64).detach().flatten()
    if not torch.allclose(every, every[:1], rtol=1e-6, atol=0.0):
        raise InputError(f"all devices of a layer have one {name}, got {len(every)} that differ; make several layers")
    return float(every[0])


class RadioLayer(HardwareLayer):
    """Base of the layers of resonators and oscillators.

    A layer is ideal when it is made. `fabricate(imperfections, seed)` gives it devices that differ from the plan;
    `resample(seed)` draws others of the same kind. The state dict of a fabricated layer holds its factors,
    imperfections and noise. members: copies trained side by side, see `ResonatorChains`.
    """

    members: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self.imperfections = Imperfections()

    def fabricate(self, imperfections: Imperfections, seed: Seed = 0) -> Self:
        """Draw one instance with these imperfections; the same seed draws the same."""
        self.imperfections = imperfections
        return self.resample(seed)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.imperfections != Imperfections():
            destination[prefix + "imperfections"] = torch.tensor(astuple(self.imperfections), dtype=torch.float64)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        given = state.pop(prefix + "imperfections", None)
        if given is not None:
            self.imperfections = Imperfections(*given.tolist())
        super()._load_from_state_dict(state, prefix, *rest)
