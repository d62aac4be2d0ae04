"""Writes the compiled right-hand side of a mesh: `rates.llgs` and what neighbours add, as one loop over cells.

A row of cells is cut into blocks. A block copies what it needs (state, neighbours, tables, stray field) into one small
buffer, whose places do not overlap for certain, and computes from there: that is what lets the compiler vectorise.
"""

from typing import NamedTuple

from spinloom.magnetism.mesh_tables import Place
from spinloom.magnetism.rates import llgs
from spinloom.magnetism.reduced import Layout
from spinloom.magnetism.trace import Symbol, Trace, Value

LANES = 64
_STRIDES = ("1", "nx", "nx * ny")


class LinkPlaces(NamedTuple):
    """Where the coefficients of a link stand; None: it has none."""

    axis: int
    shift: int
    s: Place | None
    d: tuple[Place | None, Place | None, Place | None]


class FlowPlaces(NamedTuple):
    """Where rates and nonadiabaticity of a Zhang-Li torque stand, and the axes along which there are neighbours."""

    rates: tuple[Place, Place, Place]
    nonadiabaticity: Place
    axes: tuple[int, ...]


class Structure(NamedTuple):
    """All that the source depends on. faces: 1 where a cell and its next one along x, y, z both hold material."""

    layout: Layout
    rows: tuple[Place, ...]
    links: tuple[LinkPlaces, ...]
    per_energy: Place
    per_share: Place | None
    flows: tuple[FlowPlaces, ...]
    faces: tuple[Place | None, Place | None, Place | None]
    thermal: bool


class _Block:
    """Numbers the places of a block's buffer and writes the loops that fill them."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.loads: list[str] = []
        self._places: dict[str, int] = {}
        self._scalars: dict[str, None] = {}

    def value(self, place: Place, axis: int = 0, shift: int = 0) -> Value:
        """A parameter, in this cell or in the one `shift` cells along the axis."""
        if place.kind == "known":
            return place.value
        if place.kind == "member":
            return self._scalar(f"member[{place.row}, number]")
        start = "here" if place.kind == "cell" else "there"
        return self.array(f"{place.kind}[{place.row}, pad + {start} + i{_offset(axis, shift)}]")

    def state(self, component: int, axis: int = 0, shift: int = 0) -> Value:
        return self.array(f"m[pad + {component} * cells + here + i{_offset(axis, shift)}]")

    def wave(self, channel: int) -> Value:
        return self._scalar(f"waves[{channel}, number]")

    def array(self, source: str) -> Value:
        if source not in self._places:
            at = self._places[source] = len(self._places)
            self.loads += ["for i in range(lanes):", f"    b[{at * LANES} + i] = {source}"]
        return self.trace.load(f"b[{self._places[source] * LANES} + i]")

    def _scalar(self, source: str) -> Value:
        self._scalars.setdefault(source)
        return Symbol(f"p{list(self._scalars).index(source)}", self.trace)

    @property
    def scalars(self) -> list[str]:
        return [f"p{k} = {source}" for k, source in enumerate(self._scalars)]

    @property
    def size(self) -> int:
        return len(self._places)


def _offset(axis: int, shift: int) -> str:
    return f" {'+' if shift > 0 else '-'} {abs(shift)} * {_STRIDES[axis]}" if shift else ""


def _link_fields(block: _Block, structure: Structure, m: tuple) -> list[Value]:  # type: ignore[type-arg]
    """What the links add to W, as `space.link_field` has it."""
    total: list[Value] = [0.0, 0.0, 0.0]
    for link in structure.links:
        up = [block.state(c, link.axis, link.shift) for c in range(3)]
        down = [block.state(c, link.axis, -link.shift) for c in range(3)]
        if link.s is not None:
            s, below = block.value(link.s), block.value(link.s, link.axis, -link.shift)
            total = [total[c] + (s * (up[c] - m[c]) + below * (down[c] - m[c])) for c in range(3)]
        for c, place in enumerate(link.d):
            if place is not None:
                d, below = block.value(place), block.value(place, link.axis, -link.shift)
                a, b = (c + 1) % 3, (c + 2) % 3
                total[a] = total[a] + (below * down[b] - d * up[b])
                total[b] = total[b] + (d * up[a] - below * down[a])
    per_energy = block.value(structure.per_energy)
    return [per_energy * part for part in total]


def _flow_fields(block: _Block, structure: Structure, m: tuple) -> list[Value]:  # type: ignore[type-arg]
    """What the Zhang-Li torques add to W, as `space.flow_field` has it."""
    total: list[Value] = [0.0, 0.0, 0.0]
    first = structure.layout.channels - structure.layout.flows
    for number, flow in enumerate(structure.flows):
        v: list[Value] = [0.0, 0.0, 0.0]
        for axis in flow.axes:
            rate, face = block.value(flow.rates[axis]), structure.faces[axis]
            assert face is not None
            up, down = block.value(face), block.value(face, axis, -1)
            for c in range(3):
                ahead, behind = block.state(c, axis, 1), block.state(c, axis, -1)
                v[c] = v[c] + rate * (up * (ahead - m[c]) + down * (m[c] - behind))
        wave, xi = block.wave(first + number), block.value(flow.nonadiabaticity)
        for c in range(3):
            a, b = (c + 1) % 3, (c + 2) % 3
            total[c] = total[c] - wave * ((m[a] * v[b] - m[b] * v[a]) + xi * v[c])
    return total


def source(structure: Structure) -> str:
    """Text of a module with the function `rate` for this structure."""
    block = _Block()
    m = (block.state(0), block.state(1), block.state(2))
    extra = [
        a + b
        for a, b in zip(_link_fields(block, structure, m), _flow_fields(block, structure, m), strict=True)  # type: ignore[operator]
    ]
    if structure.per_share is not None:
        share = block.value(structure.per_share)
        extra = [e + share * block.array(f"stray[{c} * stray_size + stray_at + i]") for c, e in enumerate(extra)]
    rows = _Rows(block, structure.rows)
    if structure.thermal:
        sigma = rows[2] * Symbol("noise_scale", block.trace)
        extra = [e + sigma * block.array(f"noise[{c} * cells + here + i]") for c, e in enumerate(extra)]
    waves = _Waves(block)
    rate = llgs(m, (extra[0], extra[1], extra[2]), rows, waves, structure.layout)
    out = block.size
    body = [*block.trace.lines, *(f"b[{(out + c) * LANES} + i] = {block.trace.text(rate[c])}" for c in range(3))]
    return _TEMPLATE.format(
        lanes=LANES,
        size=(out + 3) * LANES,
        out=[(out + c) * LANES for c in range(3)],
        constants="\n".join(f"    {name} = kind({value!r})" for value, name in block.trace.constants.items()),
        scalars="\n".join(" " * 12 + line for line in block.scalars) or " " * 12 + "pass",
        loads="\n".join(" " * 16 + line for line in block.loads),
        body="\n".join(" " * 20 + line for line in body),
    )


class _Rows:
    """The parameters of `rates.llgs` by number."""

    def __init__(self, block: _Block, places: tuple[Place, ...]) -> None:
        self.block, self.places = block, places

    def __getitem__(self, index: int) -> Value:
        return self.block.value(self.places[index])


class _Waves:
    """The waveforms by channel."""

    def __init__(self, block: _Block) -> None:
        self.block = block

    def __getitem__(self, channel: int) -> Value:
        return self.block.wave(channel)


_TEMPLATE = '''"""Written by spinloom.magnetism.mesh_source; made anew when missing."""

import numpy as np
from numba import njit, prange

from spinloom.magnetism.normals import FAST


@njit(fastmath=FAST, parallel=True, cache=True, error_model="numpy")
def rate(m, stray, member, site, cell, waves, noise, noise_scale, out, members, nz, ny, nx, pad, stray_row, chunk):
    kind = m.dtype.type
    cells, rows = members * nz * ny * nx, members * nz * ny
    stray_size = rows * stray_row
{constants}
    for part in prange((rows + chunk - 1) // chunk):
        b = np.empty({size}, dtype=m.dtype)
        for row in range(part * chunk, min((part + 1) * chunk, rows)):
            number = row // (nz * ny)
{scalars}
            for first in range(0, nx, {lanes}):
                lanes = min({lanes}, nx - first)
                here = row * nx + first
                there = (row - number * nz * ny) * nx + first
                stray_at = row * stray_row + first
{loads}
                for i in range(lanes):
{body}
                for i in range(lanes):
                    out[here + i] = b[{out[0]} + i]
                    out[cells + here + i] = b[{out[1]} + i]
                    out[2 * cells + here + i] = b[{out[2]} + i]
'''
