"""A user's own memory: increments of the conductance measured against the state, in both directions."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from spinloom.devices.contract import Memory
from spinloom.devices.parameters import Parameter, known, require_plausible, warn
from spinloom.devices.response.response import as_curve
from spinloom.devices.table import WORDS, Quantities, Table, read_table
from spinloom.devices.tensor_file import TensorFile, as_path
from spinloom.errors import InputError, require_count, require_finite, require_number
from spinloom.kernels import kept
from spinloom.magnetism import Quantity, double
from spinloom.seeding import Seed, generator

_SIEMENS = {"S": ("S", 1.0)}
_QUANTITIES: Quantities = {
    **dict.fromkeys(("conductance", "up_mean", "up_std", "down_mean", "down_std", "increment"), _SIEMENS),
    "direction": WORDS,
}
_WORDS = {
    **dict.fromkeys(("up", "+1", "1", "potentiation", "set"), "up"),
    **dict.fromkeys(("down", "-1", "depression", "reset"), "down"),
}
"""For the direction of an event, as written in capitals or not."""
_FEW, _MANY, _MOST = 2, 3e4, 1e6
"""Events across the window: usual ones, and beyond what the units of the table do not fit together. Published analog
memories show tens to ten thousand; a slip of a prefix is a factor of 1,000, of two one of a million."""
_AT_ONCE = 16
"""Events of a device for which noise is drawn together: a thousand for each of a million would not fit."""
_TABLE = ("states", "up_mean", "down_mean", "up_std", "down_std")
_NUMBERS = ("up_gain", "down_gain", "read_noise", "retention", "event_energy")
_FILE = TensorFile("memory", {1: (*_TABLE, *_NUMBERS)})


@dataclass(frozen=True, eq=False, repr=False)
class MeasuredMemory(Memory):
    """A memory as it was measured: what one event does to it, in each state.

    states: (rows,), conductance, S, strictly increasing; the first and the last are the window.
    up_mean, down_mean: (rows,), S, mean change by one event in that state; >= 0 and <= 0.
    up_std, down_std: (rows,), S, its standard deviation from event to event; None stands for 0.
    up_gain, down_gain: factors of a device's changes, mean and deviation; these spread from device to device.
    read_noise: standard deviation of one read, of full scale (the window). retention: time constant in s with which a
    state relaxes to the least one; None keeps it for ever. event_energy: J of one event; None says that it is not
    known, and energies of programming are then NaN.

    Between two states means and deviations are interpolated linearly. One event after the other is drawn, normal, and
    ends at the borders of the window. New devices are in the least state. Tables may be given as lists or arrays.
    `mean_change` follows the means alone and is differentiable in the state, the table and every parameter; `program`,
    a compiled loop over drawn events on the CPU, has no gradient.

    Raises InputError where the table cannot be right (order, sign, size, shape), SpinloomWarning where it is unusual.
    """

    states: torch.Tensor
    up_mean: torch.Tensor
    down_mean: torch.Tensor
    up_std: torch.Tensor = None  # type: ignore[assignment]  # never None once made
    down_std: torch.Tensor = None  # type: ignore[assignment]
    up_gain: Quantity = 1.0
    down_gain: Quantity = 1.0
    read_noise: Quantity = 0.0
    retention: Quantity | None = None
    event_energy: Quantity | None = None

    parameters: ClassVar = {
        "up_gain": Parameter("", 0.01, 100.0, spread="up_gain"),
        "down_gain": Parameter("", 0.01, 100.0, spread="down_gain"),
        **known("read_noise"),
        "retention": Parameter("s"),
        "event_energy": Parameter("J", 1e-18, 1e-3, slips=((1e-15, "fJ"), (1e-12, "pJ")), sign="non-negative"),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in _TABLE:
            given = getattr(self, name)
            given = torch.zeros_like(self.states) if given is None and name.endswith("std") else given
            object.__setattr__(self, name, as_curve(name, given))
            shape = tuple(getattr(self, name).shape)
            if len(shape) != 1 or shape != tuple(self.states.shape):
                raise InputError(f"{name} must be (rows,), one number for each of the states, got {shape}")
        if len(self.states) < 2:
            raise InputError(f"states must be at least 2, got {len(self.states)}; measure in more states")
        require_finite("S", **{name: getattr(self, name) for name in _TABLE})
        for name, wrong, text in _faults({name: getattr(self, name).detach().cpu().numpy() for name in _TABLE}):
            row = int(wrong.argmax())
            raise InputError(f"{name}, row {row}: {text.format(float(getattr(self, name)[row]))}")
        if not any(isinstance(gain, torch.Tensor) and gain.ndim for gain in (self.up_gain, self.down_gain)):
            require_plausible(conductance=self.states[-1])  # of a design; fabricated ones were drawn from one
            for way, count in self.crossing().items():
                if not _FEW <= count <= _MANY:
                    hint = _other_unit(count)
                    warn(f"{count:.3g} events {way} cross the window, usual are {_FEW} to {_MANY:g}{hint}")

    def crossing(self) -> dict[str, float]:
        """Events across the window at the mean change of all states, by direction, "up" and "down"."""
        span = float(self.states[-1] - self.states[0])
        return {"up": span / float(self.up_mean.mean()), "down": -span / float(self.down_mean.mean())}

    def __repr__(self) -> str:
        count, (low, high) = self.crossing(), self.window
        ways = ", ".join(f"{events:.3g} {way}" for way, events in count.items())
        return (
            f"MeasuredMemory: {len(self.states)} states, {float(low):.4g} to {float(high):.4g} S; events across: {ways}"
        )

    @property
    def window(self) -> tuple[Quantity, Quantity]:
        return self.states[0], self.states[-1]

    def mean_change(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        after, told = state.flatten().clone(), events.expand(state.shape).flatten()
        counts, gain, pieces = told.abs(), self._gain(state, events), self._pieces(state)
        for done in range(int(counts.max()) if counts.numel() else 0):
            active = (counts > done).nonzero().squeeze(-1)
            after[active] = self._stepped(after[active], told[active] > 0, gain[active], pieces)
        return after.reshape(state.shape) - state

    @torch.no_grad()
    def program(self, state: torch.Tensor, events: torch.Tensor, seed: Seed = 0) -> torch.Tensor:
        source, after = generator(seed), state.flatten().cpu().clone()
        told, gain = events.expand(state.shape).flatten().to(after), self._gain(state, events).cpu()
        counts, pieces, noisy = told.abs(), self._pieces(after), bool(self.up_std.any() or self.down_std.any())
        for done in range(0, int(counts.max()) if counts.numel() else 0, _AT_ONCE):
            now = (counts - done).clamp(0, _AT_ONCE)
            normal = torch.randn(int(now.sum()) if noisy else 0, generator=source, dtype=after.dtype)
            tensors = (after, now * told.sign(), gain, normal, pieces, self.states.to(after))
            _program(*(tensor.detach().contiguous().numpy() for tensor in tensors))
        return after.reshape(state.shape).to(state.device)

    def read_deviation(self, state: torch.Tensor) -> torch.Tensor:
        return (double(self.read_noise) * (self.states[-1] - self.states[0])).to(state).expand(state.shape)

    def retained(self, state: torch.Tensor, time: float) -> torch.Tensor:
        require_number("s", "non-negative", time=time)
        if self.retention is None:
            return state
        least = self.states[0].to(state)
        return least + (state - least) * (-time / double(self.retention)).exp().to(state)

    def energy(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        each = torch.tensor(torch.nan) if self.event_energy is None else double(self.event_energy)
        return torch.where(events == 0, 0.0, events.abs() * each.to(events.device))

    def _gain(self, state: torch.Tensor, events: torch.Tensor) -> torch.Tensor:
        """Of the direction that each device is moved in, (devices,)."""
        up, down = (double(gain).to(state) for gain in (self.up_gain, self.down_gain))
        return torch.where(events > 0, up, down).expand(state.shape).flatten()

    def _pieces(self, like: torch.Tensor) -> torch.Tensor:
        """(2 (rows - 1), 6): where each piece of a table begins, 1 / its length, mean there and its rise, deviation and
        its rise; those down, then those up."""
        start, scale = self.states[:-1], 1 / self.states.diff()
        ways = ((self.down_mean, self.down_std), (self.up_mean, self.up_std))
        parts = [(start, scale, mean[:-1], mean.diff(), std[:-1], std.diff()) for mean, std in ways]
        return torch.cat([torch.stack(part, -1) for part in parts]).to(like)

    def _stepped(self, state: torch.Tensor, up: torch.Tensor, gain: torch.Tensor, pieces: torch.Tensor) -> torch.Tensor:
        """(active,), after one event each by the means."""
        axis = self.states.to(state)
        left = torch.bucketize(state.detach(), axis[1:-1].detach(), right=True)
        start, scale, mean, rise, _, _ = pieces[left + (len(axis) - 1) * up].unbind(-1)
        moved = mean + rise * ((state - start) * scale).clamp(0, 1)
        return torch.minimum(torch.maximum(state + gain * moved, axis[0]), axis[-1])


@kept(error_model="numpy")
def _program(state, events, gain, normal, pieces, axis):  # type: ignore[no-untyped-def]
    """Events one after the other, the state (devices,) in place. normal: one for each event, none for none."""
    last, used, least, most = len(axis) - 2, 0, axis[0], axis[-1]
    even, noisy = (last + 1) / (most - least), len(normal) > 0
    for device in range(len(state)):
        told = events[device]
        if told == 0:
            continue
        g, factor, up = min(max(state[device], least), most), gain[device], last + 1 if told > 0 else 0
        left = min(max(int((g - least) * even), 0), last)  # of an even axis, as most are
        for _ in range(int(abs(told))):
            while left > 0 and g < axis[left]:
                left -= 1
            while left < last and g >= axis[left + 1]:
                left += 1
            row = left + up
            part = (g - pieces[row, 0]) * pieces[row, 1]
            moved = pieces[row, 2] + pieces[row, 3] * part
            if noisy:
                moved += normal[used] * (pieces[row, 4] + pieces[row, 5] * part)
                used += 1
            g = min(max(g + factor * moved, least), most)
        state[device] = g


def read_memory(path: str | Path, *, bins: int = 10, **parameters: Any) -> MeasuredMemory:
    """Read a measured memory from CSV, units in the header; docs/examples/measured_memory.csv is one.

    Either one row a state: `conductance`, `up_mean`, `down_mean` and, where known, `up_std` and `down_std` (S, with a
    prefix). Or one row a single event, in any order: `conductance` before it (S), `direction` (up or down, +1 or -1,
    potentiation or depression, set or reset) and `increment` (S). Increments down are negative; lines of
    `#` are comments.

    Of single events, those of one direction are sorted by state and parted into `bins` of equal numbers: each gives a
    mean state, the mean increment there, and the deviation of its events from the line through the means.

    A row whose mean has the wrong sign, noise where nothing moves any more, is taken as 0, with a SpinloomWarning.
    parameters: of `MeasuredMemory`, such as read_noise=0.01 or event_energy=1e-12.

    Raises InputError with file, line, column and remedy.
    """
    require_count(bins=bins)
    table = read_table(as_path(path), _QUANTITIES, "conductance (uS),up_mean (nS),down_mean (nS)")
    single = "direction" in table.headers or "increment" in table.headers
    needed = ("conductance", "direction", "increment") if single else ("conductance", "up_mean", "down_mean")
    optional = () if single else ("up_std", "down_std")
    for name in needed:
        if name not in table.headers:
            raise InputError(f"{table.path} has no column {name!r}; needed are {', '.join(needed)}: measure or add it")
    for name in table.headers.keys() - {*needed, *optional}:
        raise InputError(f"{table.path}: column {name!r} does not belong beside {needed[1]!r}; remove one of them")
    if not len(table.lines):
        raise InputError(f"{table.path} has no rows of numbers; add one for each {'event' if single else 'state'}")
    columns = _binned(table, bins) if single else _as_given(table)
    try:
        return MeasuredMemory(**{name: torch.from_numpy(column) for name, column in columns.items()}, **parameters)
    except InputError as error:
        raise InputError(f"{table.path}: {error}") from error


def save_memory(path: str | Path, memory: MeasuredMemory) -> None:
    """Write a measured memory to a .safetensors file, whole or not at all. Raises OutputError, InputError."""
    if not isinstance(memory, MeasuredMemory):
        raise InputError(f"only a MeasuredMemory can be saved, got {memory!r}; keep the parameters of others")
    given = {part.name: getattr(memory, part.name) for part in fields(memory)}
    nothing = torch.empty(0, dtype=torch.float64)  # stands for None
    tensors = {name: nothing if one is None else double(one) for name, one in given.items() if name in _NUMBERS}
    _FILE.write(path, {name: given[name] for name in _TABLE} | tensors)


def load_memory(path: str | Path) -> MeasuredMemory:
    """Read what `save_memory` wrote, on the CPU, bit for bit.

    Raises InputError naming the file: absent, truncated, damaged, of another format or a newer version.
    """

    def make(tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> MeasuredMemory:
        for name in _NUMBERS:
            one = tensors[name]
            tensors[name] = one if one.numel() and one.ndim else float(one) if one.numel() else None  # type: ignore[assignment]
        return MeasuredMemory(**tensors)

    return _FILE.read(path, make)


def _faults(columns: dict[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray, str]]:
    """What no memory can be: the column, the rows (rows,) that are wrong, and why; {:g} stands for the number there."""
    states = columns["states"]
    yield from _only("states", states < 0, "a conductance must be >= 0, got {:g} S; subtract the offset of the meter")
    falls = np.diff(states, prepend=-np.inf) <= 0
    rule = "states must increase strictly from row to row, {:g} S does not; sort the rows by conductance, one a state"
    yield from _only("states", falls, rule)
    span = states[-1] - states[0]
    totals = {way: columns[f"{way}_mean"].sum() * sign for way, sign in (("up", 1), ("down", -1))}
    for way, other, verb, sign in (("up", "down", "raise", ">="), ("down", "up", "lower", "<=")):
        mean, deviation = columns[f"{way}_mean"], columns.get(f"{way}_std", np.zeros(1))
        every = np.ones_like(mean, dtype=bool)
        swapped = totals[way] < 0 and totals[other] < 0
        remedy = "swap the columns up and down" if swapped else "correct its sign (increments down are negative)"
        off = f"events {way} must {verb} the conductance, on average they change it by {mean.mean():g} S; {remedy}"
        yield from _only(f"{way}_mean", every & (totals[way] <= 0), off)
        for name, column in ((f"{way}_mean", mean), (f"{way}_std", deviation)):
            large = f"{{:g}} S is larger than the whole window of {span:g} S"
            yield from _only(name, np.abs(column) > span, large + _other_unit(span / max(np.abs(column).max(), span)))
        count = span / np.abs(mean).mean()
        slow = f"{count:.3g} events {way} would be needed across the window of {span:g} S{_other_unit(count)}"
        yield from _only(f"{way}_mean", every & (count > _MOST), slow)
        yield from _only(f"{way}_std", deviation < 0, "a standard deviation must be >= 0, got {:g} S; correct it")
        wrong = (mean < 0) if way == "up" else (mean > 0)
        yield from _only(f"{way}_mean", wrong, f"must be {sign} 0 in every state, got {{:g}} S; set it to 0")


def _only(name: str, wrong: np.ndarray, text: str) -> Iterator[tuple[str, np.ndarray, str]]:
    if wrong.any():
        yield name, wrong, text


def _other_unit(count: float) -> str:
    """The remedy where so many events across the window are none: the factor of a prefix that makes it usual."""
    slips = [factor for factor in (1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9) if _FEW <= count / factor <= _MANY]
    if slips:
        factor = min(slips, key=lambda factor: abs(math.log(count / factor / 100)))
        made = f"increments x {factor:g} would make it {count / factor:.3g} events"
        return f"; is the unit in its header right? {made}"
    return "; check the units of increments and conductance in the header"


def _as_given(table: Table) -> dict[str, np.ndarray]:
    """One row a state."""
    if len(table.lines) < 2:
        where = table.where(0, "conductance")
        raise InputError(f"{where}: one state alone is no axis, at least 2 are needed; measure in more states")
    columns = {name.replace("conductance", "states"): column for name, column in table.columns.items()}
    columns |= {name: _signed(table, name, columns[name]) for name in ("up_mean", "down_mean")}
    for name, wrong, text in _faults(columns):
        table.refuse(name.replace("states", "conductance"), wrong, text)
    return columns


def _signed(table: Table, name: str, mean: np.ndarray) -> np.ndarray:
    """The mean increments without those of the wrong sign, unless that is the sign of the whole column."""
    wrong = mean < 0 if name.startswith("up") else mean > 0
    if not wrong.any() or np.sign(mean.sum()) == np.sign(mean[wrong][0]):
        return mean
    where = "line " + ", ".join(map(str, table.lines[wrong][:5])) if len(table.lines) == len(mean) else "some bins"
    warn(f"{table.path}: {name} has the wrong sign in {int(wrong.sum())} of {len(mean)} rows ({where}), taken as 0")
    return np.where(wrong, 0.0, mean)


def _binned(table: Table, bins: int) -> dict[str, np.ndarray]:
    """One row an event: tables of both directions on one axis, from the least to the highest state."""
    state, change = table.columns["conductance"], table.columns["increment"]
    ways = [_WORDS.get(word.lower(), "") for word in table.words["direction"].tolist()]
    for row, way in enumerate(ways):
        if not way:
            told = f"{str(table.words['direction'][row])!r} is no direction; write up or down"
            raise InputError(f"{table.where(row, 'direction')}: {told}")
    table.refuse("conductance", state < 0, "a conductance must be >= 0, got {:g} S; subtract the offset of the meter")
    if np.ptp(state) == 0:
        raise InputError(f"{table.path}: every event starts in the same state; measure in more states")
    far = f"{{:g}} S is more than twice the window of {np.ptp(state):g} S; check the unit in its header"
    table.refuse("increment", np.abs(change) > 2 * np.ptp(state), far)
    # by direction: states in order, increments, and where each bin starts; events of one state stay together
    found: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    for way in ("up", "down"):
        rows = np.flatnonzero(np.array(ways) == way)
        if not len(rows):
            raise InputError(f"{table.path} has no event {way}; measure both directions")
        if len(rows) < 2 * bins:
            few = f"{len(rows)} events {way} are too few for {bins} bins of at least 2"
            raise InputError(f"{table.path}: {few}; measure more or pass bins={max(1, len(rows) // 2)}")
        rows = rows[np.argsort(state[rows], kind="stable")]
        starts = np.searchsorted(state[rows], state[rows][np.arange(bins) * len(rows) // bins])
        found[way] = state[rows], change[rows], np.unique(starts)
    centres = {way: _mean(where, starts) for way, (where, _, starts) in found.items()}
    axis = np.unique(np.concatenate([*centres.values(), [state.min(), state.max()]]))
    axis = axis[np.diff(axis, prepend=-np.inf) > 1e-9 * np.ptp(axis)]  # not one state twice, by rounding
    columns = {"states": axis}
    for way, (where, moved, starts) in found.items():
        mean = _mean(moved, starts)
        left = moved - np.interp(where, centres[way], mean)
        counts = np.diff(starts, append=len(left))
        deviation = np.sqrt(np.add.reduceat(left**2, starts) / np.maximum(counts - 1, 1))
        columns[f"{way}_mean"] = _signed(table, f"{way}_mean", np.interp(axis, centres[way], mean))
        columns[f"{way}_std"] = np.interp(axis, centres[way], deviation)
    return columns


def _mean(column: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Of each bin, (bins,)."""
    return np.add.reduceat(column, starts) / np.diff(starts, append=len(column))
