"""Randomness comes in explicitly: a seed or a torch.Generator, never the global state."""

import torch

Seed = int | torch.Generator


def generator(seed: Seed, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator from a seed (a fresh one) or the given generator itself."""
    if isinstance(seed, torch.Generator):
        return seed
    return torch.Generator(device=device).manual_seed(int(seed))


def child_seed(source: torch.Generator) -> int:
    """Draw a seed for an independent stream."""
    return int(torch.randint(0, 2**62, (), generator=source, device=source.device))
