"""The text of the compiled loops: formulas traced into straight-line Python.

`rates.py` and `schemes.py` are ordinary arithmetic on components. On tensors they simply run; on `Symbol`s they write
one assignment per operation. Loops over terms disappear on the way, every parameter is read once: what is left is the
body of a loop that a compiler vectorises.
"""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import torch

from spinloom.magnetism.compiled.pieces import LANES, PIECES
from spinloom.magnetism.engine.rates import BASE_ROWS, By, Layout, RightHandSide, Space, llgs
from spinloom.magnetism.engine.schemes import MEMORY, STEPS
from spinloom.magnetism.magnet import Components
from spinloom.magnetism.terms.exchange import moved

# Rows of a block's buffer: state (3), drift, noise (4), memory (3 each), parameters, drives of the three stages.
_DRIFT, _NOISE, _MEMORY = 3, 4, 8
_LANES = 256
_STRIDE = _LANES + 2
_STARTS = {
    "m": "pad + {row} * cells + here",
    "site": "{row} * site_row + pad + there",
    "cell": "{row} * cell_row + pad + here",
    "stray": "{row} * cells + here",
    "noise": "{row} * cells + here",
}
"""Where a block's first value stands in each array, row (or component) by row."""
_STRIDES = ("1", "nx", "nx * ny")


@dataclass
class Trace:
    """Lines of code, named constants and loads seen so far."""

    lines: list[str] = field(default_factory=list)
    constants: dict[float, str] = field(default_factory=dict)
    loads: dict[str, str] = field(default_factory=dict)

    def assign(self, expression: str) -> "Symbol":
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return Symbol(name, self)

    def text(self, value: "Value") -> str:
        if isinstance(value, Symbol):
            return value.name
        return self.constants.setdefault(float(value), f"c{len(self.constants)}")

    def load(self, source: str) -> "Symbol":
        """The value of `source`, read once."""
        if source not in self.loads:
            self.loads[source] = self.assign(source).name
        return Symbol(self.loads[source], self)


@dataclass(frozen=True)
class Symbol:
    """A scalar whose arithmetic is written down; products with 0 and 1 and sums with 0 vanish."""

    name: str
    trace: Trace

    def __add__(self, other: "Value") -> "Value":
        return self if other == 0 else self._write(self, "+", other)

    __radd__ = __add__

    def __sub__(self, other: "Value") -> "Value":
        return self if other == 0 else self._write(self, "-", other)

    def __rsub__(self, other: "Value") -> "Value":
        return -self if other == 0 else self._write(other, "-", self)

    def __mul__(self, other: "Value") -> "Value":
        if other == 0:
            return 0.0
        return self if other == 1 else self._write(self, "*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: "Value") -> "Value":
        return self._write(self, "/", other)

    def __neg__(self) -> "Symbol":
        return self.trace.assign(f"-{self.name}")

    def _write(self, left: "Value", operator: str, right: "Value") -> "Symbol":
        return self.trace.assign(f"{self.trace.text(left)} {operator} {self.trace.text(right)}")


Value = Symbol | float


def macrospin_loop(layout: Layout, method: str, thermal: bool, known: tuple[tuple[int, float], ...]) -> str:
    """Text of a module with the function `loop`, see `compiled`.

    The innermost loop runs over the lanes of a block, see `CompiledRun`.
    """
    memory, trace = MEMORY[method], Trace()
    parameters, channels = _MEMORY + 3 * memory, sum(driven for _, _, driven in layout)
    drives = parameters + BASE_ROWS + sum(count for _, count, _ in layout)
    cell = By(lambda row: trace.load(f"b[{row * LANES} + i]"))
    fixed = dict(known)
    rows = By(lambda row: fixed[row] if row in fixed else cell[parameters + row])
    state, push = (cell[0], cell[1], cell[2]), None
    if thermal:
        scale = rows[2] * Symbol("noise_scale", trace)
        push = (scale * cell[_NOISE], scale * cell[_NOISE + 1], scale * cell[_NOISE + 2])

    def rate(m, stage):  # type: ignore[no-untyped-def]
        start = drives + stage * channels
        return llgs(m, push, rows, By(lambda channel: cell[start + channel]), layout)

    carried = tuple(tuple(cell[_MEMORY + 3 * k + axis] for axis in range(3)) for k in range(memory))
    new, carried = STEPS[method](rate, state, Symbol("h", trace), carried)
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
    return _MACROSPINS.format(
        lanes=LANES,
        pieces=PIECES,
        size=(drives + 3 * channels) * LANES,
        constants="\n".join(f"    {name} = numbers[{k}]" for k, name in enumerate(trace.constants.values())),
        numbers=tuple(trace.constants),
        thermal=thermal,
        parameters=parameters,
        drives=drives,
        body="\n".join(" " * 16 + line for line in body),
    )


_MACROSPINS = '''"""Written by spinloom.magnetism.compiled.source (pieces {pieces}); made anew when missing."""

import numpy as np
from numba import njit

from spinloom.magnetism.compiled.pieces import FAST, fill_noise, load, load_waves, store

NUMBERS = {numbers}


@njit(fastmath=FAST, nogil=True, cache=True, error_model="numpy")
def loop(m, rows, memory, state, waves, steady, h, before, steps, every, out, drift, numbers, start, end):
    number = m.dtype.type
    one = number(1)
    noise_scale = one / np.sqrt(h)
{constants}
    for block in range(start, end):
        first = block * {lanes}
        lanes = min({lanes}, m.shape[1] - first)
        room = np.zeros({size} + 16, dtype=m.dtype)  # the buffer begins where a line of the cache does
        skip = (-room.ctypes.data % 64) // room.itemsize
        b = room[skip : skip + {size}]
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


class Block:
    """Collects the parameters, numbers the places of a block's buffer and writes the copies that fill them.

    The cells of a member are cut into blocks. A block copies what it needs (state, neighbours, tables, stray field)
    into one small buffer, whose places surely do not overlap, and computes from there: so the compiler can vectorise.
    A place holds _LANES values and one more on either side, so that neighbours along x need no copy of their own.
    """

    def __init__(self, batch: torch.Size, mesh: torch.Size, dtype: torch.dtype) -> None:
        self.batch, self.mesh, self.dtype = batch, mesh, dtype
        self.trace, self.places = Trace(), count()
        self._tables: dict[str, list[torch.Tensor]] = {"member": [], "site": [], "cell": []}
        self._parameters: dict[int, tuple[torch.Tensor, float | tuple[str, int]]] = {}
        self._groups: dict[tuple[str, int, int], dict[int, int]] = {}
        self.scalars: dict[str, str] = {}

    def value(self, parameter: torch.Tensor, axis: int = 0, shift: int = 0) -> Value:
        """A parameter that broadcasts over (*batch, nz, ny, nx), in this cell or `shift` cells along the axis."""
        if id(parameter) not in self._parameters:
            self._parameters[id(parameter)] = parameter, self._placed(parameter.detach())
        _, place = self._parameters[id(parameter)]
        if isinstance(place, float):
            return place
        return self.scalar(f"member[{place[1]}, number]") if place[0] == "member" else self.array(*place, axis, shift)

    def scalar(self, source: str) -> Value:
        """A number of each member, such as the waveform of a drive."""
        return Symbol(self.scalars.setdefault(source, f"p{len(self.scalars)}"), self.trace)

    def array(self, name: str, row: int, axis: int = 0, shift: int = 0) -> Value:
        """A row of one of the arrays of _STARTS, in this cell or `shift` cells along the axis."""
        along_x = axis == 0 and abs(shift) == 1
        group = self._groups.setdefault((name, axis, 0 if along_x else shift) if shift else (name, 0, 0), {})
        if row not in group:
            group[row] = next(self.places)
        return self.trace.load(_at(group[row], shift if along_x else 0))

    def table(self, kind: str, pad: int) -> np.ndarray:
        """The parameters of a kind: member (rows, members), site (rows, pad + sites + pad), cell (rows, pad + cells +
        pad), padded with zeros so that a neighbour's value may be read beyond the ends."""
        rows = [row.to(self.dtype).reshape(-1) for row in self._tables[kind]]
        if not rows:
            return torch.zeros(1, 1, dtype=self.dtype).numpy()
        return np.ascontiguousarray(np.pad(torch.stack(rows).numpy(), ((0, 0), (pad, pad))))

    @property
    def loads(self) -> list[str]:
        """One call for each row of each array."""
        lines = []
        for (name, axis, shift), rows in self._groups.items():
            away = f" {'+' if shift > 0 else '-'} {abs(shift)} * {_STRIDES[axis]}" if shift else ""
            for row, place in rows.items():
                start = _STARTS[name].format(row=row)
                if name in ("stray", "noise"):  # without a pad: their neighbours are never read
                    lines.append(f"copy({name}, {start}, lanes, b, {place * _STRIDE + 1})")
                else:
                    lines.append(f"copy({name}, {start}{away} - 1, lanes + 2, b, {place * _STRIDE})")
        return lines

    def _placed(self, value: torch.Tensor) -> float | tuple[str, int]:
        """A value that is 0 or 1 everywhere; else the table and row that now hold it."""
        for known in (0.0, 1.0):
            if bool((value == known).all()):
                return known
        if value.ndim == 0 or value.shape[-3:].numel() == 1:
            kind, value = "member", value.reshape(value.shape[:-3]).expand(self.batch)
        elif value.shape[:-3].numel() == 1:
            kind, value = "site", value.reshape(value.shape[-3:]).expand(self.mesh)
        else:
            kind, value = "cell", value.expand(*self.batch, *self.mesh)
        self._tables[kind].append(value)
        return kind, len(self._tables[kind]) - 1


def _at(place: int, shift: int = 0) -> str:
    """A cell's value in the buffer."""
    return f"b[{place * _STRIDE + 1 + shift} + i]"


def _link_fields(block: Block, space: Space, m: Components) -> list[Value]:
    """What the links add to W, as `rates._link_field` has it."""
    total: list[Value] = [0.0, 0.0, 0.0]
    for axis, shift, s, ds in space.links:
        up = [block.array("m", c, axis, shift) for c in range(3)]
        down = [block.array("m", c, axis, -shift) for c in range(3)]
        if s is not None:
            here, below = block.value(s), block.value(s, axis, -shift)
            total = [total[c] + (here * (up[c] - m[c]) + below * (down[c] - m[c])) for c in range(3)]
        for c, d in enumerate(ds):
            if d is not None:
                here, below = block.value(d), block.value(d, axis, -shift)
                a, b = (c + 1) % 3, (c + 2) % 3
                total[a] = total[a] + (below * down[b] - here * up[b])
                total[b] = total[b] + (here * up[a] - below * down[a])
    per_energy = block.value(space.per_energy)
    return [per_energy * part for part in total]


def _flow_fields(block: Block, space: Space, m: Components, first: int) -> list[Value]:
    """What the Zhang-Li torques add to W, as `rates._flow_field` has it; first: channel of the first one."""
    total: list[Value] = [0.0, 0.0, 0.0]
    here = torch.ones(block.mesh) if space.inside is None else space.inside.to(torch.float32)
    # 1 where a cell and its next neighbour both hold material
    faces = {axis: here * moved(here, axis, 1) for axis in range(3) if space.flows and block.mesh[2 - axis] > 1}
    for number, flow in enumerate(space.flows):
        v: list[Value] = [0.0, 0.0, 0.0]
        for axis, face in faces.items():
            rate, up, down = block.value(flow.rates[axis]), block.value(face), block.value(face, axis, -1)
            for c in range(3):
                ahead, behind = block.array("m", c, axis, 1), block.array("m", c, axis, -1)
                v[c] = v[c] + rate * (up * (ahead - m[c]) + down * (m[c] - behind))
        wave, xi = block.scalar(f"waves[{first + number}, number]"), block.value(flow.nonadiabaticity)
        for c in range(3):
            a, b = (c + 1) % 3, (c + 2) % 3
            total[c] = total[c] - wave * ((m[a] * v[b] - m[b] * v[a]) + xi * v[c])
    return total


def mesh_rate(block: Block, rhs: RightHandSide, thermal: bool, parallel: bool) -> str:
    """Text of a module with the function `rate`; parallel: on all cores. Collects the parameters in the block."""
    space = rhs.space
    assert space is not None
    m = (block.array("m", 0), block.array("m", 1), block.array("m", 2))
    links, flows = _link_fields(block, space, m), _flow_fields(block, space, m, len(rhs.drives) - len(space.flows))
    extra = [a + b for a, b in zip(links, flows, strict=True)]
    if space.demag is not None:
        share = block.value(space.per_share)
        extra = [e + share * block.array("stray", c) for c, e in enumerate(extra)]
    rows = By(lambda index: block.value(rhs.rows[index]))
    if thermal:
        sigma = rows[2] * Symbol("noise_scale", block.trace)
        extra = [e + sigma * block.array("noise", c) for c, e in enumerate(extra)]
    waves = By(lambda channel: block.scalar(f"waves[{channel}, number]"))
    rate = llgs(m, (extra[0], extra[1], extra[2]), rows, waves, rhs.layout)
    out = [next(block.places) for _ in range(3)]
    body = [*block.trace.lines, *(f"{_at(place)} = {block.trace.text(rate[c])}" for c, place in enumerate(out))]
    return _MESH.format(
        lanes=_LANES,
        size=next(block.places) * _STRIDE,
        out=[place * _STRIDE + 1 for place in out],
        constants="\n".join(f"    {name} = kind({value!r})" for value, name in block.trace.constants.items()),
        scalars="\n".join(f"{' ' * 12}{name} = {value}" for value, name in block.scalars.items()) or " " * 12 + "pass",
        loads="\n".join(" " * 12 + line for line in block.loads),
        body="\n".join(" " * 16 + line for line in body),
        parallel=parallel,
        pieces=PIECES,
    )


_MESH = '''"""Written by spinloom.magnetism.compiled.source (pieces {pieces}); made anew when missing."""

import numpy as np
from numba import njit, prange

from spinloom.magnetism.compiled.pieces import FAST, copy


@njit(fastmath=FAST, parallel={parallel}, cache=True, error_model="numpy")
def rate(m, stray, member, site, site_row, cell, cell_row, waves, noise, noise_scale, out, shape, pad, parts):
    kind = m.dtype.type
    members, nz, ny, nx = shape
    per = nz * ny * nx
    cells, blocks = members * per, (per + {lanes} - 1) // {lanes}
{constants}
    for part in prange(parts):
        b = np.empty({size}, dtype=m.dtype)
        for block in range(members * blocks * part // parts, members * blocks * (part + 1) // parts):
            number = block // blocks
{scalars}
            there = (block - number * blocks) * {lanes}
            lanes = min({lanes}, per - there)
            here = number * per + there
{loads}
            for i in range(lanes):
{body}
            copy(b, {out[0]}, lanes, out, here)
            copy(b, {out[1]}, lanes, out, cells + here)
            copy(b, {out[2]}, lanes, out, 2 * cells + here)
'''
