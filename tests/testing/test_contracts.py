"""Every device of ours passes its suite; a broken one fails with the name of the promise."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch

from spinloom.devices import (
    AutoOscillator,
    Device,
    LinearMemory,
    OperatingCost,
    Parameter,
    Response,
    SimulatedDiode,
    SimulatedOscillator,
    SpinDiode,
    TunnelJunction,
    TwoPolarizerMTJ,
    WeakResetMemory,
    design_curves,
)
from spinloom.magnetism import Applied, Constant, Demagnetization, EllipticCylinder, Magnet, Material
from spinloom.testing import DesignContract, DeviceContract, MemoryContract

DISK = EllipticCylinder(1e-7, 1e-7, 1.6e-9)
MAGNET = Magnet(Material(5e5, 0.01), DISK.volume, (Demagnetization(DISK), Applied(Constant(6e5), (0.0, 0.0, 1.0))))
DRIVES, START = TwoPolarizerMTJ().drives(3), torch.tensor([0.5])


class TestTwoPolarizerMTJ(DeviceContract):
    device = TwoPolarizerMTJ()
    settings: ClassVar = {"drive": DRIVES, "realizations": 2}
    read_out = staticmethod(lambda device: design_curves(device, DRIVES[2:] / 3, START, step=2e-11)[0])
    flat = ("exchange_stiffness",)  # of a macrospin


class TestTunnelJunction(DesignContract):
    device = TunnelJunction()
    read_out = staticmethod(lambda device: device.conductance(torch.tensor(0.3, dtype=torch.float64)))


class TestSpinDiode(DesignContract):
    device = SpinDiode(mixing_angle=0.3)
    read_out = staticmethod(lambda device: device.voltage(1e-6, 1.003e8))


class TestAutoOscillator(DesignContract):
    device = AutoOscillator(nonlinear_shift=1e6)
    read_out = staticmethod(lambda device: device.emitted_power(torch.tensor([2e-5, 5e-5])) * device.full_width(2e-5))


class TestSimulatedDiode(DesignContract):
    device = SimulatedDiode(MAGNET, 1.6e-9, field_like=0.3)
    read_out = staticmethod(lambda device: device.linear_voltage(1e-9, 4e9))


class TestSimulatedOscillator(DesignContract):
    device = SimulatedOscillator(MAGNET, 1.6e-9)
    read_out = staticmethod(lambda device: device.threshold())


class TestLinearMemory(MemoryContract):
    device = LinearMemory(retention=3.0)
    read_out = staticmethod(lambda device: _exercised(device))


class TestWeakResetMemory(MemoryContract):
    device = WeakResetMemory()

    def states(self, count=200):
        """From 0 to 10,000 pulses; each device has its own noise."""
        state = self.device.fresh((count,), 1)
        return self.device.program(state, -torch.linspace(0, 10_000, count).round(), 2)

    def middle(self, count):
        return self.device.program(self.device.fresh((count,), 1), torch.full((count,), -300.0), 2)


def _exercised(device):
    up = torch.ones(4, dtype=torch.float64)
    state = device.program(5e-6 * up, up, 1)
    return (device.read(device.retained(state, 0.5), 2) * (1 + device.energy(state, up) * 1e12)).sum()


@dataclass(frozen=True)
class Simple(Device):
    scale: float = 1e-5
    parameters: ClassVar = {"scale": Parameter("A", 1e-7, 1e-3, 1.0, spread="scale")}

    def simulate(self, drive=None, *, spread=None, devices=1, temperature=300.0, realizations=None, seed=0):
        made = self.fabricate(devices, spread, seed)
        drive = torch.linspace(-4, 4, 41, dtype=torch.float64) * 1e-5 if drive is None else drive
        value = torch.tanh(drive / made.scale)
        return Response(drive, value, 1 - value**2, 0 * value, 1e-5, "A")

    def cost(self, drive=None):
        return OperatingCost(torch.ones(2), torch.ones(2), 0.0, 0.0, 1e-9, ("none",))


class Suite(DeviceContract):
    device = Simple()
    read_out = staticmethod(lambda device: device.simulate().value[0, 30])


def broken(**parts):
    """A suite whose device has these methods in place of its own."""
    kind = dataclass(frozen=True)(type("Broken", (Simple,), parts))
    return type("TestBroken", (Suite,), {"device": kind()})()


def run(suite) -> list[str]:
    failures = []
    for name in (name for name in dir(suite) if name.startswith("test_")):
        try:
            getattr(suite, name)()
        except pytest.fail.Exception as failure:
            failures.append(str(failure))
        except Exception:
            continue  # what follows from a promise that another test names
    return failures


def _seedless(self, drive=None, *, seed=0, **settings):
    return Simple.simulate(self, drive, seed=int(torch.randint(1 << 40, ())), **settings)


def _one_row(self, drive=None, **settings):
    return Simple.simulate(self, drive, **settings).nominal()


def _noisy(self, drive=None, **settings):
    return replace(made := Simple.simulate(self, drive, **settings), value=9 * made.value)


def _negative(self, drive=None):
    return OperatingCost(torch.ones(2), -torch.ones(2), 0.0, 0.0, 1e-9, ("none",))


def _careless(self):
    pass


def test_a_whole_device_of_a_user_keeps_every_promise():
    assert run(Suite()) == []


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"simulate": _seedless}, "promise broken: the same seed gives the same response"),
        ({"simulate": _one_row}, "promise broken: a response has a row for each device; found 1"),
        ({"simulate": _noisy}, "promise broken: a value keeps to full scale, -1 to 1; found 8.99"),
        (
            {"simulate": lambda *given, **settings: 1},
            "promise broken: simulate returns a Response; found int",
        ),
        ({"cost": _negative}, "promise broken: no energy is below zero; found -1 J"),
        ({"__post_init__": _careless}, "promise broken: scale=nan is an InputError"),
    ],
)
def test_a_broken_device_fails_with_the_promise_it_broke(parts, message):
    found = run(broken(**parts))
    assert any(text.startswith(message) for text in found), found
