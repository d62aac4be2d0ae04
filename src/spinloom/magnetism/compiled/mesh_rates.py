"""dm/dt on a mesh, compiled: one pass over the cells for all local terms and neighbours, the stray field by FFT.

The pass is `rates.llgs` with what neighbours add, written as one loop over cells. The cells of a member are cut into
blocks. A block copies what it needs (state, neighbours, tables, stray field) into one small buffer, whose places do not
overlap for certain, and computes from there: so the compiler can vectorise.
"""

import inspect
from collections.abc import Callable
from functools import cache
from types import ModuleType

import numpy as np
import torch

from spinloom import threads
from spinloom.kernels import build
from spinloom.magnetism.compiled import mesh_kernels
from spinloom.magnetism.compiled.pieces import PIECES
from spinloom.magnetism.compiled.trace import Symbol, Trace, Value
from spinloom.magnetism.engine.rates import By, RightHandSide, Space, llgs
from spinloom.magnetism.magnet import Components
from spinloom.magnetism.stray.demag import MOST_CELLS, DenseStray, MeshStray
from spinloom.magnetism.terms.exchange import moved

_CHUNKS = 8
"""Pieces of work per call: a few per core, so that none waits long for the other."""
_SMALL = 20_000
"""Cells of all members up to which one core is used: to wake the others would take longer than the work."""
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
_LOCAL = ("stray", "noise")
"""Arrays without a pad, whose neighbours are never read."""
_STRIDES = ("1", "nx", "nx * ny")


class _Block:
    """Collects the parameters, numbers the places of a block's buffer and writes the copies that fill them.

    A place holds _LANES values and one more on either side, so that neighbours along x need no copy of their own.
    """

    def __init__(self, batch: torch.Size, mesh: torch.Size, dtype: torch.dtype) -> None:
        self.batch, self.mesh, self.dtype = batch, mesh, dtype
        self.trace, self.places = Trace(), 0
        self._tables: dict[str, list[torch.Tensor]] = {"member": [], "site": [], "cell": []}
        self._parameters: dict[int, tuple[torch.Tensor, float | tuple[str, int]]] = {}
        self._groups: dict[tuple[str, int, int], dict[int, int]] = {}
        self._scalars: dict[str, str] = {}

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
        return Symbol(self._scalars.setdefault(source, f"p{len(self._scalars)}"), self.trace)

    def array(self, name: str, row: int, axis: int = 0, shift: int = 0) -> Value:
        """A row of one of the arrays of _STARTS, in this cell or `shift` cells along the axis."""
        along_x = axis == 0 and abs(shift) == 1
        group = self._groups.setdefault((name, axis, 0 if along_x else shift) if shift else (name, 0, 0), {})
        if row not in group:
            group[row] = self.new()
        return self.trace.load(_at(group[row], shift if along_x else 0))

    def new(self) -> int:
        self.places += 1
        return self.places - 1

    def table(self, kind: str, pad: int) -> np.ndarray:
        """The parameters of a kind: member (rows, members), site (rows, pad + sites + pad), cell (rows, pad + cells +
        pad), padded with zeros so that a neighbour's value may be read beyond the ends."""
        rows = [row.to(self.dtype).reshape(-1) for row in self._tables[kind]]
        if not rows:
            return torch.zeros(1, 1, dtype=self.dtype).numpy()
        return np.ascontiguousarray(np.pad(torch.stack(rows).numpy(), ((0, 0), (pad, pad))))

    @property
    def scalars(self) -> list[str]:
        return [f"{name} = {source}" for source, name in self._scalars.items()]

    @property
    def loads(self) -> list[str]:
        """One call for each row of each array."""
        lines = []
        for (name, axis, shift), rows in self._groups.items():
            away = f" {'+' if shift > 0 else '-'} {abs(shift)} * {_STRIDES[axis]}" if shift else ""
            for row, place in rows.items():
                start = _STARTS[name].format(row=row)
                if name in _LOCAL:
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


def _link_fields(block: _Block, space: Space, m: Components) -> list[Value]:
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


def _flow_fields(block: _Block, space: Space, m: Components, first: int) -> list[Value]:
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


def _source(block: _Block, rhs: RightHandSide, thermal: bool, parallel: bool) -> str:
    """Text of a module with the function `rate`; parallel: on all cores. Collects the parameters in the block."""
    space, layout = rhs.space, rhs.layout
    assert space is not None
    m = (block.array("m", 0), block.array("m", 1), block.array("m", 2))
    links, flows = _link_fields(block, space, m), _flow_fields(block, space, m, layout.channels - len(space.flows))
    extra = [a + b for a, b in zip(links, flows, strict=True)]
    if space.demag is not None:
        share = block.value(space.per_share)
        extra = [e + share * block.array("stray", c) for c, e in enumerate(extra)]
    rows = By(lambda index: block.value(rhs.rows[index]))
    if thermal:
        sigma = rows[2] * Symbol("noise_scale", block.trace)
        extra = [e + sigma * block.array("noise", c) for c, e in enumerate(extra)]
    waves = By(lambda channel: block.scalar(f"waves[{channel}, number]"))
    rate = llgs(m, (extra[0], extra[1], extra[2]), rows, waves, layout)
    out = [block.new() for _ in range(3)]
    body = [*block.trace.lines, *(f"{_at(place)} = {block.trace.text(rate[c])}" for c, place in enumerate(out))]
    return _TEMPLATE.format(
        lanes=_LANES,
        size=block.places * _STRIDE,
        out=[place * _STRIDE + 1 for place in out],
        constants="\n".join(f"    {name} = kind({value!r})" for value, name in block.trace.constants.items()),
        scalars="\n".join(" " * 12 + line for line in block.scalars) or " " * 12 + "pass",
        loads="\n".join(" " * 12 + line for line in block.loads),
        body="\n".join(" " * 16 + line for line in body),
        parallel=parallel,
        pieces=PIECES,
    )


@cache
def _compiled(text: str) -> Callable[..., None]:
    return build(text).rate


@cache
def _kernels(parallel: bool) -> ModuleType:
    if parallel:
        threads.start()
    text = inspect.getsource(mesh_kernels).replace("parallel=True", f"parallel={parallel}")
    return build(f"{text}\n# with {PIECES}\n")


class MeshRates:
    """The right-hand side for one batch of meshes. State and rates are flat numpy arrays, see `mesh_kernels.py`.

    like: a state (3, *batch, nz, ny, nx), for its shape and type.
    """

    def __init__(self, rhs: RightHandSide, like: torch.Tensor, thermal: bool) -> None:
        space = rhs.space
        assert space is not None
        self.batch, self.mesh = like.shape[1:-3], like.shape[-3:]
        self.members, self.per = self.batch.numel(), self.mesh.numel()
        nz, ny, nx = self.mesh
        shifts = [link.shift * (1, nx, nx * ny)[link.axis] for link in space.links]
        self.pad = max([nx * ny if nz > 1 else nx, *shifts])
        self.cells, self.dtype = self.members * self.per, like.dtype
        self.parallel = self.cells > _SMALL
        self.kernels = _kernels(self.parallel)
        self.share = None if space.share is None else space.share.numpy()
        block = _Block(self.batch, self.mesh, like.dtype)
        self._rate = _compiled(_source(block, rhs, thermal, self.parallel))
        member, site, cell = block.table("member", 0), block.table("site", self.pad), block.table("cell", self.pad)
        self._tables = member, site.reshape(-1), site.shape[1], cell.reshape(-1), cell.shape[1]
        self.number = member.dtype.type
        self._noise = np.zeros(3 * self.cells if thermal else 1, dtype=self.number)
        self._none = np.zeros(1, dtype=self.number)
        self.stray: MeshStray | DenseStray | None = None
        if space.demag is not None and self.per <= MOST_CELLS:
            self.stray = DenseStray(space.demag.mesh, self.batch, like)
        elif space.demag is not None:
            self.stray = MeshStray(space.demag, self.batch, like, self.parallel, self.kernels)

    def flat(self, m: torch.Tensor) -> np.ndarray:
        """A padded flat copy of a state."""
        out = np.zeros(3 * self.cells + 2 * self.pad, dtype=self.number)
        out[self.pad : self.pad + 3 * self.cells] = m.detach().reshape(-1).numpy()
        return out

    def state(self, flat: np.ndarray) -> torch.Tensor:
        """The state in a padded flat array, (3, *batch, nz, ny, nx), sharing its memory."""
        inner = flat[self.pad : self.pad + 3 * self.cells]
        return torch.from_numpy(inner).reshape(3, *self.batch, *self.mesh)

    def __call__(self, m: np.ndarray, waves: np.ndarray, out: np.ndarray, noise_scale: float = 0.0) -> None:
        """Write dm/dt (rad/ns, flat) of the state m into out; waves (channels, members)."""
        stray = self._none
        if self.stray is not None:
            inner = m[self.pad : self.pad + 3 * self.cells].reshape(3, *self.batch, *self.mesh)
            inner = inner if self.share is None else inner * self.share
            stray = self.stray(inner.reshape(3, self.members, *self.mesh)).reshape(-1)
        noise, shape = (self._noise, self.number(noise_scale)), (self.members, *self.mesh)
        parts = _CHUNKS if self.parallel else 1
        self._rate(m, stray, *self._tables, waves, *noise, out, shape, self.pad, parts)

    def draw(self, words: np.ndarray) -> None:
        """New normals for the thermal field of the coming step."""
        self.kernels.draw_noise(words, self._noise)


_TEMPLATE = '''"""Written by spinloom.magnetism.compiled.mesh_rates (pieces {pieces}); made anew when missing."""

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
