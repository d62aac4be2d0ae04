"""Write and verify: pulses until a read lies within a tolerance of the target, with attempts and energy counted."""

from dataclasses import dataclass

import torch

from spinloom.devices.contract import Memory
from spinloom.errors import InputError, require_count, require_positive
from spinloom.seeding import Seed, child_seed, generator

_FEW = 0.5
"""Share of devices that miss above which the tolerance is to blame, and not the devices."""


@dataclass(frozen=True)
class Writing:
    """What programming took. devices: that were to be written. events: pulses. attempts: one device each, with its
    verifying read. energy: J, of pulses and reads. missed: devices that were outside the tolerance in the end."""

    devices: int = 0
    events: int = 0
    attempts: int = 0
    energy: float = 0.0
    missed: int = 0

    def __add__(self, other: "Writing") -> "Writing":
        return Writing(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def write(
    memory: Memory,
    state: torch.Tensor,
    target: torch.Tensor,
    tolerance: float,
    attempts: int = 20,
    seed: Seed = 0,
    active: torch.Tensor | None = None,
) -> tuple[torch.Tensor, Writing]:
    """The state after writing `target` (S, (*shape)) into devices, and what that took.

    Each device is read, and as long as the read is more than `tolerance` (S) off, attempted anew, `attempts` times at
    most. active: (*shape), the devices to be written, None for all.

    Raises InputError where more than half of the devices that were to be written miss the target in the end, without
    having reached an end of their window.
    """
    require_positive("S", tolerance=tolerance)
    require_count(attempts=attempts)
    source = generator(seed)
    active = torch.ones_like(target, dtype=torch.bool) if active is None else active
    if not bool(active.all()) and _of_one_design(memory):  # in training few weights change at a time
        ahead = state.shape[: state.ndim - target.ndim]
        some = state.reshape(*ahead, -1), target.reshape(-1), active.reshape(-1).nonzero().squeeze(1)
        found, taken = write(memory, some[0][..., some[2]], some[1][some[2]], tolerance, attempts, source)
        return some[0].index_copy(-1, some[2], found.to(state)).reshape(state.shape), taken
    wanted, events, tries, energy = int(active.sum()), 0.0, 0, 0.0
    left = active
    for turn in range(attempts + 1):
        off = memory.read(state, child_seed(source)) - target
        energy += float(memory.read_energy(state)[left].sum())
        left = left & (off.abs() > tolerance)
        able = left & torch.where(off > 0, memory.lowers, memory.raises)
        if turn == attempts or not bool(able.any()):
            break
        after, pulses = memory.attempt(state, target, able, child_seed(source))
        energy += float(memory.energy(state, pulses).sum())
        events, tries, state = events + float(pulses.abs().sum()), tries + int(able.sum()), after
    missed = int(left.sum())
    if missed > _FEW * wanted and bool(able.any()):
        typical = float((memory.conductance(state) - target).abs()[left].median())
        raise InputError(
            f"a tolerance of {tolerance:.3g} S is met by {wanted - missed} of {wanted} devices after {attempts} "
            f"attempts; the others are typically {typical:.3g} S off: give a tolerance above that, or more attempts"
        )
    return state, Writing(wanted, round(events), tries, energy, missed)


def _of_one_design(memory: Memory) -> bool:
    """Whether a part of the devices can be told from the whole: no parameter differs between them."""
    return not any(isinstance(value, torch.Tensor) and value.numel() > 1 for value in vars(memory).values())
