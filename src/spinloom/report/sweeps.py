"""Imperfections that a network on devices is swept along: how each is named and shown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sweep:
    """title, axis, scale (from the value to the axis) and caption of a sweep; unit: of the axis, in words.

    none: the value that stands for nominal devices as they are, if one does. worst_first: whether small values hurt.
    """

    name: str
    title: str
    axis: str
    scale: float
    caption: str
    unit: str = "%"
    none: float | None = 0.0
    worst_first: bool = False


SWEEPS = {one.name: one for one in (
    Sweep("spread", "Accuracy against device spread", "standard deviation of every physical parameter (%)", 100,
          "Fabricated networks: every junction differs in diameter, thickness, anisotropy, damping, polarization and "
          "direction of its polarizers. Thermal noise of the reads is included."),
    Sweep("noise", "Accuracy against read noise", "added noise of one read (% of full scale)", 100,
          "Nominal junctions, with noise added to their own in every read of every neuron."),
    Sweep("resolution", "Accuracy against resolution", "bits of the converter behind each neuron", 1,
          "Nominal junctions whose every output is rounded to 2^bits levels from -1 to 1.",
          unit="bit", none=None, worst_first=True),
    Sweep("temperature", "Accuracy against temperature", "temperature (K)", 1,
          "Nominal junctions; only the thermal motion and the Johnson noise change, material parameters do not.",
          unit="K", none=None),
    Sweep("diameter", "Accuracy against diameter", "diameter of the junction (nm)", 1e9,
          "Nominal junctions: a smaller free layer moves more at room temperature.", unit="nm", none=None),
    Sweep("stuck", "Accuracy against dead junctions", "junctions that no longer answer (%)", 100,
          "Nominal junctions, some of which are stuck at the lowest or the highest value of their curve, half of "
          "them each, at random places."),
)}  # fmt: skip
"""By name, in the order of the reports."""
