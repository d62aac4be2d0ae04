"""How loops of this room are compiled."""

from collections.abc import Callable, Mapping
from functools import wraps
from types import FunctionType
from typing import Any

from spinloom import threads
from spinloom.kernels import kept, shared
from spinloom.magnetism import FAST

OPTIONS: Mapping[str, Any] = {"fastmath": FAST, "error_model": "numpy"}


def compile_loop(loop: Any, options: Mapping[str, Any] = OPTIONS) -> dict[bool, Callable[..., Any]]:
    """On one core (False) and on all (True): `prange` in the loop is then shared among them.

    Compiled at its first use, kept on disk where there is a place for it. options: of `numba.njit`.
    """

    def compiled(parallel: bool) -> Callable[..., Any]:
        own, wanted = FunctionType(loop.__code__, loop.__globals__, loop.__name__), {**options, "parallel": parallel}
        # numba names what it keeps by the function, not by its options
        own.__qualname__ = f"{loop.__qualname__}_{'all_cores' if parallel else 'one_core'}"
        made = shared(kept(**wanted)(own), f"{own.__module__}.{own.__qualname__}")
        if not parallel:
            return made

        @wraps(loop)
        def call(*arguments: Any) -> Any:
            threads.start()
            return made(*arguments)

        return call

    return {parallel: compiled(parallel) for parallel in (False, True)}
