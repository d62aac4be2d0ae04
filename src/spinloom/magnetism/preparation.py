"""Checks before a simulation, and the state and the right-hand side as the solvers take them."""

import warnings
from collections.abc import Sequence

import torch

from spinloom import units
from spinloom.errors import InputError, SpinloomWarning
from spinloom.magnetism.drives import Drive, Quantity, double
from spinloom.magnetism.exchange import Exchange
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.reduced import Reduced, reduce_magnet
from spinloom.magnetism.right_hand_side import RightHandSide, instant
from spinloom.magnetism.space import Space, space_of
from spinloom.magnetism.vectors import require_unit


def prepared_state(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """m as the solvers take it: checked, 0 outside the geometry.

    Raises InputError: NaN, |m| not 1, a shape that is not that of the mesh.
    """
    if magnet.mesh is not None and m.ndim >= 1 and (m.ndim < 4 or m.shape[-3:] != magnet.mesh.shape):
        raise InputError(
            f"a state on this mesh must have shape (3, *batch, nz, ny, nx) with {magnet.mesh.shape} last, "
            f"got {tuple(m.shape)}"
        )
    if magnet.geometry is not None and not _holds(m.shape[1:], magnet.geometry.shape):
        raise InputError(
            f"the geometry has shape {tuple(magnet.geometry.shape)}, the state only {tuple(m.shape[1:])}: "
            "expand the state"
        )
    require_unit(m, geometry=magnet.geometry)
    return m if magnet.geometry is None else torch.where(magnet.geometry.to(m.device), m, 0.0)


def _holds(shape: torch.Size, other: torch.Size) -> bool:
    """Whether a tensor of shape `other` broadcasts to `shape`."""
    try:
        return torch.broadcast_shapes(shape, other) == shape
    except RuntimeError:
        return False


def right_hand_side(magnet: Magnet, m: torch.Tensor, temperature: Quantity = 0.0) -> RightHandSide:
    """dm/dt of the magnet for states like m. Raises InputError where parameters do not broadcast to the state."""
    warn_of_coarse_cells(magnet)
    reduced, space = reduce_magnet(magnet, temperature), space_of(magnet, m)
    drives = magnet.drives()
    _check_batch(reduced, space, drives, m)
    return RightHandSide(reduced.layout, [row.to(m) for row in reduced.rows], drives, space)


def _check_batch(reduced: Reduced, space: Space | None, drives: Sequence[Drive], m: torch.Tensor) -> None:
    parts = [*reduced.rows, *instant(drives)]
    if space is not None:
        parts += [space.per_energy, *(link.s for link in space.links if link.s is not None)]
        parts += [part for flow in space.flows for part in (*flow.rates, flow.nonadiabaticity)]
    try:
        shape = torch.broadcast_shapes(*(part.shape for part in parts))
        fits = torch.broadcast_shapes(shape, m.shape[1:]) == m.shape[1:]
    except RuntimeError as error:
        raise InputError(f"parameters do not broadcast: {error}") from error
    if not fits:
        raise InputError(
            f"parameters have batch shape {tuple(shape)}, the state only {tuple(m.shape[1:])}: expand the state"
        )


def exchange_length(magnet: Magnet) -> torch.Tensor | None:
    """sqrt(2 A / (mu0 Ms^2)) in m, or None without Exchange."""
    for term in magnet.fields:
        if isinstance(term, Exchange):
            ms = double(magnet.material.saturation_magnetization)
            return (2 * double(term.stiffness) / (units.MU0 * ms**2)).sqrt()
    return None


def warn_of_coarse_cells(magnet: Magnet) -> None:
    """SpinloomWarning for cells longer than half the exchange length: walls and vortices would stick to the grid."""
    length = exchange_length(magnet)
    if magnet.mesh is None or length is None:
        return
    limit = float(length.detach().max()) / 2
    for name, count, size in zip(("dx", "dy", "dz"), magnet.mesh.cells, magnet.mesh.lengths, strict=True):
        cell = float(size.detach().max())
        if count > 1 and limit > 0 and cell > limit * (1 + 1e-9):
            warnings.warn(
                f"{name} = {cell * 1e9:.3g} nm is more than half the exchange length of {2 * limit * 1e9:.3g} nm; "
                "use smaller cells unless the magnetisation varies slowly",
                SpinloomWarning,
                stacklevel=4,
            )
