"""Which frequency serves which input or resonator: linear or geometric grids in a band."""

from dataclasses import dataclass

import torch

from spinloom.errors import InputError, require_positive, unknown_name

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
            raise InputError(
                f"the band must go from a lower to a higher frequency, got {self.low:g} to {self.high:g} Hz"
            )

    def check(self, name: str, frequencies: torch.Tensor) -> None:
        """Raise InputError unless all of these (Hz) are finite and lie in the band (to 1e-6)."""
        outside = ~((frequencies >= self.low * (1 - 1e-6)) & (frequencies <= self.high * (1 + 1e-6)))
        if bool(outside.any()):
            worst = float(frequencies[outside].flatten()[0])
            raise InputError(
                f"{name} must lie in the band, {self.low:g} to {self.high:g} Hz; {int(outside.sum())} do not, "
                f"the first is {worst:g} Hz"
            )


def plan(
    kind: str, count: int, band: Band, linewidth: float | None = None, per_linewidth: float = RESOLVED
) -> torch.Tensor:
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
