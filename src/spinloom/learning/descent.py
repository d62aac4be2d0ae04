"""Gradient descent between bounds, every evaluation kept on disk."""

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
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
        least, found = math.inf, []
        for number, total in enumerate(sum(parts.values()) for parts in self.terms):
            if total < least:
                least = total
                found.append(number)
        return found


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
    done = _load(checkpoint)
    taken = 0

    def evaluate(shares: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal taken
        if taken == evaluations:
            raise _Enough
        if taken == len(done) or done[taken]["shares"] != shares.tolist():
            del done[taken:]
            done.append(_evaluation(terms, shares))
            write_text(checkpoint, json.dumps(done))
        taken += 1
        least = min(sum(one["terms"].values()) for one in done[:taken])
        report(taken, evaluations, f"{least:.4g}")
        return sum(done[taken - 1]["terms"].values()), np.array(done[taken - 1]["slope"])

    def scaled(stretched: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = evaluate(stretched / STRETCH)
        return value, slope / STRETCH

    bounds = [(0, STRETCH)] * len(start)
    with suppress(_Enough):
        minimize(scaled, STRETCH * np.array(start), jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-5})
    checkpoint.unlink(missing_ok=True)
    return {"shares": [one["shares"] for one in done], "terms": [one["terms"] for one in done]}


def _evaluation(terms: Terms, shares: np.ndarray) -> dict[str, Any]:
    given = torch.tensor(shares, dtype=torch.float64, requires_grad=True)
    parts = terms(given)
    total = torch.stack(list(parts.values())).sum()
    (slope,) = torch.autograd.grad(total, given)
    return {
        "shares": shares.tolist(),
        "terms": {name: float(part.detach()) for name, part in parts.items()},
        "slope": slope.tolist(),
    }


def _load(checkpoint: Path) -> list[dict[str, Any]]:
    try:
        done = json.loads(checkpoint.read_text())
    except (OSError, ValueError):
        return []
    return done if isinstance(done, list) else []
