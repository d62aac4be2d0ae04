"""What cannot be simulated on a mesh is named; what blows up is a PhysicsError, what may be poor a SpinloomWarning."""

import math
import warnings

import pytest
import torch
from mesh_magnets import MS, A, holes, member, mesh_magnet, random_state, uniform_state

from spinloom.errors import InputError, PhysicsError, SpinloomWarning
from spinloom.magnetism import (
    Applied,
    Constant,
    Exchange,
    Mesh,
    Oersted,
    SpinTransfer,
    Uniaxial,
    relax,
    simulate,
)

MESH = Mesh((4, 3, 2), (2e-9, 2e-9, 2e-9))
UP = uniform_state(MESH, (0, 0, 1))
NAN, NM = math.nan, 1e-9
J, FIELD = Constant(1e12), Applied(Constant(1e4), (1, 1, 1))
STACKED = Mesh((4, 3, 2), (torch.tensor([2e-9, 3e-9]), 2e-9, 2e-9))


def run(*fields, m=UP, mesh=MESH, torques=(), geometry=None, ms=MS, duration=1e-12, **settings):
    thing = mesh_magnet(mesh, *fields, torques=torques, geometry=geometry, ms=ms)
    return simulate(thing, m, duration, **({"engine": "eager"} | settings))


def with_nan():
    m = UP.clone()
    m[1, 1, 2, 3] = NAN
    return m


STATES = {
    "contains NaN or infinity": with_nan(),
    "must be 1, it is off by 0.1": UP * 1.1,
    "must be 1, it is off by 1;": UP * 0,
    r"must have shape \(3, \*batch, nz, ny, nx\) with \(2, 3, 4\) last, got \(3, 2, 3, 3\)": UP[..., :3],
    r"\(2, 3, 4\) last, got \(3, 3, 4\)": UP[:, 0],
    r"\(2, 3, 4\) last, got \(3,\)": UP[:, 0, 0, 0],
    "float32 or float64, got torch.float16": UP.half(),
    "the batch is empty": UP[:, None][:, :0],
}


@pytest.mark.parametrize("message", STATES)
def test_bad_states(message):
    for go in (run, lambda m: relax(mesh_magnet(MESH, Exchange(A)), m)):
        with pytest.raises(InputError, match=message):
            go(m=STATES[message])


def test_a_state_outside_the_geometry_may_be_anything_but_nan():
    mask = holes(MESH)
    wild = torch.where(mask, UP, 17.0)
    final = run(Exchange(A), m=wild, geometry=mask).final
    assert torch.equal(final, torch.where(mask, UP, 0.0))


RUNS = {
    r"batch shape \(5, 2, 3, 4\), the state only \(2, 3, 4\)": {"fields": (Exchange(A * torch.ones(5, 1, 1, 1)),)},
    r"batch shape \(5, 1, 1, 1\), the state only": {"fields": (Uniaxial(torch.ones(5, 1, 1, 1)),)},
    r"batch shape \(2, 1, 1, 1\), the state only": {"mesh": STACKED},
    "parameters do not broadcast": {"fields": (Uniaxial(torch.ones(5)),)},
    r"do not broadcast: .*\[2, 3, 4\]": {"fields": (Oersted(J, torch.zeros(3, 2, 3, 5)),)},
    r"do not broadcast: .*length 4": {"torques": (SpinTransfer(J, NM, 0.5, contact=torch.ones(2, 3, 5)),)},
    r"broadcast: .*\[2, 3, 5\]": {"ms": torch.full((2, 3, 5), MS)},
    "'rk43' cannot carry thermal noise": {"method": "rk43", "temperature": 300.0},
    "unknown method 'rk45': did you mean 'rk4'": {"method": "rk45"},
    "unknown engine 'gpu'": {"engine": "gpu"},
    "without gradients": {"fields": (Uniaxial(torch.tensor(1e5, requires_grad=True)),), "engine": "compiled"},
    "tolerance must be finite and > 0": {"tolerance": 0.0},
}


@pytest.mark.parametrize("message", RUNS)
def test_bad_runs(message):
    settings = {"fields": (), "m": UP} | RUNS[message]
    with pytest.raises(InputError, match=message):
        run(*settings.pop("fields"), **settings)


def test_bad_settings_of_the_relaxation():
    magnet = mesh_magnet(MESH, Exchange(A))
    for message, settings in {
        "unknown method 'minimise': did you mean 'minimize'": {"method": "minimise"},
        "torque must be finite and > 0, got -1 T": {"torque": -1.0},
        "most_steps must be a whole number >= 1, got 0": {"most_steps": 0},
    }.items():
        with pytest.raises(InputError, match=message):
            relax(magnet, UP, **settings)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
@pytest.mark.parametrize("method", ["rk4", "heun", "abm3"])
def test_a_step_too_long_for_exchange_is_a_physics_error(engine, method):
    with pytest.raises(PhysicsError, match=r"step of 1e-12 s is too long.*use a shorter step"):
        run(Exchange(A), FIELD, m=random_state(MESH), duration=5e-11, step=1e-12, method=method, engine=engine)


@pytest.mark.parametrize("engine", ["compiled", "eager"])
def test_an_adaptive_step_that_underflows_is_a_physics_error(engine):
    with pytest.raises(PhysicsError, match="adaptive step fell below"):
        run(Exchange(A), Applied(Constant(1e30), (1, 1, 1)), engine=engine)


def test_coarse_cells_are_warned_of_by_their_exchange_length():
    coarse = Mesh((4, 3, 1), (2e-9, 4e-9, 20e-9))
    magnet, m = mesh_magnet(coarse, Exchange(A)), uniform_state(coarse, (0, 0, 1))
    with pytest.warns(SpinloomWarning, match=r"dy = 4 nm .* half the exchange length of 5.69 nm") as caught:
        simulate(magnet, m, 1e-13, engine="eager")
    assert len(caught) == 1  # not of dz: one cell resolves nothing
    assert caught[0].filename == __file__
    with pytest.warns(SpinloomWarning, match="dy"):
        relax(magnet, m)


def test_fine_cells_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(Exchange(member(A)), m=UP[:, None])
        run(Uniaxial(1e5))
