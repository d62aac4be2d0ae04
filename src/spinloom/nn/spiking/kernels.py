"""Leaky integration over all steps of many neurons in one compiled loop, with the arithmetic of the eager form."""

from typing import Any

import numpy as np

from spinloom.kernels import kept, shared
from spinloom.threads import share

_MANY = 1 << 18
"""Neuron steps from which on more cores pay."""


@kept(nogil=True, error_model="numpy")
def _integrate(drive, spikes, potential, current, late, held, numbers, subtract, refractory, start, end):  # type: ignore[no-untyped-def]
    """drive, spikes (steps, rows, units); potential to held (rows, units), renewed; numbers (5, units): decay, gain,
    synapse, threshold, what the potential is set to. subtract: 0 sets it, 1 subtracts the threshold, 2 a step later.
    """
    zero, one = drive.dtype.type(0), drive.dtype.type(1)
    for row in range(start, end):
        v, i, l, h = potential[row], current[row], late[row], held[row]
        for step in range(drive.shape[0]):
            given, out = drive[step, row], spikes[step, row]
            for u in range(drive.shape[2]):
                i[u] = numbers[2, u] * i[u] + given[u]
                moved = numbers[0, u] * v[u] + numbers[1, u] * i[u] - l[u]
                moved = moved if h[u] == 0 else v[u]
                fires = moved > numbers[3, u] and h[u] == 0
                drop = numbers[3, u] if fires else zero
                after = moved - drop if subtract == 1 else moved
                v[u] = numbers[4, u] if fires and subtract == 0 else after
                l[u] = drop if subtract == 2 else zero
                h[u] = refractory if fires else max(h[u] - 1, 0)
                out[u] = one if fires else zero


_LOOP = shared(_integrate, f"{__name__}._integrate")


def integrate(drive: np.ndarray, state: tuple[np.ndarray, ...], numbers: np.ndarray, *how: Any) -> np.ndarray:
    """Spikes (steps, rows, units) of the drive; state is renewed in place. See `_integrate` for the arguments."""
    spikes = np.empty_like(drive)
    share(_LOOP, (drive, spikes, *state, numbers, *how), drive.shape[1], alone=drive.size < _MANY)
    return spikes
