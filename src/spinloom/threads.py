"""The threads of compiled loops: numba and PyTorch share OpenMP, whose default numba sets when its threads start."""

from functools import cache

import numba
import torch


@cache
def start() -> None:
    """Start the threads of compiled loops, once; PyTorch keeps the number it has been given."""
    given = torch.get_num_threads()
    numba.get_num_threads()  # starts them where they do not run yet
    if torch.get_num_threads() != given:
        torch.set_num_threads(given)
