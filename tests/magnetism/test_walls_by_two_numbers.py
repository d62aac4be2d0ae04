"""Collective coordinates of a wall against closed forms and against the same equations written plainly."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from spinloom import units
from spinloom.errors import InputError, PhysicsError
from spinloom.magnetism import (
    Applied,
    Constant,
    Material,
    Pinning,
    Pulse,
    SpinOrbit,
    SpinTransfer,
    WallTrack,
    ZhangLi,
    move_walls,
)
from spinloom.magnetism.scene import Notch

MS, DELTA, S, THICK, DAMPING = 6e5, 7e-9, 64e-18, 2e-9, 0.3
MATERIAL = Material(MS, DAMPING)
HARD = 2e4
WALKER = DAMPING * HARD / (units.MU0 * MS)
"""A/m: damping H_K / 2 with H_K = 2 K_h / (mu0 Ms)."""


def line(*values):
    return torch.tensor(values, dtype=torch.float64)


def waves(period=24e-9, height=3e-20, points=49):
    x = torch.linspace(-period / 2, period / 2, points, dtype=torch.float64)
    return Pinning(x, -height / 2 * (2 * torch.pi * x / period).cos(), periodic=True)


def harmonic(stiffness, reach=60e-9, points=121):
    x = torch.linspace(-reach, reach, points, dtype=torch.float64)
    return Pinning(x, stiffness / 2 * x**2)


@pytest.mark.parametrize("relaxing", [False, True])
def test_a_field_moves_the_wall_as_walker_says(relaxing):
    share, anisotropy = line(0.3, -0.6, 0.9, 3.5), 2e5
    track = WallTrack(
        MATERIAL,
        DELTA,
        S,
        hard_axis=HARD,
        anisotropy=anisotropy if relaxing else None,
        fields=(Applied(Constant(share * WALKER)),),
    )
    run = move_walls(track, 0.0, math.pi / 2, 20e-9, 1e-12, records=2000)
    velocity = (run.position[-1] - run.position[1000]) / (run.time[-1] - run.time[1000])
    for k in range(3):
        # sin 2 phi = H / H_W from Bloch's angle, towards which the width shrinks
        tilt = math.asin(share[k]) / 2
        delta = DELTA / math.sqrt(1 + HARD / anisotropy * math.sin(tilt) ** 2) if relaxing else DELTA
        expected = units.GAMMA0 * float(share[k]) * WALKER * delta / DAMPING
        assert float(velocity[k]) == pytest.approx(expected, rel=1e-4)
    # above, over whole turns of dphi/dt (1 + damping^2) = gamma0 (H - H_W sin 2 phi)
    h = float(share[3]) * WALKER
    rate = units.GAMMA0 * math.sqrt(h**2 - WALKER**2) / (1 + DAMPING**2)
    turned = float(run.angle[-1, 3] - run.angle[1000, 3]) / float(run.time[-1] - run.time[1000])
    assert turned == pytest.approx(rate, rel=0.02)
    if not relaxing:
        assert float(velocity[3]) == pytest.approx(DELTA / DAMPING * (units.GAMMA0 * h - turned), rel=1e-3)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_spin_orbit_torque_moves_a_neel_wall_at_the_speed_of_the_closed_form(sign):
    # v = v_D / sqrt(1 + (alpha v_D / (Delta pi a / 2))^2), v_D = pi gamma D / (2 Ms): A. Thiaville et al., Europhys.
    # Lett. 100, 57002 (2012)
    dmi, current, angle = 6e-4, line(1e11, 5e11, 3e12), 0.2
    torque = SpinOrbit(Constant(current), THICK, angle)
    track = WallTrack(MATERIAL, DELTA, S, dmi=sign * dmi, torques=(torque,))
    run = move_walls(track, 0.0, math.pi if sign > 0 else 0.0, 10e-9, 1e-12, records=10)
    velocity = (run.position[-1] - run.position[4]) / 5e-9
    top = math.pi * units.GAMMA * dmi / (2 * MS)
    a = units.GAMMA * units.HBAR * angle * current / (2 * units.E * MS * THICK)
    expected = sign * top / (1 + (DAMPING * top / (DELTA * math.pi / 2 * a)) ** 2).sqrt()
    torch.testing.assert_close(velocity, expected, rtol=1e-4, atol=0.0)


def test_a_current_through_the_texture_moves_the_wall_at_u_xi_over_alpha():
    torque = ZhangLi(Constant(line(-2e11, -5e11)), 0.5, nonadiabaticity=0.1)
    track = WallTrack(MATERIAL, DELTA, S, hard_axis=HARD, torques=(torque,))
    run = move_walls(track, 0.0, math.pi / 2, 10e-9, 1e-12, records=2)
    velocity = (run.position[1] - run.position[0]) / 5e-9
    assert (velocity > 0).all()
    torch.testing.assert_close(velocity, torque.velocity(MATERIAL)[0] * 0.1 / DAMPING, rtol=1e-3, atol=0.0)


def test_a_perpendicular_polarizer_moves_the_wall_and_fields_across_drive_it_to_their_side():
    a = 1e9
    current = a / (units.GAMMA * units.HBAR * 0.4 / (2 * units.E * MS * THICK))
    track = WallTrack(MATERIAL, DELTA, S, torques=(SpinTransfer(Constant(current), THICK, 0.4, (0, 0, 1)),))
    run = move_walls(track, 0.0, 0.3, 1e-9)  # nothing holds the angle: it turns, dq/dt = Delta a / (1 + alpha^2)
    assert float(run.position) == pytest.approx(DELTA * a * 1e-9 / (1 + DAMPING**2), rel=1e-6)
    still = move_walls(replace(track, torques=(), fields=(Applied(Constant(1e5), (0, 1, 0)),)), 0.0, 0.1, 20e-9)
    assert float(still.angle) == pytest.approx(math.pi / 2, abs=1e-6)


def test_the_depinning_current_at_0_kelvin_is_that_of_the_steepest_slope():
    pinning, angle, wide = waves(), 0.2, 32e-9
    force = math.pi * 3e-20 / 24e-9
    assert pinning.largest_force == pytest.approx(force, rel=1e-4)
    # pi/2 a = gamma U' / (2 Ms S): J = 2 e U' / (pi hbar theta times the width of the track)
    critical = 2 * units.E * force / (math.pi * units.HBAR * angle * wide)
    torque = SpinOrbit(Pulse(line(0.98, 1.02) * critical, 0.0, 200e-9, rise=80e-9), THICK, angle)
    track = WallTrack(MATERIAL, DELTA, wide * THICK, dmi=6e-4, pinning=pinning, torques=(torque,))
    run = move_walls(track, 0.0, math.pi, 100e-9, 1e-12)
    held, gone = run.position[-1].tolist()
    assert 0 < held < 6e-9
    assert gone > 48e-9


def test_thermal_motion_in_a_well_has_the_energy_of_equipartition():
    # dmi: E = S pi D cos phi, a well of stiffness S pi |D| around pi
    walls, stiffness, dmi, kelvin = 4000, 5e-4, 6e-4, 300.0
    track = WallTrack(MATERIAL, DELTA, S, dmi=dmi, pinning=harmonic(stiffness))
    run = move_walls(track, torch.zeros(walls), math.pi, 2e-9, 1e-12, temperature=kelvin, seed=1, records=4)
    position, thermal = run.position[-2:].flatten(), units.KB * kelvin
    error = 5 * math.sqrt(2 / len(position))
    assert float(position.var()) == pytest.approx(thermal / stiffness, rel=error)
    assert float(position.mean()) == pytest.approx(0.0, abs=5 * math.sqrt(thermal / stiffness / len(position)))
    angle = run.angle[-2:].flatten() - math.pi
    well = S * math.pi * dmi / thermal
    x = torch.linspace(-math.pi, math.pi, 4001, dtype=torch.float64)
    weight = (well * x.cos()).exp()
    assert float(angle.var()) == pytest.approx(float((weight * x**2).sum() / weight.sum()), rel=error)


def test_a_free_wall_diffuses_as_einstein_says():
    # its angle held by the interfacial interaction: D = kB T / friction
    walls, kelvin, duration = 4000, 300.0, 1e-9
    track = WallTrack(MATERIAL, DELTA, S, dmi=2e-3)
    run = move_walls(track, torch.zeros(walls), math.pi, duration, 5e-13, temperature=kelvin, seed=2)
    expected = 2 * units.KB * kelvin / float(track.friction) * duration
    assert float(run.position.var()) == pytest.approx(expected, rel=5 * math.sqrt(2 / walls))


def test_walls_over_a_barrier_are_distributed_as_boltzmann_says():
    height, kelvin, walls = 1.5e-20, 300.0, 4000
    track = WallTrack(MATERIAL, DELTA, S, dmi=6e-4, pinning=waves(height=height))
    run = move_walls(track, torch.zeros(walls), math.pi, 2e-9, 1e-12, temperature=kelvin, seed=3)
    phase = 2 * torch.pi * run.position[-1] / 24e-9
    well = height / 2 / (units.KB * kelvin)
    expected = torch.special.i1(torch.tensor(well)) / torch.special.i0(torch.tensor(well))
    found = phase.cos()
    assert float(found.mean()) == pytest.approx(float(expected), abs=5 * float(found.std()) / math.sqrt(walls))


def test_the_loop_agrees_with_the_equations_written_plainly():
    current = Pulse(8e11, 0.1e-9, 0.4e-9, rise=0.05e-9)
    torque = SpinOrbit(current, THICK, 0.2, field_like=0.3)
    field = Applied(Constant(2e4), (1, 0.5, 0.2))
    pinning = waves()
    track = WallTrack(MATERIAL, DELTA, S, HARD, 6e-4, 2e5, pinning, (torque,), (field,))
    run = move_walls(track, 2e-9, 3.0, 1e-9, 2e-13)
    slope, n = pinning.spline(), units.GAMMA
    hx, hy, hz = (units.MU0 * 2e4 * np.array([1, 0.5, 0.2]) / math.sqrt(1.29)).tolist()

    def rate(q, phi, t):
        a = -n * units.HBAR * 0.2 * float(current(torch.tensor(t))) / (2 * units.E * MS * THICK)  # along y
        delta = DELTA / math.sqrt(1 + HARD / 2e5 * math.cos(phi) ** 2)
        p = -n * slope(q, 1) / (2 * MS * S) + n * hz + math.pi / 2 * a * math.cos(phi)
        p += 0.0  # the field-like part of a polarizer along y has no z component
        r = -n * math.pi * 6e-4 * math.sin(phi) / (2 * MS * delta) - n * HARD * math.sin(2 * phi) / MS
        r += math.pi / 2 * (n * hx * math.sin(phi) - (n * hy + 0.3 * a) * math.cos(phi))
        scale = 1 / (1 + DAMPING**2)
        return delta * scale * (DAMPING * p + r), scale * (p - DAMPING * r)

    q, phi, h = 2e-9, 3.0, 2e-13
    for k in range(5000):
        middle = h * (k + 0.5)
        v, w = rate(q, phi, middle)
        v2, w2 = rate(q + h * v, phi + h * w, middle)
        q, phi = q + h * (v + v2) / 2, phi + h * (w + w2) / 2
    assert float(run.position) == pytest.approx(q, rel=1e-5)
    assert float(run.angle) == pytest.approx(phi, rel=1e-5)


def test_the_same_seed_gives_the_same_walls_and_another_one_others():
    track = WallTrack(MATERIAL, DELTA, S, dmi=6e-4)
    first, again, other = (
        move_walls(track, torch.zeros(7), math.pi, 1e-9, temperature=300.0, seed=seed).position for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len(set(first[-1].tolist())) == 7


def test_each_member_has_its_own_drive_and_start():
    current = Pulse(line(1e11, 2e11, 3e11), 0.0, 0.5e-9)
    torque = SpinOrbit(current, THICK, 0.2)
    track = WallTrack(MATERIAL, line(6e-9, 7e-9, 8e-9), S, dmi=6e-4, torques=(torque,))
    both = move_walls(track, line(0.0, 1e-9, 2e-9), math.pi, 1e-9, records=3)
    assert both.position.shape == (3, 3)
    one = replace(track, width=7e-9, torques=(SpinOrbit(Pulse(2e11, 0.0, 0.5e-9), THICK, 0.2),))
    alone = move_walls(one, 1e-9, math.pi, 1e-9, records=3)
    assert alone.position.shape == (3,)
    torch.testing.assert_close(both.position[:, 1], alone.position, rtol=1e-12, atol=0.0)


def test_notches_hold_the_wall_by_the_width_they_leave():
    energy, width, wide = 6e-3, 7e-9, 32e-9
    notches = [Notch(0.0, 4e-9, 8e-9, "rectangle", "upper")]
    pinning = Pinning.from_notches(notches, wide, THICK, energy, width, 200e-9)
    # a rectangle under sech^2: depth * tanh(half its width / Delta) is missing at its middle
    found = float(pinning.energy.max() - pinning.energy.min())
    assert found == pytest.approx(energy * THICK * 4e-9 * math.tanh(4 / 7), rel=1e-2)
    both = Pinning.from_notches([replace(notches[0], side="both")], wide, THICK, energy, width, 200e-9)
    assert float(both.energy.max() - both.energy.min()) == pytest.approx(2 * found, rel=1e-2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 0.0}, "width must be finite and > 0"),
        ({"cross_section": -1.0}, "cross_section"),
        ({"anisotropy": 1e4, "hard_axis": -2e4}, "above -anisotropy"),
        (
            {"torques": (SpinTransfer(Constant(1e11), 2e-9, 0.5, angular_factor="slonczewski"),)},
            "constant angular factor",
        ),
        ({"fields": (DELTA,)}, "walls know SpinOrbit"),
    ],
)
def test_tracks_that_cannot_be_are_refused(changes, words):
    with pytest.raises(InputError, match=words):
        replace(WallTrack(MATERIAL, DELTA, S), **changes)


@pytest.mark.parametrize(
    ("positions", "energy", "periodic", "words"),
    [
        ([0.0, 1.0, 2.0, 4.0], [0.0] * 4, False, "evenly"),
        ([0.0, 1.0, 2.0], [0.0] * 3, False, "four points"),
        ([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0], True, "must end with the energy"),
        ([0.0, 1.0, 2.0, math.nan], [0.0] * 4, False, "finite"),
    ],
)
def test_potentials_that_cannot_be_are_refused(positions, energy, periodic, words):
    with pytest.raises(InputError, match=words):
        Pinning(line(*positions), line(*energy), periodic)


def test_runs_that_cannot_be_are_refused():
    track = WallTrack(MATERIAL, DELTA, S, dmi=6e-4)
    for changes, words in (
        ({"duration": -1.0}, "duration"),
        ({"temperature": -1.0}, "temperature"),
        ({"position": math.nan}, "position"),
        ({"records": 0}, "records"),
        ({"position": torch.zeros(3), "angle": torch.zeros(2)}, "do not match"),
    ):
        with pytest.raises(InputError, match=words):
            move_walls(track, **{"position": 0.0, "angle": 0.0, "duration": 1e-9, **changes})
    with pytest.raises(PhysicsError, match="shorter step"):
        move_walls(track, 0.0, 1.0, 1e-9, 1e-10)
