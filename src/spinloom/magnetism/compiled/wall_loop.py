"""The compiled loop of collective coordinates: one wall after another, all its steps in registers."""

import math

from spinloom.kernels import kept
from spinloom.magnetism.compiled.pieces import FAST, next_word, normal_pair

ROWS = 7
"""Rows of a wall: damping, width, hard axis over easy axis, rates of pinning, DMI and hard axis, size of the noise."""
CHANNEL = 8
"""Rows of each drive: spin polarization (3), field (3), adiabatic and non-adiabatic current."""


@kept(fastmath=FAST, error_model="numpy", nogil=True)
def slope(table, place, periodic):  # type: ignore[no-untyped-def]
    """Linear in the table at `place`, in points from the first; beyond the ends the value there."""
    last = table.shape[0] - 1
    if periodic:
        place -= last * math.floor(place / last)
    place = min(max(place, 0.0), float(last))
    left = min(int(place), last - 1)
    return table[left] + (place - left) * (table[left + 1] - table[left])


@kept(fastmath=FAST, error_model="numpy", nogil=True)
def rates(q, phi, row, drive, table, grid, periodic, one, two):  # type: ignore[no-untyped-def]
    """(dq/dt, dphi/dt) in nm and rad per ns. one, two: normal numbers of this step, times 1 / sqrt(step)."""
    damping, width, ratio, pinning, dmi, hard, noise = row[0], row[1], row[2], row[3], row[4], row[5], row[6]
    c, s = math.cos(phi), math.sin(phi)
    delta = width / math.sqrt(1.0 + ratio * c * c) if ratio != 0.0 else width
    along = noise * one + drive[5] + drive[7] / delta + math.pi / 2 * (drive[1] * c - drive[0] * s)
    if pinning != 0.0:
        along -= pinning * slope(table, (q - grid[0]) * grid[1], periodic)
    turn = noise * two + drive[2] + drive[6] / delta + math.pi / 2 * (drive[3] * s - drive[4] * c)
    turn -= dmi / delta * s + 2.0 * hard * s * c
    scale = 1.0 / (1.0 + damping * damping)
    return delta * scale * (damping * along + turn), scale * (along - damping * turn)


@kept(fastmath=FAST, error_model="numpy", nogil=True)
def run(state, words, rows, waves, table, grid, periodic, step, done, every, out, turns, start, end):  # type: ignore[no-untyped-def]
    """Heun steps of the walls start..end, in place: as many as there are rows in `waves`.

    state (n, 2): q in nm, phi in rad. words (4, n): generators. rows (ROWS + CHANNEL k, n). waves (steps, k, 1 or n):
    drives in the middle of each step. table: slope of the potential at points grid = (first, points per nm).
    done: steps before these; after each `every`-th the state goes to out (records, n, 2). turns (n,): the largest
    change of an angle in one step, rad.
    """
    channels = waves.shape[1]
    for i in range(start, end):
        row, drive = rows[:ROWS, i].copy(), rows[:CHANNEL, i].copy()
        q, phi, thermal, rough = state[i, 0], state[i, 1], rows[6, i] != 0.0, 1.0 / math.sqrt(step)
        a, b, c, d = words[0, i], words[1, i], words[2, i], words[3, i]
        one, two, wave = 0.0, 0.0, i if waves.shape[2] > 1 else 0
        for k in range(waves.shape[0]):
            for part in range(CHANNEL):
                drive[part] = 0.0
                for channel in range(channels):
                    drive[part] += waves[k, channel, wave] * rows[ROWS + CHANNEL * channel + part, i]
            if thermal:
                first, a, b, c, d = next_word(a, b, c, d)
                second, a, b, c, d = next_word(a, b, c, d)
                x, y = normal_pair(first, second)
                one, two = x * rough, y * rough
            v, w = rates(q, phi, row, drive, table, grid, periodic, one, two)
            v2, w2 = rates(q + step * v, phi + step * w, row, drive, table, grid, periodic, one, two)
            turn = 0.5 * step * (w + w2)
            turns[i] = max(turns[i], abs(turn))
            q += 0.5 * step * (v + v2)
            phi += turn
            if (done + k + 1) % every == 0:
                record = (done + k + 1) // every - 1
                out[record, i, 0], out[record, i, 1] = q, phi
        state[i, 0], state[i, 1] = q, phi
        words[0, i], words[1, i], words[2, i], words[3, i] = a, b, c, d
