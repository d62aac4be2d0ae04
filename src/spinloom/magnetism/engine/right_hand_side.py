"""dm/dt of a magnet on torch tensors: the local formulas of `rates.py`, on a mesh with what other cells add.

Here stand also the checks before a simulation, and the state as the solvers take it.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from spinloom.errors import InputError, SpinloomWarning
from spinloom.magnetism.drives import Drive, Quantity
from spinloom.magnetism.engine.rates import Layout, Reduced, llgs, reduce_magnet
from spinloom.magnetism.engine.space import Space, space_of
from spinloom.magnetism.magnet import Components, Magnet
from spinloom.magnetism.terms.exchange import exchange_length
from spinloom.magnetism.vectors import require_unit


@dataclass(frozen=True)
class RightHandSide:
    """layout, rows: of `reduce_magnet`, in the type of the simulation. space: None for macrospins."""

    layout: Layout
    rows: list[torch.Tensor]
    drives: tuple[Drive, ...]
    space: Space | None = None

    def __call__(
        self, m: Components, push: Components | None, waves: torch.Tensor | Sequence[torch.Tensor]
    ) -> Components:
        """rad/ns. push: thermal field as a rate. waves: of every channel, at this instant."""
        if self.space is not None:
            state = torch.stack(m)
            first = len(waves) - len(self.space.flows)
            x, y, z = self.space.field(state, [waves[channel] for channel in range(first, len(waves))])
            push = (x, y, z) if push is None else (push[0] + x, push[1] + y, push[2] + z)
        return llgs(m, push, self.rows, waves, self.layout)

    def at(self, m: torch.Tensor, seconds: torch.Tensor) -> torch.Tensor:
        """The same for a tensor m (3, *batch) with the drives at a time (s) that broadcasts over the batch."""
        values = [drive.waveform(seconds).to(m.dtype) for drive in self.drives]
        rate = self((m[0], m[1], m[2]), None, values)
        return torch.stack(torch.broadcast_tensors(*rate))

    def member_shape(self, m: torch.Tensor) -> torch.Size:
        """Shape of one number per member, broadcasting against m[0]: each macrospin, or each mesh, is one."""
        return m.shape[1:] if self.space is None else torch.Size((*m.shape[1:-3], 1, 1, 1))

    def waves_differ_in_space(self) -> bool:
        """Whether some waveform (not only its amplitude) differs from cell to cell of a mesh."""
        return self.space is not None and any(wave.shape[-3:].numel() > 1 for wave in instant(self.drives))

    def wants_gradient(self, m: torch.Tensor) -> bool:
        """Whether a gradient goes through the state, a parameter or a drive."""
        tensors = [m, *self.rows, *instant(self.drives)]
        if self.space is not None:
            s = self.space
            tensors += [s.per_energy, s.per_share, *(link.s for link in s.links if link.s is not None)]
            tensors += [d for link in s.links for d in link.d if d is not None]
            tensors += [s.demag.kernel] if s.demag is not None else []
            tensors += [s.share] if s.share is not None else []
            tensors += [rate for flow in s.flows for rate in (*flow.rates, flow.nonadiabaticity)]
        return torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)


def instant(drives: Sequence[Drive]) -> list[torch.Tensor]:
    """Each waveform at one instant: its batch shape, and whether a gradient goes through it."""
    return [drive.waveform(torch.zeros((), dtype=torch.float64)) for drive in drives]


def prepared_state(magnet: Magnet, m: torch.Tensor) -> torch.Tensor:
    """m as the solvers take it: checked, 0 outside the geometry.

    Raises InputError: NaN, |m| not 1, a shape that is not that of the mesh.
    """
    if magnet.mesh is not None:
        magnet.mesh.require_state(m)
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
