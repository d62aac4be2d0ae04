"""Textures that cannot be: the message says what was given and what is allowed."""

import math

import pytest
import torch

from spinloom.errors import InputError
from spinloom.magnetism import Mesh, Z
from spinloom.magnetism.scene import (
    core_position,
    domain_wall,
    head_to_head_wall,
    masked,
    skyrmion,
    skyrmion_number,
    skyrmion_radius,
    two_domain,
    uniform,
    vortex,
    wall_position,
)

NM = 1e-9
MESH = Mesh((6, 5, 2), (2 * NM, 2 * NM, 1 * NM))


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="unknown wall kind 'block': did you mean 'bloch'"):
        domain_wall(MESH, 5 * NM, kind="block")
    with pytest.raises(InputError, match="unknown skyrmion kind 'anti'"):
        skyrmion(MESH, 5 * NM, 2 * NM, kind="anti")


@pytest.mark.parametrize("bad", [0.0, -NM, math.nan])
def test_lengths_must_be_positive(bad):
    for state in (domain_wall, head_to_head_wall):
        with pytest.raises(InputError, match="width must be finite and > 0"):
            state(MESH, bad)
    with pytest.raises(InputError, match="radius must be finite and > 0"):
        skyrmion(MESH, bad, 2 * NM)
    with pytest.raises(InputError, match="width must be finite and > 0"):
        skyrmion(MESH, 2 * NM, bad)
    with pytest.raises(InputError, match="core_radius must be finite and > 0"):
        vortex(MESH, core_radius=bad)


def test_signs_directions_and_places_are_checked():
    with pytest.raises(InputError, match="circulation must be 1 or -1, got 2"):
        vortex(MESH, circulation=2)
    with pytest.raises(InputError, match="polarity must be 1 or -1"):
        vortex(MESH, polarity=torch.tensor([1, 0]))
    with pytest.raises(InputError, match="core must be 1 or -1"):
        skyrmion(MESH, NM, NM, core=0)
    with pytest.raises(InputError, match="core must be 1 or -1"):
        skyrmion_radius(uniform(MESH, Z), MESH, core=0)
    with pytest.raises(InputError, match="transverse must be 1 or -1"):
        head_to_head_wall(MESH, NM, transverse=0.5)
    with pytest.raises(InputError, match="direction must be a finite, non-zero vector"):
        uniform(MESH, (0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="position must be finite"):
        two_domain(MESH, position=math.inf)
    with pytest.raises(InputError, match="center_x must be finite"):
        vortex(MESH, center=(math.nan, 0.0))
    with pytest.raises(InputError, match="center must be two lengths"):
        vortex(MESH, center=(0.0, 0.0, 0.0))
    with pytest.raises(InputError, match="angle must be finite"):
        domain_wall(MESH, NM, azimuth=math.nan)
    with pytest.raises(InputError, match="batches do not match"):
        skyrmion(MESH, torch.full((2,), NM), torch.full((3,), NM))


def test_states_of_the_wrong_shape_are_refused():
    m = uniform(MESH, Z)
    for wrong in (m[0], m[:2], m[..., :-1]):
        for measure in (skyrmion_radius, wall_position, core_position):
            with pytest.raises(InputError, match=r"a state on a mesh must have shape .* = \(2, 5, 6\)"):
                measure(wrong, MESH)
    with pytest.raises(InputError, match="a state on a mesh must have shape"):
        skyrmion_number(torch.zeros(3, 5, 6))


@pytest.mark.parametrize(
    "mask",
    [
        torch.ones(5, 6),
        torch.ones(6, dtype=torch.bool),
        torch.ones(6, 5, dtype=torch.bool),
        torch.ones(3, 5, 6, dtype=torch.bool),
    ],
)
def test_masks_of_the_wrong_shape_or_type_are_refused(mask):
    with pytest.raises(InputError, match=r"masked needs a state .* and a bool mask"):
        masked(uniform(MESH, Z), mask)
