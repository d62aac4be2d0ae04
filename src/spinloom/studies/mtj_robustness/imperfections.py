"""The imperfections of the study: how each is named and shown."""

from dataclasses import dataclass

from spinloom.studies.mtj_transfer.pictures import SWEEPS as TRANSFER_SWEEPS


@dataclass(frozen=True)
class Imperfection:
    """title, axis, scale (from the value to the axis) and caption of a sweep; unit: of the axis, in words.

    none: the value that stands for nominal junctions as they are, if one does. worst_first: whether small values hurt.
    """

    title: str
    axis: str
    scale: float
    caption: str
    unit: str = "%"
    none: float | None = 0.0
    worst_first: bool = False

    @classmethod
    def of_transfer(cls, name: str, unit: str, none: float | None) -> "Imperfection":
        """One that `mtj-transfer` shows too."""
        return cls(*TRANSFER_SWEEPS[name], unit=unit, none=none)


IMPERFECTIONS = {
    "spread": Imperfection.of_transfer("spread", "%", 0.0),
    "noise": Imperfection.of_transfer("noise", "%", 0.0),
    "resolution": Imperfection(
        "Accuracy against resolution",
        "bits of the converter behind each neuron",
        1,
        "Nominal junctions whose every output is rounded to 2^bits levels from -1 to 1.",
        unit="bit",
        none=None,
        worst_first=True,
    ),
    "temperature": Imperfection.of_transfer("temperature", "K", None),
    "stuck": Imperfection(
        "Accuracy against dead junctions",
        "junctions that no longer answer (%)",
        100,
        "Nominal junctions, some of which are stuck at the lowest or the highest value of their curve, half of them "
        "each, at random places.",
    ),
}
"""By name of sweep, in the order of the report."""
