"""What a batch gives, lengths and the like, laid along the space axes; cell centres as seen from a place."""

import torch

from spinloom.errors import InputError, require_finite
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.mesh import Mesh

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
