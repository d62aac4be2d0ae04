"""Batch norms of several processes, each of which normalises its own share of a batch."""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@torch.no_grad()
def average_norms(model: nn.Module, fabric: "Fabric") -> None:
    """Make the running statistics of every norm that follows its inputs the mean over all processes.

    Shares are of one size, so that the running means become those of one process with the whole batches, but for
    rounding; the running variances are the mean of those within the shares, as the norms applied them in training.
    """
    if fabric.world_size == 1:
        return
    for norm in model.modules():
        if isinstance(norm, nn.modules.batchnorm._NormBase) and norm.training and norm.track_running_stats:
            for running in (norm.running_mean, norm.running_var):
                if running is not None:
                    running.copy_(fabric.all_reduce(running.clone()))  # type: ignore[arg-type]
