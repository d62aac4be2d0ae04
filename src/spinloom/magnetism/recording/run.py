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
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from spinloom import __version__
from spinloom.errors import InputError, SpinloomWarning, require_finite, require_positive, unknown_name
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.dynamics import Engine, Method, Trajectory, simulate
from spinloom.magnetism.engine.right_hand_side import prepared_state
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.recording.file import (
    Recording,
    Rows,
    Writer,
    create,
    finished_records,
    last_state,
    load_recording,
    opened,
    rows,
    text,
)
from spinloom.magnetism.recording.settings import as_json, described, differences


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

    def first_step(self, m: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
        """`step` in the shape in which the steps are kept: of each member, or () where it is fixed.

        Makes one step, which raises InputError or PhysicsError for a run that `simulate` refuses.
        """
        length = min(self.times[1] - self.times[0], float(step.min()))
        tried = self._advance(0, m, length, step).last_step
        return step.reshape(()) if tried is None else step.reshape(-1).expand(tried.numel()).reshape(tried.shape)

    def segment(self, number: int, m: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """State of record `number` from the one before, and the first step of the next segment (s)."""
        length = self.times[number] - self.times[number - 1]
        done = self._advance(number - 1, m, length, step)
        return done.final, step if done.last_step is None else done.last_step

    def _advance(self, begin: int, m: torch.Tensor, length: float, step: torch.Tensor) -> Trajectory:
        seed = segment_seed(self.seed, begin)
        return simulate(self.magnet, m, length, step, start=self.times[begin], seed=seed, **self.options)

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
        energies = {name: part.to(torch.float64).expand(mean.shape[1:]) for name, part in parts.items()}
        total = sum(energies.values(), torch.zeros_like(mean[0]))
        kept = {"mean": mean, "energy": total, "step": step}
        kept |= {f"energies/{name}": part for name, part in energies.items()}
        kept |= {} if self.averages_only else {"m": m}
        return {name: part.cpu().numpy() for name, part in kept.items()}

    def grid(self) -> Rows:
        """Datasets that are written once: the lengths of the cells (3,) or (3, *batch), and where there is material."""
        mesh, geometry = self.magnet.mesh, self.magnet.geometry
        if mesh is None:
            return {}
        cell = torch.stack(torch.broadcast_tensors(*mesh.lengths)).numpy()
        mask = torch.ones(mesh.shape, dtype=torch.bool) if geometry is None else geometry.cpu()
        return {"cell": cell, "geometry": mask.numpy()}


def record_times(start: float, duration: float, every: float) -> list[float]:
    """The start, then every `every` seconds, then the end. Raises InputError for more than ten million of them."""
    count = duration / every * (1 - 1e-9)
    if not count < _MOST_RECORDS:
        raise InputError(
            f"every = {every:g} s gives {count:.3g} records, at most {_MOST_RECORDS} are kept; take longer"
        )
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
    settings = as_json({name: described(value, name) for name, value in given.items()})
    run = Run(magnet, record_times(start, duration, every), seed, options, averages_only)
    with torch.no_grad():
        if overwrite or not path.exists():
            _begin(path, run, m, double(step).to(m.device), settings)
        elif _complete(path, settings):
            return load_recording(path)
        _go_on(path, run, m.device, stop, progress)
    return load_recording(path)


def _begin(path: Path, run: Run, m: torch.Tensor, step: torch.Tensor, settings: str) -> None:
    """Make the file with its first record; what cannot run is refused before."""
    step = run.first_step(m, step)
    whole, state = run.grid(), m.cpu().numpy()
    attributes: dict[str, Any] = {"settings": settings, "spinloom": __version__}
    if run.averages_only:
        whole |= {"state": np.stack([state, state]), "state_record": np.array([0, -1])}
    if run.magnet.mesh is not None:
        attributes["cells"] = run.magnet.mesh.cells
    create(path, run.times, run.rows(0, m, step), whole, attributes)


def _complete(path: Path, settings: str) -> bool:
    """Whether the run in the file is at its end. Raises InputError where it is another run."""
    with opened(path) as file:
        before, version = text(file, "settings"), text(file, "spinloom")
        done = bool(rows(file, "stopped")[0]) or finished_records(file) == len(file["time"])
    if different := differences(json.loads(before), json.loads(settings)):
        raise InputError(
            f"{path} holds a run with other settings ({different}); choose another path, or overwrite=True to lose it"
        )
    if version != __version__ and not done:
        warnings.warn(
            f"{path} was begun with Spinloom {version} and goes on with {__version__}", SpinloomWarning, stacklevel=3
        )
    return done


def _go_on(
    path: Path, run: Run, device: torch.device, stop: Stop | None, progress: Callable[[float], None] | None
) -> None:
    """From the last record in the file to the end."""
    with opened(path) as file:
        last = finished_records(file) - 1
        m = torch.from_numpy(last_state(file)).to(device)
        step = torch.from_numpy(rows(file, "step", last, 1)[0, ...]).to(device)
    end = len(run.times) - 1
    with Writer(path) as writer:
        ended = last > 0 and _ends(stop, run, last, m)  # it may have been killed before it could stop
        while not ended and last < end:
            last += 1
            m, step = run.segment(last, m, step)
            writer.append(last, run.times[last], run.rows(last, m, step), m.cpu().numpy())
            if progress is not None:
                progress(last / end)
            ended = _ends(stop, run, last, m)
        if last < end:
            writer.stop()


def _ends(stop: Stop | None, run: Run, number: int, m: torch.Tensor) -> bool:
    if stop is None:
        return False
    return stop.holds(run.mean(m)) if isinstance(stop, WhenMean) else bool(stop(run.times[number], m))
