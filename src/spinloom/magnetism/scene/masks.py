"""Masks: where on a mesh there is material.

A mask is a bool tensor (*batch, nz, ny, nx), True inside; outside the magnetisation is 0. Masks combine with & | ~.
`geometry` makes them of pillars, of tracks with notches and of pictures; `edges` roughens them.
A cell belongs to a shape when its centre lies inside or on the edge; what reaches beyond the grid is cut off.
Lengths are in m, numbers or tensors (*batch,): each member of a batch has its own size on one grid.
Every constructor raises InputError for lengths that are not finite and > 0 and for a mask without material. Masks
are made of decisions and carry no gradient.
"""

import torch

from spinloom.errors import InputError, require_finite
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.mesh import Mesh

EDGE = 1e-9
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


def on_grid(mesh: Mesh, inside: torch.Tensor, **lengths: Quantity) -> torch.Tensor:
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


Point = tuple[Quantity, Quantity]
ORIGIN: Point = (0.0, 0.0)


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
