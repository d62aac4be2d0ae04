"""Randomness comes in explicitly: a seed or a torch.Generator, never the global state."""

import torch

from spinloom.errors import InputError, as_whole

Seed = int | torch.Generator


def generator(seed: Seed, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator from a seed (a fresh one) or the given generator itself. Raises InputError for what is neither."""
    if isinstance(seed, torch.Generator):
        return seed
    whole = as_whole(seed)
    if whole is None or not -(2**63) <= whole < 2**63:
        raise InputError(f"seed must be a whole number of at most 63 bits or a torch.Generator, got {seed!r}")
    return torch.Generator(device=device).manual_seed(whole)


def child_seed(source: torch.Generator) -> int:
    """Draw a seed for an independent stream."""
    return int(torch.randint(0, 2**62, (), generator=source, device=source.device))
