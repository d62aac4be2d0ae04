"""How loops of this room are compiled."""

from collections.abc import Callable, Mapping
from functools import wraps
from types import FunctionType
from typing import Any

from numba import njit

from spinloom import threads
from spinloom.kernels import shared
from spinloom.magnetism import FAST

OPTIONS: Mapping[str, Any] = {"fastmath": FAST, "error_model": "numpy"}


def compile_loop(loop: Callable[..., Any], options: Mapping[str, Any] = OPTIONS) -> dict[bool, Callable[..., Any]]:
    """On one core (False) and on all (True): `prange` in the loop is then shared among them.

    Compiled at its first use, kept on disk where there is a place for it. options: of `numba.njit`.
    """
    return {parallel: _compiled(loop, {**options, "parallel": parallel}) for parallel in (False, True)}


def _compiled(loop: Any, options: dict[str, Any]) -> Callable[..., Any]:
    own = FunctionType(loop.__code__, loop.__globals__, loop.__name__)
    # numba names what it keeps by the function, not by its options
    own.__qualname__ = f"{loop.__qualname__}_{'all_cores' if options['parallel'] else 'one_core'}"
    try:
        made = shared(njit(cache=True, **options)(own), f"{own.__module__}.{own.__qualname__}")
    except RuntimeError:  # no place to keep compiled code: compile in every process
        made = njit(**options)(own)
    if not options["parallel"]:
        return made

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        threads.start()
        return made(*arguments)

    return call
