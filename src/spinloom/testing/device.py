"""What `Design`, `Device` and `Memory` promise, as tests."""

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from spinloom.devices import Device, Memory, OperatingCost, Parameter, Response, Spread, load_response, save_response
from spinloom.errors import InputError


def promise(kept: object, text: str, found: object = "") -> None:
    """Fail the test with the promise unless it is kept."""
    if not kept:
        pytest.fail(f"promise broken: {text}" + (f"; found {found}" if found != "" else ""), pytrace=False)


@contextmanager
def refused(text: str) -> Iterator[None]:
    """The promise that the body raises InputError."""
    try:
        yield
    except InputError as error:
        promise(str(error), f"{text}: the error says what is wrong")
    except Exception as error:
        promise(False, f"{text} is an InputError", f"{type(error).__name__}: {error}")
    else:
        promise(False, f"{text} is an InputError", "no error")


def _same(one: Response, other: Response) -> bool:
    parts = ("drive", "value", "slope", "noise", "slope_noise")
    return all(torch.equal(getattr(one, part), getattr(other, part)) for part in parts)


class DesignContract:
    """Of anything with parameters. device: the one that is tested.

    read_out: a number of the device that is differentiable in its parameters, a function of the device; None leaves
    gradients out, for a device that says it has none. flat: parameters on which that number does not depend.
    """

    device: ClassVar[Any]
    read_out: ClassVar[Callable[[Any], torch.Tensor] | None] = None
    flat: ClassVar[tuple[str, ...]] = ()

    def test_it_is_a_frozen_dataclass_of_its_parameters(self) -> None:
        made = type(self.device)
        promise(is_dataclass(made) and made.__dataclass_params__.frozen, "a device is a frozen dataclass")  # type: ignore[attr-defined]
        names = {part.name for part in fields(made)}
        for name, parameter in self.device.parameters.items():
            promise(name in names, "each of `parameters` is a field", name)
            promise(isinstance(parameter, Parameter), "`parameters` are `Parameter`s with unit and range", name)
            promise(parameter.low <= parameter.high <= parameter.most, "a usual range lies in the possible one", name)

    def test_a_parameter_that_cannot_be_is_refused(self) -> None:
        for name, parameter in self.device.parameters.items():
            if isinstance(getattr(self.device, name), tuple):
                continue
            wrong: list[Any] = [math.nan, "wide"]
            wrong += [-1.0] if parameter.sign in ("positive", "non-negative") else []
            wrong += [10 * parameter.most] if math.isfinite(parameter.most) else []
            for value in wrong:
                with refused(f"{name}={value!r}"):
                    replace(self.device, **{name: value})

    def test_devices_of_a_batch_differ_as_their_spread_says(self) -> None:
        made = [self.device.fabricate(5, Spread.uniform(0.05), seed) for seed in (1, 1, 2)]
        for name, parameter in self.device.parameters.items():
            if parameter.spread and isinstance(values := getattr(made[0], name), torch.Tensor):
                promise(values.shape == (5, 1), "what spreads has the shape (devices, 1)", f"{name}: {values.shape}")
                first, again, other = (getattr(device, name) for device in made)
                promise(torch.equal(first, again), "the same seed gives the same devices", name)
                promise(not torch.equal(first, other), "another seed gives other devices", name)
        with refused("a spread of a parameter that does not exist"):
            self.device.fabricate(2, Spread(no_such_parameter=0.1))
        with refused("a batch of no device"):
            self.device.fabricate(0)

    def test_gradients_reach_every_parameter(self) -> None:
        if self.read_out is None:
            pytest.skip("the device says that it has no gradients")
        given = {}
        for name, parameter in self.device.parameters.items():
            value = getattr(self.device, name)
            if name not in self.flat and not parameter.single and isinstance(value, int | float):
                given[name] = torch.tensor(float(value), dtype=torch.float64, requires_grad=True)
        shown = type(self).read_out(replace(self.device, **given)).sum()  # type: ignore[misc]
        promise(shown.requires_grad, "the read-out is differentiable in every parameter", ", ".join(given))
        slopes = torch.autograd.grad(shown, list(given.values()), allow_unused=True)
        for name, slope in zip(given, slopes, strict=True):
            promise(slope is not None, "the read-out is differentiable in every parameter", name)
            promise(slope.isfinite() and slope != 0, "a gradient is finite and not zero", f"{name}: {float(slope):g}")


class DeviceContract(DesignContract):
    """Of an activation device: what `simulate` returns, and `cost`. settings: of each simulation, to keep it short."""

    device: ClassVar[Device]
    settings: ClassVar[dict[str, Any]] = {}

    def simulate(self, **changes: Any) -> Response:
        return self.device.simulate(**{**self.settings, **changes})

    def test_simulate_returns_a_response_of_as_many_devices(self) -> None:
        for devices in (1, 3):
            response = self.simulate(devices=devices, spread=0.05)
            promise(isinstance(response, Response), "simulate returns a Response", type(response).__name__)
            promise(response.devices == devices, "a response has a row for each device", response.devices)
        drive = response.drive[::2]
        promise(len(self.simulate(drive=drive).drive) == len(drive), "a response has a point for each drive")

    def test_values_keep_to_full_scale(self) -> None:
        value = self.simulate().value
        promise(float(value.abs().max()) <= 2, "a value keeps to full scale, -1 to 1", f"{float(value.abs().max()):g}")

    def test_seeds_repeat(self) -> None:
        first, again, other = (self.simulate(devices=3, spread=0.1, seed=seed) for seed in (5, 5, 6))
        promise(_same(first, again), "the same seed gives the same response")
        promise(not _same(first, other), "another seed gives another response")

    def test_spread_is_a_fraction_or_a_spread(self) -> None:
        given = [self.simulate(devices=3, spread=spread, seed=1) for spread in (0.1, Spread.uniform(0.1))]
        promise(_same(*given), "a fraction is a spread of everything")
        values = given[0].value
        promise(not torch.equal(values[0], values[1]), "with spread no two devices are alike")

    def test_a_simulation_that_cannot_be_is_refused(self) -> None:
        for settings in ({"devices": 0}, {"devices": 2, "spread": -0.1}, {"spread": "much"}):
            with refused(f"simulate with {settings}"):
                self.simulate(**settings)

    def test_a_response_survives_its_file(self) -> None:
        response = self.simulate(devices=2, spread=0.05)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "response.safetensors"
            save_response(path, response)
            kept = load_response(path)
        promise(_same(response, kept), "a response is read as it was saved")
        same = (response.unit_drive, response.drive_unit) == (kept.unit_drive, kept.drive_unit)
        promise(same, "the unit drive is read as it was saved")

    def test_an_operation_costs_energy_and_time(self) -> None:
        cost = self.device.cost()
        promise(isinstance(cost, OperatingCost), "cost returns an OperatingCost", type(cost).__name__)
        promise(cost.write_energy.shape == cost.drive.shape, "there is a write energy for each drive")
        least = min(float(cost.write_energy.min()), cost.reset_energy, cost.read_energy)
        promise(least >= 0, "no energy is below zero", f"{least:g} J")
        promise(cost.cycle_time > 0, "an operation takes time", f"{cost.cycle_time:g} s")
        promise(cost.assumptions, "a cost says what it assumes")


class MemoryContract(DesignContract):
    """Of a memory: events, reads, writing, retention, energy. device: the one that is tested.

    A memory whose state is more than its conductance gives `states`.
    """

    device: ClassVar[Memory]

    def states(self, count: int = 200) -> torch.Tensor:
        """(..., count), states all over the window."""
        low, high = (float(end) for end in self.device.window)
        return torch.linspace(low, high, count, dtype=torch.float64)

    def middle(self, count: int) -> torch.Tensor:
        """(..., count), the same state in the middle of the window."""
        state = self.states(3)[..., 1:2]
        return state.expand(*state.shape[:-1], count).clone()

    def directions(self) -> tuple[float, ...]:
        return (*([-1.0] if self.device.lowers else []), 0.0, *([1.0] if self.device.raises else []))

    def test_the_window_is_not_empty_and_new_devices_lie_in_it(self) -> None:
        low, high = self.device.window
        promise(float(low) < float(high), "the window of a memory is not empty", self.device.window)
        state = self.device.fresh((7,), 1)
        promise(state.shape[-1] == 7, "a state has the shape of the devices last", tuple(state.shape))
        promise(torch.equal(state, self.device.fresh((7,), 1)), "the same seed gives the same new devices")
        promise(self._inside(state), "a new device lies in the window")

    def test_levels_lie_in_the_window(self) -> None:
        if self.device.levels is not None:
            targets = self.device.targets()
            promise(targets.shape == (self.device.levels,), "there is a target for each level", tuple(targets.shape))
            promise((targets.diff() > 0).all(), "targets grow")
            low, high = (float(end) for end in self.device.window)
            promise(
                bool((targets >= low * (1 - 1e-9)).all() and (targets <= high * (1 + 1e-9)).all()), "they lie inside"
            )

    def test_events_stay_in_the_window_and_move_where_they_are_told(self) -> None:
        state = self.states()
        before = state.clone()
        for direction in self.directions():
            told = torch.full(self.device.conductance(state).shape, direction, dtype=state.dtype)
            mean, after = self.device.mean_change(state, told), self.device.program(state, told, 1)
            promise(after.shape == state.shape, "an event keeps the shape of the states", tuple(after.shape))
            promise(torch.equal(state, before), "an event leaves the tensor that it was given as it was")
            promise((mean * direction >= 0).all(), "an event moves where it is told, on average")
            promise(self._inside(after), "an event stays within the window")
            if not direction:
                promise(torch.equal(after, state), "without an event a state stays")

    def test_an_event_has_its_mean(self) -> None:
        state = self.middle(20_000)
        before = self.device.conductance(state)
        for direction in self.directions():
            told = torch.full(before.shape, direction, dtype=state.dtype)
            moved = self.device.conductance(self.device.program(state, told, 2)) - before
            self._averages(moved, self.device.mean_change(state, told).mean(), "events average to `mean_change`")

    def test_seeds_repeat_in_events_and_reads(self) -> None:
        state = self.states()
        told = torch.full(self.device.conductance(state).shape, 1.0 if self.device.raises else -1.0)
        for draw in (partial(self.device.program, state, told), partial(self.device.read, state)):
            promise(torch.equal(draw(3), draw(3)), "the same seed gives the same states")

    def test_a_read_leaves_its_mean(self) -> None:
        state = self.middle(20_000)
        reads, mean = self.device.read(state, 4), self.device.conductance(state)
        self._averages(reads, mean.mean(), "reads average to the conductance")
        expected = float(self.device.read_deviation(state).mean())
        found = float((reads - mean).std())
        promise(abs(found - expected) <= 0.05 * expected + 1e-9 * float(mean[0]), "reads scatter by `read_deviation`")

    def test_an_attempt_comes_nearer_and_counts_its_events(self) -> None:
        state = self.states(400)
        here = self.device.conductance(state)
        target = self.device.targets()[0 if self.device.lowers else -1] if self.device.levels else self._middle()
        target = torch.full_like(here, float(target))
        active = torch.arange(400) % 2 == 0
        after, events = self.device.attempt(state, target, active, 5)
        promise((events[~active] == 0).all(), "an attempt gives no event to a device that needs none")
        able = active & (((target > here) & self.device.raises) | ((target < here) & self.device.lowers))
        off, still = (target - here).abs()[able], (target - self.device.conductance(after)).abs()[able]
        promise(still.mean() < 0.7 * off.mean(), "an attempt comes nearer to its target on average")

    def test_states_are_retained(self) -> None:
        state = self.states()
        promise(torch.allclose(self.device.retained(state, 0.0), state, rtol=1e-12), "a state stands at time 0")
        promise(self._inside(self.device.retained(state, 1.0)), "a state that fades stays in the window")
        with refused("a negative time"):
            self.device.retained(state, -1.0)

    def test_an_event_and_a_read_cost_energy(self) -> None:
        state = self.states()
        told = torch.full_like(self.device.conductance(state), 1.0 if self.device.raises else -1.0)
        promise((self.device.energy(state, told) >= 0).all(), "no energy is below zero")
        promise((self.device.energy(state, 0 * told) == 0).all(), "no event costs no energy")
        promise((self.device.read_energy(state) >= 0).all(), "no energy is below zero")

    def _middle(self) -> float:
        return sum(float(end) for end in self.device.window) / 2

    def _inside(self, state: torch.Tensor) -> bool:
        low, high = (float(end) for end in self.device.window)
        g = self.device.conductance(state)
        return bool(((g >= low * (1 - 1e-6)) & (g <= high * (1 + 1e-6))).all())

    def _averages(self, drawn: torch.Tensor, expected: torch.Tensor, text: str) -> None:
        error = float(drawn.mean() - expected)
        allowed = 5 * float(drawn.std()) / len(drawn) ** 0.5 + 1e-9 * float(self.device.window[1])
        promise(abs(error) <= allowed, text, f"off by {error:.3g} S")
