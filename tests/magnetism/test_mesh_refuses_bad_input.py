"""Each mistake with a mesh is named where it enters."""

import math

import pytest
import torch
from mesh_magnets import MS, A, mesh_magnet

from spinloom.errors import InputError
from spinloom.magnetism import (
    BulkDMI,
    Constant,
    Demagnetization,
    Exchange,
    InterfacialDMI,
    InterlayerExchange,
    Magnet,
    Material,
    Mesh,
    Oersted,
    SpinTransfer,
    ZhangLi,
)

MESH = Mesh((4, 3, 2), (2e-9, 2e-9, 2e-9))
NAN, NM = math.nan, 1e-9
J = Constant(1e12)
MATERIAL = Material(MS, 0.1)
BUILDERS = {
    "cells must be three whole numbers >= 1": lambda: Mesh((0, 3, 2), (NM, NM, NM)),
    r"cells must be three whole numbers >= 1 .* got \(2.5, 3, 2\)": lambda: Mesh((2.5, 3, 2), (NM, NM, NM)),
    r"three whole numbers .* got \(4, 3\)": lambda: Mesh((4, 3), (NM, NM, NM)),
    "dy must be finite and > 0, got -1e-09 m": lambda: Mesh((4, 3, 2), (NM, -NM, NM)),
    "dz must be finite and > 0, got 0 m": lambda: Mesh((4, 3, 2), (NM, NM, torch.tensor([NM, 0.0]))),
    "dx must be finite and > 0, got a value": lambda: Mesh((4, 3, 2), (NAN, NM, NM)),
    r"three lengths in m \(dx, dy, dz\)": lambda: Mesh((4, 3, 2), (NM, NM)),
    "stiffness must be finite and >= 0, got -1e-11 J/m": lambda: Exchange(torch.tensor([A, -1e-11])),
    "between must be finite and >= 0, got -1": lambda: Exchange(A, torch.zeros(MESH.shape), -1.0),
    "strength must be finite": lambda: InterfacialDMI(NAN),
    "coupling must be finite": lambda: InterlayerExchange(NAN),
    "layers must be numbered 0 <= lower < upper, got 1 and 1": lambda: InterlayerExchange(1e-3, 1, 1),
    "layers must be numbered 0 <= lower < upper, got -1 and 1": lambda: InterlayerExchange(1e-3, -1, 1),
    "couples layers 0 and 2, the mesh has layers 0 to 1": lambda: mesh_magnet(MESH, InterlayerExchange(1e-3, 0, 2)),
    "per_current must be finite": lambda: Oersted(J, torch.full((3, *MESH.shape), NAN)),
    r"per_current must have shape \(3, nz, ny, nx\), got": lambda: Oersted(J, torch.zeros(2, *MESH.shape)),
    "contact must lie between 0 .* and 1": lambda: SpinTransfer(J, NM, 0.5, contact=torch.full(MESH.shape, 1.5)),
    "contact must lie between": lambda: SpinTransfer(J, NM, 0.5, contact=torch.full(MESH.shape, NAN)),
    "polarization must be at most 1": lambda: ZhangLi(J, 1.5),
    "nonadiabaticity must be finite": lambda: ZhangLi(J, 0.5, NAN),
    "current_density must be a drive": lambda: ZhangLi(1e12, 0.5),
}


@pytest.mark.parametrize("message", BUILDERS)
def test_bad_parameters(message):
    with pytest.raises(InputError, match=message):
        BUILDERS[message]()


NONE = torch.zeros(MESH.shape, dtype=torch.bool)
MAGNETS = {
    "either a volume in m.3 .* or a mesh": {"volume": 1e-24, "mesh": MESH},
    "a macrospin. or a mesh; give one": {},
    "a geometry needs a mesh": {"volume": 1e-24, "geometry": ~NONE},
    "Demagnetization couples cells and needs a mesh": {"volume": 1e-24, "fields": (Demagnetization(),)},
    "Exchange couples cells and needs a mesh": {"volume": 1e-24, "fields": (Exchange(A),)},
    "ZhangLi couples cells": {"volume": 1e-24, "torques": (ZhangLi(J, 0.5),)},
    "InterfacialDMI needs an Exchange term": {"mesh": MESH, "fields": (InterfacialDMI(1e-3),)},
    "BulkDMI needs an Exchange term": {"mesh": MESH, "fields": (BulkDMI(1e-3),)},
    "one Exchange term is needed at most, got 2": {"mesh": MESH, "fields": (Exchange(A), Exchange(A))},
    "empty mask": {"mesh": MESH, "geometry": NONE},
    "empty mask: .* in some member": {"mesh": MESH, "geometry": torch.stack([~NONE, NONE])},
    r"geometry must be a bool tensor .* got torch.float32": {"mesh": MESH, "geometry": torch.ones(MESH.shape)},
    r"with the mesh's \(2, 3, 4\) last, got torch.bool \(3, 4\)": {"mesh": MESH, "geometry": ~NONE[0]},
}


@pytest.mark.parametrize("message", MAGNETS)
def test_bad_magnets(message):
    with pytest.raises(InputError, match=message):
        Magnet(MATERIAL, **MAGNETS[message])
