"""The learning rate over a training: up to its peak in a fifth of the steps, down to nothing in the rest."""

import torch
from torch.optim.lr_scheduler import OneCycleLR

_RISE = 0.2


def one_cycle(optimiser: torch.optim.Optimizer, rate: float, steps: int) -> OneCycleLR:
    """PyTorch's one-cycle schedule (Smith and Topin, arXiv 1708.07120) over `steps` >= 1, with `rate` as its peak.

    A single step is the first of two: the last of all has no rate. With five the rise would end at the very first step,
    which PyTorch divides by; a little less of it leaves that step near the peak, as with four.
    """
    rise = _RISE if round(_RISE * steps, 9) != 1 else 0.9 * _RISE
    return OneCycleLR(optimiser, rate, total_steps=max(steps, 2), pct_start=rise)
