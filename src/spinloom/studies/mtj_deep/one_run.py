"""One run of the study, all that its result is made from."""

from dataclasses import dataclass

from spinloom.data import ImageSet
from spinloom.devices import DeviceSource
from spinloom.studies.mtj_deep.measured import Measured
from spinloom.studies.mtj_deep.plan import Plan
from spinloom.studies.mtj_deep.settings import Settings
from spinloom.studies.mtj_deep.software import Software


@dataclass(frozen=True)
class Run:
    """seconds: of this run; resumed: whether it took results of an earlier one. reason: why these images."""

    settings: Settings
    plan: Plan
    test: ImageSet
    reason: str
    software: Software
    junctions: DeviceSource
    found: Measured
    seconds: float
    resumed: bool = False
