"""What one operation of a device costs, with the assumptions behind it."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class OperatingCost:
    """Energy and time of one neuron operation: reset, pulse, read.

    drive: (points,), in the unit of the Response it belongs to.
    write_energy: (points,), J, energy of the pulse at each drive.
    reset_energy: J. read_energy: J, one read of the value junction (a gradient read costs as much again).
    cycle_time: s, reset + pulse + read of one neuron; all neurons of a layer work at once.
    assumptions: sentences to print beside every figure made from these numbers.
    """

    drive: torch.Tensor
    write_energy: torch.Tensor
    reset_energy: float
    read_energy: float
    cycle_time: float
    assumptions: tuple[str, ...]
