"""The segments of a recorded run, and what is written of each state."""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import torch

from spinloom.errors import InputError
from spinloom.magnetism.dynamics import Trajectory, simulate
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.recording_file import Rows

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
