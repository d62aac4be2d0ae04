"""What a file, a checkpoint or a stage is known by: tensors in a SHA-256, and headers read as they were written."""

import json
from collections.abc import Mapping
from typing import Any

import torch


def add_tensors(digest: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put every tensor's name, type, shape and bytes into a hashlib object, in the order of the mapping."""
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        plain = tensor.detach().cpu().resolve_conj().resolve_neg()
        digest.update(plain.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())


def read_exactly(text: str) -> Any:
    """The JSON value that `json.dumps` wrote as `text`. Raises ValueError if it would have written it otherwise.

    A checksum over the value alone misses damage that means the same, such as 2E-05 for 2e-05.
    """
    value = json.loads(text)
    if json.dumps(value) != text:
        raise ValueError("the text is not as it was written")
    return value
