"""Kernels through torch.compile, with the plain function where they cannot be compiled."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch._dynamo.exc import TorchDynamoException


class Fused:
    """A kernel (x, ...) -> ..., compiled at its first call for any batch and number of units.

    Compilation takes seconds, once per kernel and float type. Without a working C++ compiler (or for a batch of less
    than 2, which would need a kernel of its own) the plain function runs: same numbers up to rounding, slower.
    """

    def __init__(self, plain: Callable[..., Any]) -> None:
        self.plain = plain
        self._compiled: Callable[..., Any] | None = torch.compile(plain, dynamic=True)
        self._ready: set[tuple[object, ...]] = set()

    def __call__(self, x: torch.Tensor, row: torch.Tensor, *rest: torch.Tensor) -> Any:
        if self._compiled is None or min(x.shape) < 2 or torch.compiler.is_compiling():
            return self.plain(x, row, *rest)
        kind = (x.dtype, x.device, row.numel() == 1, torch.is_inference_mode_enabled())
        if kind not in self._ready and not self._prepare(x, row, *rest):
            return self.plain(x, row, *rest)
        self._ready.add(kind)
        return self._compiled(x, row, *rest)

    def _prepare(self, x: torch.Tensor, row: torch.Tensor, *rest: torch.Tensor) -> bool:
        """Compile on a large input: inductor plans threads by the first shape it meets."""
        assert self._compiled is not None
        shape = (64, 8192)
        sample = torch.zeros(shape, dtype=x.dtype, device=x.device)
        rows = torch.zeros(1 if row.numel() == 1 else shape[1], dtype=row.dtype, device=x.device)
        try:
            self._compiled(sample, rows, *rest)
        except (TorchDynamoException, RuntimeError) as error:
            self._compiled = None
            reason = str(error).strip().splitlines()[0]
            warnings.warn(f"device layers run uncompiled, about 3 times slower ({reason})", stacklevel=2)
            return False
        return True
