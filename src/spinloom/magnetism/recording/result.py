"""What a recorded run has left in its file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from spinloom.errors import InputError
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.recording.file import finished_records, last_state, opened, rows, text


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording as it was when it was loaded.

    path: its file. time: s, (records,), the first is the start. mean: m averaged over the cells with material,
    (records, 3, *batch); of macrospins m itself. energy: J, (records, *batch); energies: of each term by the name of
    its class. step: s, with which the next segment begins, (records, *batch). complete: whether the run is at its end;
    stopped: whether a criterion has ended it. mesh, geometry: as in `Magnet`, None for macrospins.
    settings: what was given, tensors by their SHA-256.
    """

    path: Path
    time: torch.Tensor
    mean: torch.Tensor
    energy: torch.Tensor
    energies: dict[str, torch.Tensor]
    step: torch.Tensor
    complete: bool
    stopped: bool
    mesh: Mesh | None
    geometry: torch.Tensor | None
    settings: dict[str, Any]

    def m(self, index: int) -> torch.Tensor:
        """State of one record, read now: (3, *batch) or (3, *batch, nz, ny, nx). Negative indices count from the end.

        Raises InputError where there is no such record, and with averages only for all but the last one.
        """
        count = len(self.time)
        if not -count <= index < count:
            raise InputError(f"{self.path} has records 0 to {count - 1}, got {index}")
        with opened(self.path) as file:
            if "m" in file:
                return torch.from_numpy(rows(file, "m", index % count, 1)[0])
            if index % count != finished_records(file) - 1:
                raise InputError(
                    f"{self.path} keeps averages and its last state only; load it again if the run has gone on, record "
                    "with averages_only=False for all states"
                )
            return torch.from_numpy(last_state(file))

    @property
    def final(self) -> torch.Tensor:
        """The last state, (3, *batch) or (3, *batch, nz, ny, nx)."""
        return self.m(-1)


def load_recording(path: str | Path) -> Recording:
    """The recording in a file, also while it is being written or after a kill.

    Raises InputError, with the remedy, for a file that cannot be read, is damaged or is no recording.
    """
    path = Path(path)
    with opened(path) as file:
        count = finished_records(file)
        stopped = bool(rows(file, "stopped")[0])

        def kept(name: str) -> torch.Tensor:
            return torch.from_numpy(rows(file, name, 0, count))

        return Recording(
            path,
            time=kept("time"),
            mean=kept("mean"),
            energy=kept("energy"),
            energies={name: kept(f"energies/{name}") for name in file["energies"]},
            step=kept("step"),
            complete=stopped or count == len(file["time"]),
            stopped=stopped,
            mesh=_mesh(file),
            geometry=torch.from_numpy(file["geometry"][()]) if "geometry" in file else None,
            settings=json.loads(text(file, "settings")),
        )


def _mesh(file: Any) -> Mesh | None:
    if "cell" not in file:
        return None
    nx, ny, nz = (int(n) for n in file.attrs["cells"])
    dx, dy, dz = (float(h) if h.ndim == 0 else torch.from_numpy(h) for h in file["cell"][()])
    return Mesh((nx, ny, nz), (dx, dy, dz))
