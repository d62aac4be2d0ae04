"""Read noise made where it is used: counter-based normals, the same for a given key on every run.

A normal is a function of a key and of the neuron's place in the batch, so that it can be made inside the fused loop
(`kernels._normal`), costs no memory traffic and does not depend on the number of threads or on any global state.

Integer hash: C. Wellons, "Prospecting for hash functions" (lowbias32); applied twice under two parts of the key, as one
round would give two reads the same numbers in another order. Key: splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
Normals: Box and Muller, Ann. Math. Stat. 29, 610 (1958), on 24 bits; the largest is 5.9 standard deviations.
"""

import math

import torch

_FIRST, _SECOND = 0x7FEB352D, 0x846CA68B - 2**32  # as signed 32-bit numbers
_GOLDEN, _WORD = 0x9E3779B97F4A7C15, 2**64 - 1


def read_key(seed: int, reads: int) -> tuple[int, int, int]:
    """Three signed 32-bit words for read number `reads` of the stream `seed`."""
    first = _splitmix(seed + _splitmix(reads))
    second = _splitmix(first)
    return _signed(first >> 32), _signed(first), _signed(second)


def normals(shape: torch.Size | tuple[int, int], key: torch.Tensor) -> torch.Tensor:
    """Independent standard normals, `shape` (batch, units) float32, for a key (3,) int32 on its device."""
    batch, units = shape
    row = torch.arange(batch, dtype=torch.int32, device=key.device)
    place = row[:, None] * units + torch.arange(units, dtype=torch.int32, device=key.device)
    word = _mix(_mix(place + key[0]) ^ key[1])
    uniform = (_high24(word).float() + 0.5) * 2.0**-24
    angle = _high24(_mix(word + key[2])).float() * (2 * math.pi * 2.0**-24)
    return torch.sqrt(-2 * torch.log(uniform)) * torch.cos(angle)


def _mix(word: torch.Tensor) -> torch.Tensor:
    word = (word ^ ((word >> 16) & 0xFFFF)) * _FIRST
    word = (word ^ ((word >> 15) & 0x1FFFF)) * _SECOND
    return word ^ ((word >> 16) & 0xFFFF)


def _high24(word: torch.Tensor) -> torch.Tensor:
    return (word >> 8) & 0xFFFFFF


def _splitmix(word: int) -> int:
    word = (word + _GOLDEN) & _WORD
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)


def _signed(word: int) -> int:
    return ((word & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000
