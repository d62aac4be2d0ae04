"""Gradient descent between bounds, every evaluation kept on disk."""

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize

from spinloom.files import write_text
from spinloom.progress import Report, silent

STRETCH = 8.0
"""The method's first step has length 1: an eighth of the way between the bounds."""
Terms = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]
"""From shares (n,) of the free parameters to the parts of the objective."""


@dataclass(frozen=True)
class Descent:
    """shares (evaluations, n) and the parts of the objective at each; best: the evaluation of the least sum."""

    shares: list[list[float]]
    terms: list[dict[str, float]]

    @property
    def best(self) -> int:
        return self.progress[-1]

    @property
    def progress(self) -> list[int]:
        """Evaluations that were better than all before them; the others are trials of a line search."""
        totals = [sum(parts.values()) for parts in self.terms]
        before = accumulate(totals, min, initial=math.inf)
        return [number for number, (total, least) in enumerate(zip(totals, before, strict=False)) if total < least]


class _Enough(Exception):
    """Ends a search, inside of a line search too."""


def descend(
    terms: Terms, start: list[float], evaluations: int, checkpoint: Path, report: Report = silent
) -> dict[str, Any]:
    """L-BFGS-B (R. Byrd et al., SIAM J. Sci. Comput. 16, 1190 (1995)) on shares that are held in 0..1.

    checkpoint: the evaluations done. A killed run takes the same ones from there (the method draws nothing at random),
    so the file must belong to the same terms and start; it is removed at the end. `evaluations` are made at most.
    Returns the fields of `Descent`, plain numbers. Raises OutputError.
    """
    done: list[dict[str, Any]] = []
    with suppress(OSError, ValueError):
        done = json.loads(checkpoint.read_text())
    taken = 0

    def evaluate(stretched: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal taken
        if taken == evaluations:
            raise _Enough
        shares = (stretched / STRETCH).tolist()
        if taken == len(done) or done[taken]["shares"] != shares:
            given = torch.tensor(shares, dtype=torch.float64, requires_grad=True)
            parts = terms(given)
            (slope,) = torch.autograd.grad(torch.stack(list(parts.values())).sum(), given)
            found = {name: float(part.detach()) for name, part in parts.items()}
            done[taken:] = [{"shares": shares, "terms": found, "slope": slope.tolist()}]
            write_text(checkpoint, json.dumps(done))
        taken += 1
        totals = [sum(one["terms"].values()) for one in done[:taken]]
        report(taken, evaluations, f"{min(totals):.4g}")
        return totals[-1], np.array(done[taken - 1]["slope"]) / STRETCH

    start_at, bounds = STRETCH * np.array(start), [(0, STRETCH)] * len(start)
    with suppress(_Enough):
        minimize(evaluate, start_at, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-5})
    checkpoint.unlink(missing_ok=True)
    return {"shares": [one["shares"] for one in done], "terms": [one["terms"] for one in done]}
