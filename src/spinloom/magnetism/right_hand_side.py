"""dm/dt of a magnet on torch tensors: the local formulas of `rates.py`, on a mesh with what other cells add."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from spinloom.magnetism.drives import Drive
from spinloom.magnetism.rates import Components, llgs
from spinloom.magnetism.reduced import Layout
from spinloom.magnetism.space import Space


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
            first = len(waves) - self.layout.flows
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
