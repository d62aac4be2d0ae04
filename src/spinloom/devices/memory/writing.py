"""Write and verify: pulses until a read lies within a tolerance of the target, with attempts and energy counted."""

from dataclasses import dataclass, fields, replace

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
    source, ahead = generator(seed), state.shape[: state.ndim - target.ndim]
    whole, goal = state.reshape(*ahead, -1, 1).clone(), target.reshape(-1, 1)
    left = (torch.ones_like(goal, dtype=torch.bool) if active is None else active).reshape(-1).nonzero().squeeze(1)
    wanted, events, tries, energy = len(left), 0.0, 0, 0.0
    if not wanted:
        return state, Writing()
    # few change at a time in training, and fewer with each attempt: only these are worked on
    part, here, aim = _part(memory, left, len(goal)), whole[..., left, :], goal[left]
    for turn in range(attempts + 1):
        off = part.read(here, child_seed(source)) - aim
        energy += float(part.read_energy(here).sum())
        missing = off.abs() > tolerance
        able = missing & torch.where(off > 0, part.lowers, part.raises)
        if turn == attempts or not bool(able.any()):
            break
        if not bool(missing.all()):
            whole[..., left, :] = here.to(whole)
            left = left[missing.squeeze(1)]
            part, here, aim = _part(memory, left, len(goal)), whole[..., left, :], goal[left]
            able = able[missing].reshape(-1, 1)
        after, pulses = part.attempt(here, aim, able, child_seed(source))
        energy += float(part.energy(here, pulses).sum())
        events, tries, here = events + float(pulses.abs().sum()), tries + int(able.sum()), after
    whole[..., left, :] = here.to(whole)
    missed = int(missing.sum())
    if missed > _FEW * wanted and bool(able.any()):
        typical = float((part.conductance(here) - aim).abs()[missing].median())
        raise InputError(
            f"a tolerance of {tolerance:.3g} S is met by {wanted - missed} of {wanted} devices after {attempts} "
            f"attempts; the others are typically {typical:.3g} S off: give a tolerance above that, or more attempts"
        )
    return whole.reshape(state.shape), Writing(wanted, round(events), tries, energy, missed)


def _part(memory: Memory, chosen: torch.Tensor, devices: int) -> Memory:
    """These of the devices: parameters that differ between devices are taken from their rows."""
    own = {part.name: getattr(memory, part.name) for part in fields(memory)}  # type: ignore[arg-type]
    rows = {n: value for n, value in own.items() if isinstance(value, torch.Tensor) and value.shape == (devices, 1)}
    return replace(memory, **{n: value[chosen] for n, value in rows.items()}) if rows else memory  # type: ignore[type-var]
