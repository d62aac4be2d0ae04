"""The threads of compiled loops: numba and PyTorch share OpenMP, whose default numba sets when its threads start."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba
import torch


@cache
def start() -> None:
    """Start the threads of compiled loops, once; PyTorch keeps the number it has been given."""
    given = torch.get_num_threads()
    numba.get_num_threads()  # starts them where they do not run yet
    if torch.get_num_threads() != given:
        torch.set_num_threads(given)


def share(loop: Callable[..., None], arguments: tuple[Any, ...], parts: int, alone: bool) -> None:
    """Call loop(*arguments, start, end), which is compiled without the GIL, for all of 0..parts.

    Unless `alone`, the parts are shared among as many threads of Python as PyTorch has: with numba's own a loop
    compiles twice as long.
    """
    cores = 1 if alone else min(torch.get_num_threads(), parts)
    bounds = [core * parts // cores for core in range(cores + 1)]
    if cores == 1:
        loop(*arguments, *bounds)
        return
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda start, end: loop(*arguments, start, end), bounds, bounds[1:]))
