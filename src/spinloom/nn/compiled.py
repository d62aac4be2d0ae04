"""How loops of this room are compiled."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from numba import njit

from spinloom import threads
from spinloom.kernels import shared
from spinloom.magnetism import FAST

OPTIONS: Mapping[str, Any] = {"fastmath": FAST, "error_model": "numpy"}


def compile_loop(loop: Callable[..., Any], parallel: bool, options: Mapping[str, Any] = OPTIONS) -> Callable[..., Any]:
    """Compiled at its first use, kept on disk where there is a place for it. options: of `numba.njit`."""
    every = {**options, "parallel": parallel}
    try:
        made = shared(njit(cache=True, **every)(loop), f"{loop.__module__}.{loop.__qualname__}.{parallel}")
    except RuntimeError:  # no place to keep compiled code: compile in every process
        made = njit(**every)(loop)
    if not parallel:
        return made

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        threads.start()
        return made(*arguments)

    return call
