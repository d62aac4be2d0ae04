"""Masks of pillars (ellipses, disks, rectangles, rings), of tracks whose notches may pin a wall, and from pictures.

What holds for every mask is said in `masks`. Lengths are full lengths; `center` is (x, y) in m from the middle of the
grid, numbers or tensors (*batch,) too. Masks carry no gradient; `fraction_inside_ellipse` carries one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from spinloom.errors import InputError, require_finite, require_positive, unknown_name
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.scene.masks import (
    EDGE,
    ORIGIN,
    Point,
    cell_nm,
    nm,
    on_grid,
    require_material,
    seen_from,
    spatial,
)


def ellipse(mesh: Mesh, x: Quantity, y: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Full axes x and y in m."""
    return on_grid(mesh, _level(mesh, center, x=x, y=y) <= 1 + EDGE, x=x, y=y)


def disk(mesh: Mesh, diameter: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """A circle of the given diameter in m."""
    return on_grid(mesh, _level(mesh, center, diameter=diameter) <= 1 + EDGE, diameter=diameter)


def rectangle(mesh: Mesh, x: Quantity, y: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Sides x and y in m."""
    require_positive("m", x=x, y=y)
    across, up, width, height = seen_from(mesh, center, x=x, y=y)
    bound = 0.5 * (1 + EDGE)
    return on_grid(mesh, (across.abs() <= bound * width) & (up.abs() <= bound * height), x=x, y=y)


def ring(mesh: Mesh, outer: Quantity, inner: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Outer and inner diameter in m. Raises InputError unless inner < outer."""
    around, hole = _level(mesh, center, outer=outer), _level(mesh, center, inner=inner)
    if not bool((double(inner) < double(outer)).all()):
        raise InputError(f"the inner diameter of a ring must be below the outer one, got {inner} and {outer} m")
    return on_grid(mesh, (around <= 1 + EDGE) & (hole >= 1 - EDGE), outer=outer, inner=inner)


def fraction_inside_ellipse(
    mesh: Mesh, x: Quantity, y: Quantity, subsamples: int = 8, center: Point = ORIGIN
) -> torch.Tensor:
    """Share of each cell's area inside the ellipse of full axes x, y (m), (*batch, nz, ny, nx), float64.

    Exact along x, the mean of `subsamples` lines in y. A mask's staircase has the wrong area; this corrects it, and
    it is differentiable in x and y. Raises InputError for axes not > 0 and subsamples < 1.
    """
    if not isinstance(subsamples, int) or subsamples < 1:
        raise InputError(f"subsamples must be a whole number >= 1, got {subsamples!r}")
    require_positive("m", x=x, y=y)
    (across, up, width, height), (dx, dy, _) = seen_from(mesh, center, x=x, y=y), mesh.spatial_lengths
    total = torch.zeros((), dtype=torch.float64)
    for line in range(subsamples):
        height_squared = 1 - ((up + dy * ((line + 0.5) / subsamples - 0.5)) / (height / 2)) ** 2
        crossed = height_squared > 0
        chord = width / 2 * torch.where(crossed, height_squared, 1.0).sqrt() * crossed  # no sqrt(0): finite gradient
        overlap = torch.minimum(across + dx / 2, chord) - torch.maximum(across - dx / 2, -chord)
        total = total + (overlap / dx).clamp(min=0)
    share = total / subsamples
    return share.expand(torch.broadcast_shapes(share.shape, mesh.shape))


def _level(mesh: Mesh, center: Point, **axes: Quantity) -> torch.Tensor:
    """(x / a)^2 + (y / b)^2 with the half axes of an ellipse, or of a circle if one axis is given: 1 on the edge."""
    require_positive("m", **axes)
    x, y, *values = seen_from(mesh, center, **axes)
    return (x / (values[0] / 2)) ** 2 + (y / (values[-1] / 2)) ** 2


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


def from_image(mesh: Mesh, path: str | Path, threshold: float = 0.5, invert: bool = False) -> torch.Tensor:
    """A picture (PNG, TIFF, ... read by Pillow), averaged or stretched onto the grid: its top is at +y.

    Cells darker than `threshold` (0 black, 1 white; transparent is white) are material, with `invert` the brighter
    ones. (nz, ny, nx). Raises InputError for a file that is missing or cannot be read.
    """
    if not 0 < threshold < 1:
        raise InputError(f"threshold must lie between 0 (black) and 1 (white), got {threshold}")
    brightness = torch.from_numpy(_brightness(Path(path), mesh.cells[:2])).flip(0)
    mask = brightness > threshold if invert else brightness < threshold
    require_material(mask, mesh)
    return mask.expand(mesh.shape).contiguous()


def _brightness(path: Path, size: tuple[int, int]) -> np.ndarray:
    """(ny, nx), 0 black to 1 white, top row first; each cell the mean of the pixels under it."""
    from PIL import Image  # only here: it is slow to import

    try:
        with Image.open(path) as picture:
            if picture.mode.startswith("I"):  # 16 bits, which a conversion to "L" would clip
                grey = Image.fromarray(np.asarray(picture, dtype=np.float32) / 65535)
            elif picture.mode == "F":
                raise InputError(f"{path} holds floating-point pixels of unknown scale; save it with 8 or 16 bits")
            else:
                layers = picture.convert("RGBA")
                white = Image.new("RGBA", layers.size, "white")
                flat = Image.alpha_composite(white, layers).convert("L")
                grey = Image.fromarray(np.asarray(flat, dtype=np.float32) / 255)
            return np.array(grey.resize(size, Image.Resampling.BOX))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"there is no image {path}") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"cannot read {path} as an image: {error}; use a PNG") from error
