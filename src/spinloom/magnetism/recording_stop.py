"""Criteria that end a recorded run before its time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from spinloom.errors import InputError, unknown_name
from spinloom.magnetism.drives import Quantity


@dataclass(frozen=True)
class WhenMean:
    """The criterion of `when_mean`."""

    component: Literal["x", "y", "z"]
    below: Quantity | None
    above: Quantity | None

    def holds(self, mean: torch.Tensor) -> bool:
        """Whether it is met by averages (3, *batch), in every member."""
        value = mean["xyz".index(self.component)]
        low = True if self.below is None else bool((value < torch.as_tensor(self.below)).all())
        return low and (self.above is None or bool((value > torch.as_tensor(self.above)).all()))


def when_mean(
    component: Literal["x", "y", "z"], *, below: Quantity | None = None, above: Quantity | None = None
) -> WhenMean:
    """End a run when the mean of a component over the cells with material is beyond a limit, in all members at once.

    `when_mean("x", below=-0.5)` waits for a magnet that starts along +x to switch. With both limits it must lie between
    them. Raises InputError for an unknown component, no limit, or limits that |m| = 1 cannot pass.
    """
    if component not in ("x", "y", "z"):
        raise unknown_name("component", str(component), ("x", "y", "z"))
    limits = [torch.as_tensor(limit) for limit in (below, above) if limit is not None]
    if not limits or not all(bool((limit.abs() < 1).all()) for limit in limits):
        raise InputError(f"when_mean needs below or above, between -1 and 1; got below={below!r}, above={above!r}")
    return WhenMean(component, below, above)


Stop = Callable[[float, torch.Tensor], bool] | WhenMean
"""Called with the time (s) and the state after each record; must depend on them only, or a resumed run differs."""
