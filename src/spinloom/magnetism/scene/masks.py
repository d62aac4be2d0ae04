"""Masks: where on a mesh there is material: pillars, tracks whose notches may pin a wall, and pictures.

A mask is a bool tensor (*batch, nz, ny, nx), True inside; outside the magnetisation is 0. Masks combine with & | ~.
A cell belongs to a shape when its centre lies inside or on the edge; what reaches beyond the grid is cut off.
Lengths are full lengths in m, numbers or tensors (*batch,): each member of a batch has its own size on one grid.
`center` is (x, y) in m from the middle of the grid, numbers or tensors (*batch,) too.
Every constructor raises InputError for lengths that are not finite and > 0 and for a mask without material. Masks
are made of decisions and carry no gradient; `fraction_inside_ellipse` carries one.
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

Point = tuple[Quantity, Quantity]
ORIGIN: Point = (0.0, 0.0)
_EDGE = 1e-9
"""Relative: a centre on the edge of a shape counts as inside whatever the rounding."""


def require_material(mask: torch.Tensor, mesh: Mesh | None = None, **lengths: Quantity) -> None:
    """Raise InputError "empty mask" if a member of mask (*batch, nz, ny, nx) or (ny, nx) has no True cell.

    mesh, lengths (m): named in the message, with the values of the first empty member.
    """
    filled = mask.flatten(-min(3, mask.ndim)).any(-1)
    if bool(filled.all()):
        return
    member = tuple((~filled).nonzero()[0].tolist())
    given = ", ".join(f"{name} {nm(double(length).expand(filled.shape)[member])}" for name, length in lengths.items())
    where = f" in member {member} of the batch" if member else ""
    cell = f"; the cell is {cell_nm(mesh, filled.shape, member)}" if mesh else ""
    raise InputError(f"empty mask{where}: {given or 'no cell is True'}{cell}; enlarge the shape or refine the mesh")


def require_mask(mask: torch.Tensor, mesh: Mesh) -> torch.Tensor:
    """`mask`, a bool tensor that broadcasts to the grid, as (*batch, nz, ny, nx). Raises InputError if it does not."""
    if not isinstance(mask, torch.Tensor) or mask.dtype != torch.bool:
        raise InputError(f"a mask must be a bool tensor, got {getattr(mask, 'dtype', type(mask).__name__)}")
    last = mask.shape[-3:]
    if mask.ndim < 2 or any(n not in (1, size) for n, size in zip(last[::-1], mesh.shape[::-1], strict=False)):
        raise InputError(
            f"a mask must have shape (ny, nx) or (*batch, nz, ny, nx) with (nz, ny, nx) = {mesh.shape}, "
            f"got {tuple(mask.shape)}"
        )
    return mask.expand(*mask.shape[:-3], *mesh.shape)


def _on_grid(mesh: Mesh, inside: torch.Tensor, **lengths: Quantity) -> torch.Tensor:
    """`inside` on the whole grid, (*batch, nz, ny, nx). lengths (m): as for `require_material`, which must hold."""
    require_material(inside, mesh, **lengths)
    return inside.expand(torch.broadcast_shapes(inside.shape, mesh.shape)).contiguous()


def masked(m: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """m with 0 outside the mask, (ny, nx) or (*batch, nz, ny, nx); the batches of both broadcast."""
    state = m.reshape(3, *(1,) * max(0, mask.ndim + 1 - m.ndim), *m.shape[1:]) if m.shape[:1] == (3,) else m
    try:
        shape = torch.broadcast_shapes(state.shape[1:], mask.shape)
    except RuntimeError:
        shape = torch.Size()
    if mask.dtype != torch.bool or mask.ndim < 2 or m.ndim < 4 or len(m) != 3 or shape[-3:] != m.shape[-3:]:
        raise InputError(
            f"masked needs a state (3, *batch, nz, ny, nx) and a bool mask (ny, nx) or (*batch, nz, ny, nx), "
            f"got {tuple(m.shape)} and {mask.dtype} {tuple(mask.shape)}"
        )
    return torch.where(mask, state, 0.0)


def nm(length: Quantity) -> str:
    """A length in m for a message, in nm; of a batch the smallest and the largest."""
    values = double(length).detach().reshape(-1) * 1e9
    return f"{float(values[0]):g} nm" if len(values) == 1 else f"{float(values.min()):g} to {float(values.max()):g} nm"


def cell_nm(mesh: Mesh, batch: tuple[int, ...] = (), member: tuple[int, ...] = ()) -> str:
    """The cell of one member for a message, in nm."""
    sizes = (length.expand(batch)[member] if batch else length for length in mesh.lengths)
    return " x ".join(nm(length).removesuffix(" nm") for length in sizes) + " nm"


def spatial(mesh: Mesh, **quantities: Quantity) -> list[torch.Tensor]:
    """Each quantity, () or (*batch,), as () or (*batch, 1, 1, 1). Raises InputError if the batches do not match."""
    values = [double(quantity) for quantity in quantities.values()]
    try:
        torch.broadcast_shapes(*(value.shape for value in (*values, *mesh.lengths)))
    except RuntimeError as error:
        shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in zip(quantities, values, strict=True))
        raise InputError(f"these batches do not match each other or the mesh: {shapes}") from error
    return [value if value.ndim == 0 else value[..., None, None, None] for value in values]


def seen_from(mesh: Mesh, center: Point, **quantities: Quantity) -> list[torch.Tensor]:
    """x and y of the cell centres from `center` (m), then the quantities, with space axes like `spatial`.

    Raises InputError if `center` is not two finite lengths and if the batches do not match.
    """
    if len(center) != 2:
        raise InputError(f"center must be two lengths in m (x, y), got {center!r}")
    require_finite("m", center_x=center[0], center_y=center[1])
    cx, cy, *others = spatial(mesh, center_x=center[0], center_y=center[1], **quantities)
    x, y, _ = mesh.coordinates()
    return [x - cx, y - cy, *others]


def require_signs(**signs: Quantity) -> None:
    """Raise InputError unless every value is 1 or -1."""
    for name, sign in signs.items():
        if not bool((double(sign).abs() == 1).all()):
            raise InputError(f"{name} must be 1 or -1, got {sign}")


def ellipse(mesh: Mesh, x: Quantity, y: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Full axes x and y in m."""
    return _on_grid(mesh, _level(mesh, center, x=x, y=y) <= 1 + _EDGE, x=x, y=y)


def disk(mesh: Mesh, diameter: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """A circle of the given diameter in m."""
    return _on_grid(mesh, _level(mesh, center, diameter=diameter) <= 1 + _EDGE, diameter=diameter)


def rectangle(mesh: Mesh, x: Quantity, y: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Sides x and y in m."""
    require_positive("m", x=x, y=y)
    across, up, width, height = seen_from(mesh, center, x=x, y=y)
    bound = 0.5 * (1 + _EDGE)
    return _on_grid(mesh, (across.abs() <= bound * width) & (up.abs() <= bound * height), x=x, y=y)


def ring(mesh: Mesh, outer: Quantity, inner: Quantity, center: Point = ORIGIN) -> torch.Tensor:
    """Outer and inner diameter in m. Raises InputError unless inner < outer."""
    around, hole = _level(mesh, center, outer=outer), _level(mesh, center, inner=inner)
    if not bool((double(inner) < double(outer)).all()):
        raise InputError(f"the inner diameter of a ring must be below the outer one, got {inner} and {outer} m")
    return _on_grid(mesh, (around <= 1 + _EDGE) & (hole >= 1 - _EDGE), outer=outer, inner=inner)


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
        known = {"shape": ("triangle", "rectangle", "semicircle"), "side": ("both", "upper", "lower")}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise unknown_name(f"notch {name}", getattr(self, name), values)

    def cut(self, mesh: Mesh) -> torch.Tensor:
        """Depth in m at every x, (*batch, 1, 1, nx)."""
        position, depth, width = spatial(mesh, position=self.position, depth=self.depth, width=self.width)
        offset = (mesh.coordinates()[0] - position).abs() / (width / 2)
        if self.shape == "triangle":
            return depth * (1 - offset).clamp(min=0)
        if self.shape == "rectangle":
            return depth * (offset <= 1 + _EDGE)
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
        length, sides = mesh.cells[0] * mesh.lengths[0], 2 if notch.side == "both" else 1
        if bool((double(notch.position).abs() > length / 2).any()):
            raise InputError(f"a notch at {nm(notch.position)} lies beyond the track, which is {nm(length)} long")
        if bool((sides * double(notch.depth) >= double(width)).any()):
            raise InputError(
                f"a notch of depth {nm(notch.depth)} on {sides} side(s) cuts the track of {nm(width)} through; "
                f"depth must be below {'half ' if sides == 2 else ''}the width"
            )
        cut = notch.cut(mesh)
        upper = torch.minimum(upper, half - cut) if notch.side != "lower" else upper
        lower = torch.maximum(lower, cut - half) if notch.side != "upper" else lower
    y, slack = mesh.coordinates()[1], _EDGE * half
    mask = _on_grid(mesh, (y <= upper + slack) & (y >= lower - slack), width=width)
    if not bool(mask.any(-2).all()):
        raise InputError(
            f"the notches cut the track of {nm(width)} through: at some x no cell is left; "
            f"make them less deep or refine the mesh, its cell is {cell_nm(mesh)}"
        )
    return mask


def from_image(mesh: Mesh, path: str | Path, threshold: float = 0.5, invert: bool = False) -> torch.Tensor:
    """A picture (PNG, TIFF, ... read by Pillow), averaged or stretched onto the grid: its top is at +y.

    Cells darker than `threshold` (0 black, 1 white; transparent is white) are material, with `invert` the brighter
    ones. (nz, ny, nx). Raises InputError for a file that is missing or cannot be read.
    """
    if not 0 < threshold < 1:
        raise InputError(f"threshold must lie between 0 (black) and 1 (white), got {threshold}")
    brightness = torch.from_numpy(_brightness(Path(path), mesh.cells[:2])).flip(0)
    return _on_grid(mesh, brightness > threshold if invert else brightness < threshold)


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
                white = Image.new("RGBA", picture.size, "white")
                flat = Image.alpha_composite(white, picture.convert("RGBA")).convert("L")
                grey = Image.fromarray(np.asarray(flat, dtype=np.float32) / 255)
            return np.array(grey.resize(size, Image.Resampling.BOX))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"there is no image {path}") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"cannot read {path} as an image: {error}; use a PNG") from error
