"""Writes the compiled right-hand side of a mesh: `rates.llgs` and what neighbours add, as one loop over cells.

The cells of a member are cut into blocks. A block copies what it needs (state, neighbours, tables, stray field) into
one small buffer, whose places do not overlap for certain, and computes from there: so the compiler can vectorise.
"""

import inspect
from typing import Literal, NamedTuple

import numpy as np
import torch

from spinloom.kernels import digest
from spinloom.magnetism.compiled import mesh_blocks
from spinloom.magnetism.compiled.trace import Symbol, Trace, Value
from spinloom.magnetism.engine.rates import By, Layout, llgs
from spinloom.magnetism.magnet import Components

LANES = 256
STRIDE = LANES + 2
_STARTS = {
    "m": "pad + {row} * cells + here",
    "site": "{row} * site_row + pad + there",
    "cell": "{row} * cell_row + pad + here",
    "stray": "{row} * cells + here",
    "noise": "{row} * cells + here",
}
"""Where a block's first value stands in each array, row (or component) by row."""
_LOCAL = ("stray", "noise")
"""Arrays without a pad, whose neighbours are never read."""
_STRIDES = ("1", "nx", "nx * ny")


Kind = Literal["known", "member", "site", "cell"]


class Place(NamedTuple):
    """Where a parameter stands: a known value, or a row of the table of its kind."""

    kind: Kind
    row: int
    value: float = 0.0


class Tables:
    """Collects parameters; `arrays` gives member (rows, members), site (rows, pad + sites + pad) and cell (rows, pad +
    cells + pad), padded with zeros so that a neighbour's value may be read beyond the ends."""

    def __init__(self, batch: torch.Size, mesh: torch.Size, pad: int, dtype: torch.dtype) -> None:
        self.batch, self.mesh, self.pad, self.dtype = batch, mesh, pad, dtype
        self._rows: dict[str, list[np.ndarray]] = {"member": [], "site": [], "cell": []}

    def add(self, value: torch.Tensor) -> Place:
        """Take a parameter that broadcasts over (*batch, nz, ny, nx)."""
        value = value.detach()
        for known in (0.0, 1.0):
            if bool((value == known).all()):
                return Place("known", 0, known)
        spatial = value.ndim > 0 and value.shape[-3:].numel() > 1
        batched = value.ndim > 3 and value.shape[:-3].numel() > 1
        if not spatial:
            value = value.reshape(value.shape[:-3]) if value.ndim >= 3 else value.reshape(())
            return self._keep("member", value.expand(self.batch))
        if not batched:
            return self._keep("site", value.reshape(value.shape[-3:]).expand(self.mesh))
        return self._keep("cell", value.expand(*self.batch, *self.mesh))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """member, site, cell."""
        return self._stacked("member", 0), self._stacked("site", self.pad), self._stacked("cell", self.pad)

    def _keep(self, kind: Kind, value: torch.Tensor) -> Place:
        rows = self._rows[kind]
        rows.append(value.to(self.dtype).reshape(-1).numpy())
        return Place(kind, len(rows) - 1)

    def _stacked(self, kind: str, pad: int) -> np.ndarray:
        rows = self._rows[kind]
        if not rows:
            return np.zeros((1, 1), dtype=torch.zeros((), dtype=self.dtype).numpy().dtype)
        return np.ascontiguousarray(np.pad(np.stack(rows), ((0, 0), (pad, pad))))


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
    """Numbers the places of a block's buffer and writes the copies that fill them.

    A place holds LANES values and one more on either side, so that neighbours along x need no copy of their own.
    """

    def __init__(self) -> None:
        self.trace = Trace()
        self._groups: dict[tuple[str, int, int], dict[int, int]] = {}
        self._scalars: dict[str, None] = {}
        self.places = 0

    def value(self, place: Place, axis: int = 0, shift: int = 0) -> Value:
        """A parameter, in this cell or in the one `shift` cells along the axis."""
        if place.kind == "known":
            return place.value
        if place.kind == "member":
            return self._scalar(f"member[{place.row}, number]")
        return self._array(place.kind, place.row, axis, shift)

    def state(self, component: int, axis: int = 0, shift: int = 0) -> Value:
        return self._array("m", component, axis, shift)

    def stray(self, component: int) -> Value:
        return self._array("stray", component)

    def noise(self, component: int) -> Value:
        return self._array("noise", component)

    def wave(self, channel: int) -> Value:
        return self._scalar(f"waves[{channel}, number]")

    def new(self) -> int:
        self.places += 1
        return self.places - 1

    def _array(self, name: str, row: int, axis: int = 0, shift: int = 0) -> Value:
        along_x = axis == 0 and abs(shift) == 1
        group = self._groups.setdefault((name, axis, 0 if along_x else shift) if shift else (name, 0, 0), {})
        if row not in group:
            group[row] = self.new()
        return self.trace.load(at(group[row], shift if along_x else 0))

    def _scalar(self, source: str) -> Value:
        self._scalars.setdefault(source)
        return Symbol(f"p{list(self._scalars).index(source)}", self.trace)

    @property
    def scalars(self) -> list[str]:
        return [f"p{k} = {source}" for k, source in enumerate(self._scalars)]

    @property
    def loads(self) -> list[str]:
        """One call for each row of each array."""
        lines = []
        for (name, axis, shift), rows in self._groups.items():
            moved = f" {'+' if shift > 0 else '-'} {abs(shift)} * {_STRIDES[axis]}" if shift else ""
            for row, place in rows.items():
                start = _STARTS[name].format(row=row)
                if name in _LOCAL:
                    lines.append(f"copy({name}, {start}, lanes, b, {place * STRIDE + 1})")
                else:
                    lines.append(f"copy({name}, {start}{moved} - 1, lanes + 2, b, {place * STRIDE})")
        return lines


def at(place: int, shift: int = 0) -> str:
    """A cell's value in the buffer."""
    return f"b[{place * STRIDE + 1 + shift} + i]"


def _link_fields(block: _Block, structure: Structure, m: Components) -> list[Value]:
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


def _flow_fields(block: _Block, structure: Structure, m: Components) -> list[Value]:
    """What the Zhang-Li torques add to W, as `space.flow_field` has it."""
    total: list[Value] = [0.0, 0.0, 0.0]
    first = structure.layout.channels - len(structure.flows)
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


def source(structure: Structure, parallel: bool) -> str:
    """Text of a module with the function `rate` for this structure; parallel: on all cores."""
    block = _Block()
    m = (block.state(0), block.state(1), block.state(2))
    extra = [a + b for a, b in zip(_link_fields(block, structure, m), _flow_fields(block, structure, m), strict=True)]
    if structure.per_share is not None:
        share = block.value(structure.per_share)
        extra = [e + share * block.stray(c) for c, e in enumerate(extra)]
    rows = By(lambda index: block.value(structure.rows[index]))
    if structure.thermal:
        sigma = rows[2] * Symbol("noise_scale", block.trace)
        extra = [e + sigma * block.noise(c) for c, e in enumerate(extra)]
    rate = llgs(m, (extra[0], extra[1], extra[2]), rows, By(block.wave), structure.layout)
    out = [block.new() for _ in range(3)]
    body = [*block.trace.lines, *(f"{at(place)} = {block.trace.text(rate[c])}" for c, place in enumerate(out))]
    return _TEMPLATE.format(
        lanes=LANES,
        size=block.places * STRIDE,
        out=[place * STRIDE + 1 for place in out],
        constants="\n".join(f"    {name} = kind({value!r})" for value, name in block.trace.constants.items()),
        scalars="\n".join(" " * 12 + line for line in block.scalars) or " " * 12 + "pass",
        loads="\n".join(" " * 12 + line for line in block.loads),
        body="\n".join(" " * 16 + line for line in body),
        parallel=parallel,
        pieces=digest(inspect.getsource(mesh_blocks)),
    )


_TEMPLATE = '''"""Written by spinloom.magnetism.compiled.mesh_source (pieces {pieces}); made anew when missing."""

import numpy as np
from numba import njit, prange

from spinloom.magnetism.compiled.mesh_blocks import copy
from spinloom.magnetism.compiled.normals import FAST


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
