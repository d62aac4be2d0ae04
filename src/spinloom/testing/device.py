"""What `Design` and `Device` promise, as tests."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from spinloom.devices import Device, OperatingCost, Parameter, Response, Spread, load_response, save_response
from spinloom.testing.promise import promise, refused

PARTS = ("drive", "value", "slope", "noise", "slope_noise")


def _same(one: Response, other: Response) -> bool:
    return all(torch.equal(getattr(one, part), getattr(other, part)) for part in PARTS)


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
        for name, parameter in self.device.parameters.items():
            value = getattr(self.device, name)
            if name in self.flat or parameter.single or not isinstance(value, int | float):
                continue
            given = torch.tensor(float(value), dtype=torch.float64, requires_grad=True)
            shown = type(self).read_out(replace(self.device, **{name: given})).sum()  # type: ignore[misc]
            promise(shown.requires_grad, "the read-out is differentiable in every parameter", name)
            (slope,) = torch.autograd.grad(shown, given)
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
