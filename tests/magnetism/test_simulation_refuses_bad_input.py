"""Each mistake is named where it enters; what blows up later is a PhysicsError."""

import math

import pytest
import torch
from magnets import magnet, state

from spinloom.errors import InputError, PhysicsError
from spinloom.magnetism import (
    Applied,
    Constant,
    Cuboid,
    Demagnetization,
    Interlayer,
    Magnet,
    Material,
    Pulse,
    Sampled,
    Sine,
    SpinOrbit,
    SpinTransfer,
    Uniaxial,
    simulate,
)

J = Constant(1e10)
NAN = math.nan
UP = state(0.1, batch=(3,))


def run(*fields, m=UP, **settings):
    return simulate(magnet(*fields), m, settings.pop("duration", 1e-11), **settings)


def sampled(times, values):
    return Sampled(torch.tensor(times, dtype=torch.float64), torch.tensor(values, dtype=torch.float64))


STATES = {
    "must be 1, it is off by 0.01": UP * 1.01,
    "NaN or infinity": UP * NAN,
    "must have shape .3, ...., got .2, 3.": UP[:2],
    "float32 or float64, got torch.int64": torch.tensor([0, 0, 1]),
    "float32 or float64, got torch.float16": UP.half(),
    "batch is empty": torch.zeros(3, 0),
}


@pytest.mark.parametrize("message", STATES)
def test_bad_states(message):
    with pytest.raises(InputError, match=message):
        run(m=STATES[message])


SETTINGS = {
    "unknown method 'rk5': did you mean 'rk4'": {"method": "rk5"},
    "unknown engine 'turbo'": {"engine": "turbo"},
    "unknown engine 'fast'": {"engine": "fast", "method": "dopri5"},
    "eager engine only": {"engine": "compiled", "method": "dopri5"},
    "cannot carry thermal noise.*heun": {"method": "rk4", "temperature": 300.0},
    "'dopri5' cannot carry thermal noise": {"method": "dopri5", "temperature": torch.tensor([0.0, 1.0, 0.0])},
    "temperature must be finite and >= 0, got -1 K": {"temperature": -1.0, "method": "heun"},
    "temperature must be finite": {"temperature": NAN, "method": "heun"},
    "duration must be finite and > 0, got 0 s": {"duration": 0.0},
    "step must be finite and > 0, got -1e-12 s": {"step": -1e-12},
    "start must be finite": {"start": NAN},
    "records must be a whole number >= 1, got 0": {"records": 0},
    "records must be a whole number >= 1, got 2.5": {"records": 2.5},
    "tolerance must be finite and > 0": {"method": "dopri5", "tolerance": 0.0},
}


@pytest.mark.parametrize("message", SETTINGS)
def test_bad_settings(message):
    with pytest.raises(InputError, match=message):
        run(Uniaxial(1e5), **SETTINGS[message])


BUILDERS = {
    "saturation_magnetization must be finite and > 0, got 0 A/m": lambda: Material(0.0, 0.1),
    "damping must be finite and >= 0, got -0.1": lambda: Material(1e6, -0.1),
    "volume must be finite and > 0": lambda: Magnet(Material(1e6, 0.1), -1e-24),
    "thickness must be finite and > 0, got -1e-09 m": lambda: SpinTransfer(J, -1e-9, 0.5),
    "polarization must be at most 1": lambda: SpinTransfer(J, 1e-9, 1.2),
    "polarization must be finite and > 0": lambda: SpinTransfer(J, 1e-9, 0.0),
    "field_like must be finite": lambda: SpinTransfer(J, 1e-9, 0.5, field_like=NAN),
    "unknown angular factor 'slonzcewski': did you mean 'slonczewski'": lambda: SpinTransfer(
        J, 1e-9, 0.5, angular_factor="slonzcewski"
    ),
    "current_density must be a drive": lambda: SpinTransfer(1e10, 1e-9, 0.5),
    "spin_hall_angle must not be 0": lambda: SpinOrbit(J, 1e-9, 0.0),
    "current_density must be a drive such as": lambda: SpinOrbit(1e10, 1e-9, 0.1),
    "field must be a drive": lambda: Applied(1e4),
    "voltage must be a drive": lambda: Uniaxial(1e5, voltage=0.3),
    "k1 must be finite": lambda: Uniaxial(NAN),
    "barrier must be finite and > 0": lambda: Uniaxial(1e5, barrier=0.0),
    "coupling must be finite": lambda: Interlayer(math.inf, 1e-9),
    "N_z must be finite": lambda: Demagnetization((0.0, 0.0, NAN)),
    "y must be finite and > 0, got -1e-08 m": lambda: Cuboid(1e-8, -1e-8, 1e-8),
    "amplitude must be finite": lambda: Constant(NAN),
    "length must be finite and > 0": lambda: Pulse(1.0, 0.0, 0.0),
    "rise must be at most half": lambda: Pulse(1.0, 0.0, 1e-9, 0.6e-9),
    "frequency must be finite and >= 0": lambda: Sine(1.0, -1e9),
    "times must increase strictly": lambda: sampled([0.0, 2.0, 1.0], [0.0, 1.0, 2.0]),
    "times must increase strictly; sort": lambda: sampled([0.0, 1.0, 1.0], [0.0, 1.0, 2.0]),
    "sampled drive needs times": lambda: sampled([0.0, 1.0], [0.0, 1.0, 2.0]),
    "values must be finite": lambda: sampled([0.0, 1.0], [0.0, NAN]),
}


@pytest.mark.parametrize("message", BUILDERS)
def test_bad_parameters(message):
    with pytest.raises(InputError, match=message):
        BUILDERS[message]()


ZERO = (0.0, 0.0, 0.0)
RUNS = {
    "anisotropy axis must be a finite, non-zero": (Uniaxial(1e5, axis=ZERO),),
    "field direction must be a finite, non-zero": (Applied(Constant(1.0), ZERO),),
    "direction of the other layer must be": (Interlayer(1e-4, 1e-9, (NAN, 0.0, 1.0)),),
    "batch shape .5,., the state only .3,.": (),
    "parameters do not broadcast": (Uniaxial(torch.ones(2)), Applied(Constant(torch.ones(5)))),
    "do not broadcast: .*length 3": (Applied(Sine(1.0, torch.ones(2))),),
}


@pytest.mark.parametrize("message", RUNS)
def test_bad_directions_and_batches(message):
    fields = RUNS[message] or (Uniaxial(torch.ones(5)),)
    m = torch.cat([UP[:, :1]], 1) if "only" in message and not RUNS[message] else UP
    message = message.replace("only .3,.", "only .1,.") if m.shape[1] == 1 else message
    with pytest.raises(InputError, match=message):
        run(*fields, m=m)


def test_a_zero_polarizer():
    with pytest.raises(InputError, match="polarizer must be a finite, non-zero vector"):
        simulate(magnet(torques=[SpinTransfer(J, 1e-9, 0.5, ZERO)]), UP, 1e-11)


def test_a_waveform_of_a_batch_that_a_single_state_cannot_hold():
    with pytest.raises(InputError, match=r"batch shape .3,., the state only ..:"):
        run(Applied(Sine(1.0, torch.ones(3))), m=state(0.1))


@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("strength", [3e7, 1e30])
def test_a_step_too_long_is_a_physics_error(engine, strength):
    with pytest.raises(PhysicsError, match=r"step of 1e-12 s is too long.*use a shorter step"):
        run(Applied(Constant(strength), (1, 0, 0)), engine=engine)


def test_an_adaptive_step_that_underflows_is_a_physics_error():
    with pytest.raises(PhysicsError, match="adaptive step fell below"):
        run(Applied(Constant(1e30), (1, 0, 0)), method="dopri5")


def test_compiled_engine_refuses_gradients():
    with pytest.raises(InputError, match="without gradients"):
        run(Uniaxial(torch.tensor(1e5, requires_grad=True)), engine="compiled")
