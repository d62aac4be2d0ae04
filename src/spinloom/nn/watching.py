"""Look at a network at work, and leave it as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """Give every module its own training or evaluation mode back at the end, whatever happens."""
    modes = {module: module.training for module in model.modules()}
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def on_input(module: nn.Module, note: Callable[[torch.Tensor], object]) -> RemovableHandle:
    """Call note(input) before every pass of a module of one input, however the input is handed over."""

    def hook(_: nn.Module, args: tuple, named: dict) -> None:
        note((*args, *named.values())[0])

    return module.register_forward_pre_hook(hook, with_kwargs=True)
