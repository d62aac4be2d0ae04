"""Compiled code on disk, shared among processes: one compiles a function, the others wait for it and load it."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, wraps
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numba
import pooch

from spinloom import threads
from spinloom.errors import OutputError
from spinloom.files import write_text

try:
    import fcntl
except ImportError:  # Windows: every process compiles for itself
    fcntl = None  # type: ignore[assignment]


def digest(text: str) -> str:
    """16 hexadecimal digits that name the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def folder() -> Path:
    """Where the texts lie, and beside them what is compiled of them."""
    return Path(pooch.os_cache("spinloom")) / "kernels"


@cache
def build(source: str) -> ModuleType:
    """A module from its text. numba keeps what it compiles from it on disk, beside a copy of the text.

    Its public functions must not be called from compiled code: each is `shared`.
    """
    name = f"loop_{digest(source)}.py"
    path = folder() / name
    try:
        if not path.exists():
            write_text(path, source)
    except OutputError:  # no place to keep it: compile in memory, each time
        source = source.replace("cache=True", "cache=False")
    module = ModuleType(f"spinloom_{name.removesuffix('.py')}")
    sys.modules[module.__name__] = module  # numba looks there when it reads its copy on disk
    exec(compile(source, str(path), "exec"), module.__dict__)  # the text above, never the file
    for key, value in list(vars(module).items()):
        if getattr(value, "__module__", None) == module.__name__ and not key.startswith("_"):
            setattr(module, key, shared(value, path.stem))
    return module


def kept(**options: Any) -> Callable[[Any], Any]:
    """As `numba.njit`; what is compiled is kept on disk where there is a place for it."""

    def compiled(function: Any) -> Any:
        try:
            return numba.njit(cache=True, **options)(function)
        except RuntimeError:  # no place: compile in every process
            return numba.njit(**options)(function)

    return compiled


def compile_loop(loop: Any, options: Mapping[str, Any]) -> dict[bool, Callable[..., Any]]:
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


def shared(function: Any, name: str) -> Callable[..., Any]:
    """The same compiled function; while it compiles for new types, other processes wait for the lock of this name.

    function: of `numba.njit`. Types are told apart by those of the first two arguments; where the others differ too,
    each process compiles for itself.
    """
    if not hasattr(function, "py_func"):  # numba is told not to compile
        return function
    ready = set()

    def call(*arguments: Any) -> Any:
        kind = tuple(getattr(argument, "dtype", None) for argument in arguments[:2])
        if kind not in ready:
            with _alone(folder() / f"{name}.lock"):
                function.compile(tuple(map(numba.typeof, arguments)))
            ready.add(kind)
        return function(*arguments)

    return call


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process at a time; all of them where there is no place for a lock."""
    with ExitStack() as stack:
        with suppress(OSError):
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(lock, "a"))
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
