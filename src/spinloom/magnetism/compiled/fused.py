"""The compiled hot loop: fixed-step schemes for batches of cells that do not feel each other.

A batch is cut into blocks of lanes. A block keeps state, parameters and generators in one small buffer and runs all its
steps before the next block starts, so nothing leaves the first-level cache; the innermost loop runs over lanes and is
vectorised. Blocks are shared among the cores. The body is traced from `steps.py` and `rates.py` (see `trace.py`) and
compiled by numba, which brings its own compiler.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pooch

from spinloom import threads
from spinloom.errors import OutputError
from spinloom.files import write_text
from spinloom.magnetism.compiled import blocks, normals
from spinloom.magnetism.compiled.blocks import LANES
from spinloom.magnetism.compiled.trace import Loads, Symbol, Trace
from spinloom.magnetism.engine.rates import Layout, llgs
from spinloom.magnetism.engine.steps import STEPS

MEMORY = {"rk4": 0, "heun": 0, "abm3": 2}
"""Earlier rates that a scheme carries from step to step."""

Known = tuple[tuple[int, float], ...]

# Rows of a block's buffer: state (3), drift, noise (4), memory (3 each), parameters, drives of the three stages.
_DRIFT, _NOISE, _MEMORY = 3, 4, 8


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _source(layout: Layout, method: str, thermal: bool, known: Known) -> str:
    """Text of the loop for this structure."""
    memory = MEMORY[method]
    parameters = _MEMORY + 3 * memory
    drives = parameters + layout.rows
    trace = Trace()
    cell = Loads(trace, lambda row: f"b[{row * LANES} + i]")
    rows = Loads(trace, lambda row: f"b[{(parameters + row) * LANES} + i]", dict(known))
    h = Symbol("h", trace)
    state = (cell[0], cell[1], cell[2])
    push = None
    if thermal:
        scale = rows[2] * Symbol("noise_scale", trace)
        push = (scale * cell[_NOISE], scale * cell[_NOISE + 1], scale * cell[_NOISE + 2])

    def rate(m, stage):  # type: ignore[no-untyped-def]
        start = drives + stage * layout.channels
        waves = Loads(trace, lambda channel: f"b[{(start + channel) * LANES} + i]")
        return llgs(m, push, rows, waves, layout)

    carried = tuple(tuple(cell[_MEMORY + 3 * k + axis] for axis in range(3)) for k in range(memory))
    new, carried = STEPS[method](rate, state, h, carried)  # type: ignore[arg-type]
    keep = [(_MEMORY + 3 * k + axis, value) for k, rates in enumerate(carried) for axis, value in enumerate(rates)]
    square = new[0] * new[0] + new[1] * new[1] + new[2] * new[2]
    body = [
        *trace.lines,
        f"off = abs({square.name} - one)",
        f"worst = b[{_DRIFT * LANES} + i]",
        f"b[{_DRIFT * LANES} + i] = worst if worst > off else off",  # a NaN goes through
        f"inverse = one / np.sqrt({square.name})",
        *(f"b[{axis * LANES} + i] = {new[axis].name} * inverse" for axis in range(3)),
        *(f"b[{row * LANES} + i] = {trace.text(value)}" for row, value in keep),
    ]
    return _TEMPLATE.format(
        lanes=LANES,
        pieces=digest(inspect.getsource(blocks) + inspect.getsource(normals)),
        size=(drives + 3 * layout.channels) * LANES,
        constants="\n".join(f"    {name} = number({value!r})" for value, name in trace.constants.items()),
        thermal=thermal,
        parameters=parameters,
        drives=drives,
        body="\n".join(" " * 16 + line for line in body),
    )


_TEMPLATE = '''"""Written by spinloom.magnetism.compiled.fused (pieces {pieces}); made anew when missing."""

import numpy as np
from numba import njit, prange

from spinloom.magnetism.compiled.blocks import FAST, fill_noise, load, load_waves, store


@njit(fastmath=FAST, parallel=True, cache=True, error_model="numpy")
def loop(m, rows, memory, state, waves, steady, h, before, steps, every, out, drift):
    number = m.dtype.type
    one = number(1)
    noise_scale = one / np.sqrt(h)
{constants}
    for block in prange((m.shape[1] + {lanes} - 1) // {lanes}):
        first = block * {lanes}
        lanes = min({lanes}, m.shape[1] - first)
        b = np.zeros({size}, dtype=m.dtype)
        words = np.empty(4 * {lanes}, dtype=np.uint32)
        load(m, first, lanes, b, 0)
        load(drift, first, lanes, b, 3)
        load(memory, first, lanes, b, 8)
        load(rows, first, lanes, b, {parameters})
        if {thermal}:
            load(state, first, lanes, words, 0)
        for step in range(steps):
            for stage in range(3 if step == 0 or not steady else 0):
                load_waves(waves, 2 * step + stage, stage, first, lanes, b, {drives})
            if {thermal}:
                fill_noise(words, lanes, b, 4)
            for i in range(lanes):
{body}
            done = before + step + 1
            if done % every == 0:
                store(b, 0, out[done // every - 1], first, lanes)
        store(b, 0, m, first, lanes)
        store(b, 3, drift, first, lanes)
        store(b, 8, memory, first, lanes)
        if {thermal}:
            store(words, 0, state, first, lanes)
'''


@cache
def compiled(layout: Layout, method: str, thermal: bool, known: Known = ()) -> Callable[..., None]:
    """The loop for this structure, compiled at its first call (seconds) and kept on disk for the next process.

    known: parameter rows that are 0 or 1 for the whole batch; their arithmetic vanishes from the loop.

    Call as loop(m, rows, memory, state, waves, steady, h, before, steps, every, out, drift):
    m (3, n), rows (rows, n), memory (3 k, n), out (records, 3, n), drift (1, n) of one float type, state (4, n) uint32,
    waves (2 steps + 1, channels, 1 or n) with the drives at every half step (steady: all alike), h a scalar of that
    type (ns).
    `before` steps are done already; after each `every`-th the state goes to its place in out.
    m, memory, state, out and drift (largest abs(|m|^2 - 1) before renormalisation) are written in place.
    """
    threads.start()
    return build(_source(layout, method, thermal, known)).loop


def build(source: str) -> ModuleType:
    """A module from its text. numba keeps what it compiles from it on disk, beside a copy of the text."""
    name = f"loop_{digest(source)}.py"
    path = Path(pooch.os_cache("spinloom")) / "kernels" / name
    try:
        if not path.exists():
            write_text(path, source)
    except OutputError:  # no place to keep it: compile in memory, each time
        source = source.replace("cache=True", "cache=False")
    module = ModuleType(f"spinloom_{name.removesuffix('.py')}")
    sys.modules[module.__name__] = module  # numba looks there when it reads its copy on disk
    exec(compile(source, str(path), "exec"), module.__dict__)  # the text above, never the file
    return module
