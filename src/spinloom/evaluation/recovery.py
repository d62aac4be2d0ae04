"""How much of a loss is won back on the same instances, by tuning them in place say."""

import math
from dataclasses import dataclass
from statistics import fmean, stdev


@dataclass(frozen=True)
class Recovery:
    """Accuracies (0..1) of instances, one each: before and after. software: of the network that they are made from."""

    before: tuple[float, ...]
    after: tuple[float, ...]
    software: float

    def shares(self) -> tuple[float | None, ...]:
        """Share of the loss that was won back, per instance; None where nothing was lost."""
        return tuple(_share(self.software, *pair) for pair in zip(self.before, self.after, strict=True))

    @property
    def mean(self) -> float | None:
        """Mean gain over mean loss, which an instance that lost little does not upset; None without a loss."""
        return _share(self.software, fmean(self.before), fmean(self.after))

    @property
    def standard_error(self) -> float | None:
        """Of `mean`, a ratio of two means (delta method); None for one instance or no loss."""
        share = self.mean
        if share is None or len(self.before) < 2:
            return None
        pairs = zip(self.before, self.after, strict=True)
        residuals = [after - before - share * (self.software - before) for before, after in pairs]
        return stdev(residuals) / math.sqrt(len(residuals)) / (self.software - fmean(self.before))


def _share(software: float, before: float, after: float) -> float | None:
    return (after - before) / (software - before) if software > before else None
