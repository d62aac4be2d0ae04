"""Tensors in a SHA-256: what a file, a checkpoint or a stage is known by."""

from collections.abc import Mapping
from typing import Any

import torch


def add_tensors(digest: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put every tensor's name, type, shape and bytes into a hashlib object, in the order of the mapping."""
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
