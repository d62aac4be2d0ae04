"""What `Memory` promises, as tests."""

from typing import ClassVar

import torch

from spinloom.devices import Memory
from spinloom.testing.device import DesignContract
from spinloom.testing.promise import promise, refused


class MemoryContract(DesignContract):
    """Of a memory: events, reads, retention, energy. device: the one that is tested."""

    device: ClassVar[Memory]

    def states(self, count: int = 200) -> torch.Tensor:
        """(count,), S, from the least to the highest."""
        low, high = (float(end) for end in self.device.window)
        promise(low < high, "the window of a memory is not empty", self.device.window)
        return torch.linspace(low, high, count, dtype=torch.float64)

    def test_events_stay_in_the_window_and_move_where_they_are_told(self) -> None:
        state = self.states()
        for direction in (-1.0, 0.0, 1.0):
            told = torch.full_like(state, direction)
            mean, after = self.device.mean_change(state, told), self.device.program(state, told, 1)
            promise(after.shape == state.shape, "an event keeps the shape of the states", tuple(after.shape))
            promise((mean * direction >= 0).all(), "an event moves where it is told, on average")
            inside = (after >= state[0] * (1 - 1e-9)) & (after <= state[-1] * (1 + 1e-9))
            promise(inside.all(), "an event stays within the window")
            if not direction:
                promise(torch.equal(after, state), "without an event a state stays")

    def test_an_event_has_its_mean(self) -> None:
        state = self.states(3)[1].expand(20_000)
        for direction in (-1.0, 1.0):
            told = torch.full_like(state, direction)
            moved = self.device.program(state, told, 2) - state
            error = float(moved.mean() - self.device.mean_change(state, told)[0])
            allowed = 5 * float(moved.std()) / len(state) ** 0.5 + 1e-9 * float(state[0])
            promise(abs(error) <= allowed, "events average to `mean_change`", f"off by {error:.3g} S")

    def test_seeds_repeat_in_events_and_reads(self) -> None:
        state = self.states()
        for draw in (lambda seed: self.device.program(state, torch.ones_like(state), seed), self._read):
            first, again = draw(3), draw(3)
            promise(torch.equal(first, again), "the same seed gives the same states")

    def test_a_read_leaves_its_mean(self) -> None:
        state = self.states(3)[1].expand(20_000)
        read = self.device.read(state, 4)
        error, allowed = float(read.mean() - state[0]), 5 * float(read.std()) / len(state) ** 0.5
        promise(abs(error) <= allowed + 1e-9 * float(state[0]), "reads average to the state", f"off by {error:.3g} S")

    def test_states_are_retained(self) -> None:
        state = self.states()
        promise(torch.allclose(self.device.retained(state, 0.0), state, rtol=1e-12), "a state stands at time 0")
        later = self.device.retained(state, 1.0)
        inside = (later >= state[0] * (1 - 1e-9)) & (later <= state[-1] * (1 + 1e-9))
        promise(inside.all(), "a state that fades stays in the window")
        with refused("a negative time"):
            self.device.retained(state, -1.0)

    def test_an_event_costs_energy(self) -> None:
        state = self.states()
        promise((self.device.energy(state, torch.ones_like(state)) >= 0).all(), "no energy is below zero")
        promise((self.device.energy(state, 0 * state) == 0).all(), "no event costs no energy")

    def _read(self, seed: int) -> torch.Tensor:
        return self.device.read(self.states(), seed)
