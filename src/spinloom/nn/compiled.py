"""How loops of this room are compiled."""

from collections.abc import Callable, Mapping
from typing import Any

from spinloom import kernels
from spinloom.magnetism import FAST

OPTIONS: Mapping[str, Any] = {"fastmath": FAST, "error_model": "numpy"}


def compile_loop(loop: Any, options: Mapping[str, Any] = OPTIONS) -> dict[bool, Callable[..., Any]]:
    """As `spinloom.kernels.compile_loop`."""
    return kernels.compile_loop(loop, options)
