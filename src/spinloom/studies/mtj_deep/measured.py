"""What one run of the study measured."""

from dataclasses import dataclass

from spinloom.evaluation import BackwardMemory, InferenceCost, Population


@dataclass(frozen=True)
class Measured:
    """Accuracies: software, the same with folded batch norms, and on junctions.

    fabricated: networks as transferred. refreshed: the same instances, batch norms measured anew on unlabelled images.
    before, tuned: instances trained in place for one pass, before and after it; None where this was left out.
    """

    software: float
    folded: float
    nominal: Population
    fabricated: Population
    refreshed: Population
    before: Population | None
    tuned: Population | None
    memory: BackwardMemory
    cost: InferenceCost | None
