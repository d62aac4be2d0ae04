"""Masks of tracks: strips along x, with notches that may pin a wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from spinloom.errors import InputError, require_finite, require_positive, unknown_name
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.masks import EDGE, cell_nm, nm, on_grid
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.placement import spatial

_NOTCH_SHAPES = ("triangle", "rectangle", "semicircle")
_SIDES = ("both", "upper", "lower")


@dataclass(frozen=True)
class Notch:
    """A constriction of a track. position: of its middle along x, m. depth: into the track from each side cut, m.

    width: at the edge of the track, m. shape: "semicircle" is half an ellipse, of a circle where depth = width / 2.
    Each length may be a tensor (*batch,). Raises InputError for lengths not > 0 and for unknown names.
    """

    position: Quantity
    depth: Quantity
    width: Quantity
    shape: Literal["triangle", "rectangle", "semicircle"] = "triangle"
    side: Literal["both", "upper", "lower"] = "both"

    def __post_init__(self) -> None:
        require_finite("m", position=self.position)
        require_positive("m", depth=self.depth, width=self.width)
        if self.shape not in _NOTCH_SHAPES:
            raise unknown_name("notch shape", self.shape, _NOTCH_SHAPES)
        if self.side not in _SIDES:
            raise unknown_name("notch side", self.side, _SIDES)

    def cut(self, mesh: Mesh) -> torch.Tensor:
        """Depth in m at every x, (*batch, 1, 1, nx)."""
        position, depth, width = spatial(mesh, position=self.position, depth=self.depth, width=self.width)
        offset = (mesh.coordinates()[0] - position).abs() / (width / 2)
        if self.shape == "triangle":
            return depth * (1 - offset).clamp(min=0)
        if self.shape == "rectangle":
            return depth * (offset <= 1 + EDGE)
        return depth * (1 - offset**2).clamp(min=0).sqrt()


def track(mesh: Mesh, width: Quantity, notches: Sequence[Notch] = ()) -> torch.Tensor:
    """A strip of `width` (m) along the whole grid in x, in the middle of y, with notches.

    Raises InputError for a notch beyond the ends of the grid, one as deep as the track, and if no cell is left at
    some x.
    """
    require_positive("m", width=width)
    (half,) = (value / 2 for value in spatial(mesh, width=width))
    upper, lower = half, -half
    for notch in notches:
        _require_fits(notch, mesh, width)
        cut = notch.cut(mesh)
        upper = torch.minimum(upper, half - cut) if notch.side != "lower" else upper
        lower = torch.maximum(lower, cut - half) if notch.side != "upper" else lower
    y, slack = mesh.coordinates()[1], EDGE * half
    mask = on_grid(mesh, (y <= upper + slack) & (y >= lower - slack), width=width)
    if not bool(mask.any(-2).all()):
        raise InputError(
            f"the notches cut the track of {nm(width)} through: at some x no cell is left; "
            f"make them less deep or refine the mesh, its cell is {cell_nm(mesh)}"
        )
    return mask


def _require_fits(notch: Notch, mesh: Mesh, width: Quantity) -> None:
    length = mesh.cells[0] * mesh.lengths[0]
    if bool((double(notch.position).abs() > length / 2).any()):
        raise InputError(f"a notch at {nm(notch.position)} lies beyond the track, which is {nm(length)} long")
    sides = 2 if notch.side == "both" else 1
    if bool((sides * double(notch.depth) >= double(width)).any()):
        raise InputError(
            f"a notch of depth {nm(notch.depth)} on {sides} side(s) cuts the track of {nm(width)} through; "
            f"depth must be below {'half ' if sides == 2 else ''}the width"
        )
