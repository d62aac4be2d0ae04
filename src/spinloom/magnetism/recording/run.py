"""Long runs: written to a file as they go, resumed to the bit after a kill, ended by a criterion.

The run is cut into segments, one for each record, and every segment starts from what the file holds: the last state,
the last adaptive step of each member, and, at a temperature, a seed made of the run's seed and the number of the
segment. Where a run was interrupted can therefore not be seen in its trajectory, on one machine with one number of
threads. It is not the trajectory of one `simulate` to the last bit: a multistep scheme starts anew in each segment, an
adaptive step ends with it.
"""

import hashlib
import json
import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from spinloom import __version__
from spinloom.errors import InputError, SpinloomWarning, require_finite, require_positive, unknown_name
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.dynamics import Engine, Method, Trajectory, simulate
from spinloom.magnetism.engine.rates import prepared_state
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.recording.file import Recording, Rows, Writer, create, load_recording


@dataclass(frozen=True)
class WhenMean:
    """The criterion of `when_mean`."""

    component: Literal["x", "y", "z"]
    below: Quantity | None
    above: Quantity | None

    def holds(self, mean: torch.Tensor) -> bool:
        """Whether it is met by averages (3, *batch), in every member."""
        value = mean["xyz".index(self.component)]
        low = True if self.below is None else bool((value < torch.as_tensor(self.below)).all())
        return low and (self.above is None or bool((value > torch.as_tensor(self.above)).all()))


def when_mean(
    component: Literal["x", "y", "z"], *, below: Quantity | None = None, above: Quantity | None = None
) -> WhenMean:
    """End a run when the mean of a component over the cells with material is beyond a limit, in all members at once.

    `when_mean("x", below=-0.5)` waits for a magnet that starts along +x to switch. With both limits it must lie between
    them. Raises InputError for an unknown component, no limit, or limits that |m| = 1 cannot pass.
    """
    if component not in ("x", "y", "z"):
        raise unknown_name("component", str(component), ("x", "y", "z"))
    limits = [torch.as_tensor(limit) for limit in (below, above) if limit is not None]
    if not limits or not all(bool((limit.abs() < 1).all()) for limit in limits):
        raise InputError(f"when_mean needs below or above, between -1 and 1; got below={below!r}, above={above!r}")
    return WhenMean(component, below, above)


Stop = Callable[[float, torch.Tensor], bool] | WhenMean
"""Called with the time (s) and the state after each record; must depend on them only, or a resumed run differs."""

_MOST_RECORDS = 10_000_000


@dataclass(frozen=True)
class Run:
    """times: s, of every record, the first is the start. options: of `simulate`."""

    magnet: Magnet
    times: list[float]
    seed: int
    options: dict[str, Any]
    averages_only: bool
    stop: Stop | None

    def begin(self, path: Path, m: torch.Tensor, step: torch.Tensor, settings: str) -> None:
        """Make the file with its first record. Makes one step, which raises what `simulate` raises."""
        tried = self.advance(0, m, step, min(self.times[1] - self.times[0], float(step.min()))).last_step
        step = step.reshape(()) if tried is None else step.reshape(-1).expand(tried.numel()).reshape(tried.shape)
        attributes: dict[str, Any] = {"settings": settings, "spinloom": __version__}
        whole: Rows = {}
        if self.averages_only:
            state = m.cpu().numpy()
            whole |= {"state": np.stack([state, state]), "state_record": np.array([0, -1])}
        if (mesh := self.magnet.mesh) is not None:
            mask = self.magnet.geometry
            mask = torch.ones(mesh.shape, dtype=torch.bool) if mask is None else mask.cpu()
            whole |= {"cell": torch.stack(torch.broadcast_tensors(*mesh.lengths)).numpy(), "geometry": mask.numpy()}
            attributes["cells"] = mesh.cells
        create(path, self.times, self.rows(0, m, step), whole, attributes)

    def go_on(self, kept: Recording, device: torch.device, progress: Callable[[float], None] | None) -> None:
        """From the last record in the file to the end."""
        last, end = len(kept.time) - 1, len(self.times) - 1
        m, step = kept.final.to(device), kept.step[-1].to(device)
        with Writer(kept.path) as writer:
            ended = last > 0 and self.ends(last, m)  # it may have been killed before it could stop
            while not ended and last < end:
                done = self.advance(last, m, step, self.times[last + 1] - self.times[last])
                last, m, step = last + 1, done.final, step if done.last_step is None else done.last_step
                writer.append(last, self.times[last], self.rows(last, m, step), m.cpu().numpy())
                if progress is not None:
                    progress(last / end)
                ended = self.ends(last, m)
            if last < end:
                writer.stop()

    def advance(self, number: int, m: torch.Tensor, step: torch.Tensor, length: float) -> Trajectory:
        """The segment of `length` (s) that begins at record `number` with a first step of `step` (s)."""
        seed = segment_seed(self.seed, number)
        return simulate(self.magnet, m, length, step, start=self.times[number], seed=seed, **self.options)

    def ends(self, number: int, m: torch.Tensor) -> bool:
        if isinstance(self.stop, WhenMean):
            return self.stop.holds(self.mean(m))
        return self.stop is not None and bool(self.stop(self.times[number], m))

    def mean(self, m: torch.Tensor) -> torch.Tensor:
        """m averaged over the cells with material, (3, *batch), float64; of macrospins m itself."""
        if self.magnet.mesh is None:
            return m.to(torch.float64)
        geometry = self.magnet.geometry
        cells = self.magnet.mesh.count if geometry is None else geometry.sum((-3, -2, -1)).to(m.device)
        return m.sum((-3, -2, -1), dtype=torch.float64) / cells

    def rows(self, number: int, m: torch.Tensor, step: torch.Tensor) -> Rows:
        """What record `number` holds besides its time."""
        mean = self.mean(m)
        parts = self.magnet.energies(m, self.times[number])
        energies = {f"energies/{name}": part.to(torch.float64).expand(mean.shape[1:]) for name, part in parts.items()}
        kept = {"mean": mean, "energy": sum(energies.values(), torch.zeros_like(mean[0])), "step": step, **energies}
        kept |= {} if self.averages_only else {"m": m}
        return {name: part.cpu().numpy() for name, part in kept.items()}


def record_times(start: float, duration: float, every: float) -> list[float]:
    """The start, then every `every` seconds, then the end. Raises InputError for more than ten million of them."""
    count = duration / every * (1 - 1e-9)
    if not count < _MOST_RECORDS:
        raise InputError(f"every = {every:g} s: {count:.3g} records, at most {_MOST_RECORDS} are kept; take longer")
    return [start + k * every for k in range(math.ceil(count))] + [start + duration]


def segment_seed(seed: int, number: int) -> int:
    """For the segment that begins at record `number`.

    Those of a run differ in their lower 32 bits: torch's generator on the CPU reads no others.
    """
    first = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4], "big")
    return (first + number) % 2**32


def record(
    path: str | Path,
    magnet: Magnet,
    m: torch.Tensor,
    duration: float,
    *,
    every: float,
    step: float | torch.Tensor = 1e-12,
    start: float = 0.0,
    method: Method = "auto",
    temperature: Quantity = 0.0,
    seed: int = 0,
    tolerance: float | None = None,
    engine: Engine = "auto",
    averages_only: bool = False,
    stop: Stop | None = None,
    progress: Callable[[float], None] | None = None,
    overwrite: bool = False,
) -> Recording:
    """Simulate, and write a record to the HDF5 file `path` at the start and after every `every` seconds of it.

    The same call again goes on after the last record of a run that was killed or interrupted (Ctrl-C), and returns at
    once where it is complete. The file may be read all the time (`load_recording`, or any program that reads HDF5: the
    rows whose `time` is not NaN).

    every: s; the last segment is shorter if it does not divide `duration`. stop: called with the time (s) and the state
    after each record, ends the run when True; or `when_mean(...)`. A function is known by its name only when a run is
    resumed. averages_only: keep mean m and energies, but only the last state. progress: called with the fraction done
    after each segment. overwrite: begin anew, whatever file is there. Others: see `simulate`; no gradients.

    Raises what `simulate` raises; InputError for a file that is no recording, is damaged, or was written with other
    settings (it says which); OutputError where the file cannot be written, without losing earlier records. Warns
    (SpinloomWarning) when the disk has no room for all records, and when another version of Spinloom began the run.
    """
    path, m = Path(path), prepared_state(magnet, m.detach())
    require_positive("s", duration=duration, every=every, step=step)
    require_finite("s", start=start)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise InputError(f"seed must be a whole number, so that the run can be resumed; got {seed!r}")
    options: dict[str, Any] = {"method": method, "temperature": temperature, "tolerance": tolerance, "engine": engine}
    given: dict[str, Any] = {"magnet": magnet, "m": m, "device": m.device.type, "duration": duration, "every": every}
    given |= {"start": start, "step": step, "seed": seed, "averages_only": averages_only, "stop": stop} | options
    settings = {name: described(value, name) for name, value in given.items()}
    run = Run(magnet, record_times(start, duration, every), seed, options, averages_only, stop)
    with torch.no_grad():
        if begins := overwrite or not path.exists():
            run.begin(path, m, double(step).to(m.device), json.dumps(settings, indent=1))
        kept = load_recording(path)
        if not begins and (different := differences(kept.settings, json.loads(json.dumps(settings)))):
            raise InputError(
                f"{path} holds a run with other settings ({different}); choose another path, or lose it: overwrite=True"
            )
        if kept.complete:
            return kept
        if kept.version != __version__:
            told = f"{path} was begun with Spinloom {kept.version} and goes on with {__version__}"
            warnings.warn(told, SpinloomWarning, stacklevel=2)
        run.go_on(kept, m.device, progress)
    return load_recording(path)


_SHOWN = 8
"""Tensors of so many elements are written out; of larger ones the SHA-256 is kept."""
_MOST = 3


def described(value: Any, name: str = "it") -> Any:
    """Numbers, names and lists as they are, tensors by type, shape and content, objects by class and attributes.

    Functions are known by their name only. Raises InputError for an object whose content cannot be seen.
    """
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if isinstance(value, np.ndarray | np.generic):
        value = torch.as_tensor(value)
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().contiguous()
        tensor = {"tensor": f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"}
        if value.numel() <= _SHOWN:
            return tensor | {"values": value.tolist()}
        return tensor | {"sha256": hashlib.sha256(value.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()}
    if isinstance(value, tuple | list):
        return [described(part, f"{name}[{k}]") for k, part in enumerate(value)]
    if isinstance(value, dict):
        return {str(key): described(part, f"{name}.{key}") for key, part in value.items()}
    if callable(value) and hasattr(value, "__qualname__"):
        return {"function": f"{value.__module__}.{value.__qualname__}"}
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "__dict__"):
        parts = vars(value)
    else:
        raise InputError(
            f"{name} is a {type(value).__name__}, whose content cannot be compared when the run is resumed; use a "
            "frozen dataclass of numbers and tensors"
        )
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    return {"class": kind} | {key: described(part, f"{name}.{key}") for key, part in parts.items()}


def differences(before: Any, now: Any) -> str:
    """The first few settings that differ, for a message; "" where all are equal."""
    found = [f"{name}: {_brief(a)} in the file, {_brief(b)} now" for name, a, b in _different(before, now, "")]
    return "; ".join(found[:_MOST]) + (f"; and {len(found) - _MOST} more" if len(found) > _MOST else "")


def _different(before: Any, now: Any, name: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        for key in before:
            yield from _different(before[key], now[key], f"{name}.{key}".removeprefix("."))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for k, (a, b) in enumerate(zip(before, now, strict=True)):
            yield from _different(a, b, f"{name}[{k}]")
    elif _without_place(before) != _without_place(now):
        yield name, before, now


def _without_place(value: Any) -> Any:
    """The name of a class or function of this package without its file, which may move from version to version."""
    return re.sub(r"^spinloom\.(\w+\.)*", "", value) if isinstance(value, str) else value


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("class", value.get("function", value.get("tensor", "other entries")))
    elif isinstance(value, list):
        value = f"{len(value)} entries"
    return str(value) if len(str(value)) < 60 else f"{str(value)[:57]}..."
