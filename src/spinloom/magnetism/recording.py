"""Long runs: written to a file as they go, resumed to the bit after a kill, ended by a criterion.

The run is cut into segments, one for each record, and every segment starts from what the file holds: the last state,
the last adaptive step of each member, and, at a temperature, a seed made of the run's seed and the number of the
segment. Where a run was interrupted can therefore not be seen in its trajectory, on one machine with one number of
threads. It is not the trajectory of one `simulate` to the last bit: a multistep scheme starts anew in each segment, an
adaptive step ends with it.
"""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spinloom import __version__
from spinloom.errors import InputError, SpinloomWarning, require_finite, require_positive
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.dynamics import Engine, Method
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.preparation import prepared_state
from spinloom.magnetism.recording_file import finished_records, last_state, opened, rows, text
from spinloom.magnetism.recording_layout import create
from spinloom.magnetism.recording_result import Recording, load_recording
from spinloom.magnetism.recording_run import Run, record_times
from spinloom.magnetism.recording_settings import as_json, described, differences
from spinloom.magnetism.recording_stop import Stop, WhenMean, when_mean
from spinloom.magnetism.recording_writer import Writer

__all__ = ["Recording", "WhenMean", "load_recording", "record", "when_mean"]


def record(
    magnet: Magnet,
    m: torch.Tensor,
    duration: float,
    path: str | Path,
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
