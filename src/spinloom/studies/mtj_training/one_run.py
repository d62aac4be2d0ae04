"""One run of the study, all that its result is made from."""

from dataclasses import dataclass

from spinloom.data import ImageSet
from spinloom.studies.mtj_training.measurements import Found
from spinloom.studies.mtj_training.plan import Plan
from spinloom.studies.mtj_training.settings import Settings
from spinloom.studies.mtj_training.ways import Hardware


@dataclass(frozen=True)
class Run:
    """seconds: of this run; resumed: whether it took results of an earlier one. reason: why these images."""

    settings: Settings
    plan: Plan
    hardware: Hardware
    train: ImageSet
    test: ImageSet
    reason: str
    found: Found
    seconds: float
    resumed: bool = False

    @property
    def chip_spread(self) -> str:
        """Of the instances tuned in place, in words."""
        simulated = self.hardware.junctions.simulated
        return f"{100 * self.settings.chip_spread:g} % spread" if simulated else "the spread of the file"
