"""Multiply-accumulates of a network's weights."""

import copy

import torch
from torch import nn


def count_macs(model: nn.Module, example: torch.Tensor) -> int:
    """Multiply-accumulates of every convolution and linear layer for one input; example: (n, ...).

    A layer counts each time it is called, and for each row that a network makes of an input. Not counted are weights
    that others use (transposed convolutions, nn.LSTM, attention). The model stays as it is.
    """
    total = 0

    def count(module: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        total += output.numel() * module.weight[0].numel()  # type: ignore[index]

    weighted = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    twin = copy.deepcopy(model).eval()
    for module in twin.modules():
        if isinstance(module, weighted):
            module.register_forward_hook(count)
    with torch.inference_mode():
        twin(example)
    return total // len(example)
