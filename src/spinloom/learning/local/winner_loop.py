"""The compiled loop behind `plasticity`: images to a layer of spiking inputs, one layer of outputs, one winner.

Only pixels that are not at rest are stepped. What rests, pixels black for a while, has one potential and no spikes: its
weights to a winner move by the same factor at each spike and are moved once, at the end of the image, which changes
nothing since they drive nobody before. Spikes of inputs add rows of the weights; learning touches one column.
"""

import math

import numpy as np
from numba import njit

from spinloom.kernels import kept, shared

NONE, VDSP, STDP, SWITCHING = range(4)
"""Rules by number."""
RESTING = 1e-4
"""A black pixel as near as this to its resting potential stays there."""
TRACED = 1e-3
"""Traces of spikes below it are gone."""

_F = np.float32
_ZERO, _ONE, _MINUS = _F(0), _F(1), _F(-1)
_P2, _P3, _P4, _P5, _P6, _P7, _P8, _P9, _P10 = (_F(1 / math.factorial(k)) for k in range(2, 11))


@njit(error_model="numpy", nogil=True)
def _excess(x):  # type: ignore[no-untyped-def]
    """exp(|x|) - 1 to the rounding of single precision, |x| <= 1, by vectorisable arithmetic."""
    y = abs(x)
    tail = _P5 + y * (_P6 + y * (_P7 + y * (_P8 + y * (_P9 + y * _P10))))
    return y * (_ONE + y * (_P2 + y * (_P3 + y * (_P4 + y * tail))))


@njit(error_model="numpy", nogil=True)
def _switched(w, x, rate, cell):  # type: ignore[no-untyped-def]
    """A weight after one voltage x on a cell: of both directions exponent, sharpness and threshold, see `Switching`."""
    if x < -cell[4]:
        w += rate * (_ONE - w) ** cell[0] * (np.exp(-cell[2] * (x + cell[4])) - _ONE)
    elif x > cell[5]:
        w -= rate * w ** cell[1] * (np.exp(cell[3] * (x - cell[5])) - _ONE)
    return min(max(w, _ZERO), _ONE)


@njit(error_model="numpy", nogil=True)
def _learn(kind, place, count, v, x, weights, winner, rate, law, cells, grown):  # type: ignore[no-untyped-def]
    """Move the weights of `count` pixels to a winner. v, x: potentials and traces, in the order of `place`."""
    if kind == VDSP:
        for z in range(count):
            grown[z] = rate * _excess(v[z])
        for z in range(count):
            i = place[z]
            w = weights[i, winner]
            weights[i, winner] = w + (_ONE - w) * grown[z] if v[z] < _ZERO else w - w * grown[z]
    elif kind == STDP:
        for z in range(count):
            i = place[z]
            w = weights[i, winner]
            if x[z] >= law[4]:
                w += rate * law[0] * np.exp(-law[2] * w)
            else:
                w -= rate * law[1] * np.exp(-law[3] * (_ONE - w))
            weights[i, winner] = min(max(w, _ZERO), _ONE)
    elif kind == SWITCHING:
        for z in range(count):
            i = place[z]
            u = v[z] * (law[0] if v[z] < _ZERO else law[1])
            weights[i, winner] = _switched(weights[i, winner], u, rate, cells[winner, i])


def _present(images, weights, inputs, outputs, counts, numbers, rates, kind, law, cells, tally):  # type: ignore[no-untyped-def]
    """Present images one after the other; all arrays but the first, numbers, rates, law and cells are renewed.

    images: (n, pixels), uint8. weights: (pixels, outputs). inputs: (4, pixels), potential, share of the way to the
    drive that the next step goes, steps of refractoriness left, trace. outputs: (5, outputs), potential, current,
    adaptation, steps held, trace. counts: (n, outputs), spikes. numbers: steps of an image, steps of refractoriness and
    of inhibition, gain, bias, and what a step leaves or adds, see `WinnerTakeAll._numbers`. rates: (n,), of learning.
    law: numbers of the rule. cells: (outputs, pixels, 6), parameters of devices. tally: spikes of outputs and of
    inputs, weights changed at spikes of outputs and of inputs.
    """
    n, pixels = images.shape
    width = weights.shape[1]
    steps, refractory, held = int(numbers[0]), _F(numbers[1] - 1), _F(numbers[2] - 1)
    gain, bias, full, leak, fresh = numbers[3], numbers[4], numbers[5], numbers[6], numbers[7]
    rise, increment, fade, low, pre, post = numbers[8], numbers[9], numbers[10], numbers[11], numbers[12], numbers[13]
    place, still, fires = np.empty((3, pixels + 1), np.int64)
    v, k, wait, x, drive = np.empty((5, pixels), _F)
    grown, total, spikes = np.empty(pixels, _F), np.empty(width, _F), np.empty(width, np.int64)
    resting = np.zeros(pixels, np.bool_)
    potential, current, adaptation, hold, trace = outputs
    for m in range(n):
        # pixels that fire first, then those that only move, then those at rest
        image, rate = images[m], rates[m]
        firing = moving = quiet = 0
        for i in range(pixels):
            one = _F(image[i]) * (gain / _F(255)) + bias
            if one > _ONE:
                place[firing], drive[firing] = i, one
                firing += 1
        moving = firing
        for i in range(pixels):
            one = _F(image[i]) * (gain / _F(255)) + bias
            if one <= _ONE:
                if image[i] == 0 and resting[i]:
                    still[quiet] = i
                    quiet += 1
                else:
                    place[moving], drive[moving] = i, one
                    moving += 1
        for z in range(moving):
            i = place[z]
            v[z], k[z], wait[z], x[z] = inputs[0, i], inputs[1, i], inputs[2, i], inputs[3, i]
        spikes[:] = 0
        for _ in range(steps):
            for z in range(moving):
                waits = wait[z] > _ZERO
                v[z] += (drive[z] - v[z]) * (_ZERO if waits else k[z])
                k[z] = k[z] if waits else full
                wait[z] = wait[z] - _ONE if waits else _ZERO
            total[:] = _ZERO
            fired = 0
            for z in range(firing):  # without a branch, which nobody could foresee
                fires[fired] = z
                fired += v[z] > _ONE
            for f in range(fired):
                z = fires[f]
                k[z] = (v[z] - _ONE) / (drive[z] - _ONE)  # the rest of the step behind the spike, after the pause
                v[z] = _MINUS
                wait[z] = refractory
                fires[f] = place[z]
            fours = fired - fired % 4
            for f in range(0, fours, 4):
                a, b, c, d = weights[fires[f]], weights[fires[f + 1]], weights[fires[f + 2]], weights[fires[f + 3]]
                for j in range(width):
                    total[j] = total[j] + a[j] + b[j] + c[j] + d[j]
            for f in range(fours, fired):
                a = weights[fires[f]]
                for j in range(width):
                    total[j] += a[j]
            if kind == STDP:
                for z in range(moving):
                    x[z] = _ONE if v[z] == _MINUS and wait[z] == refractory else x[z] * pre
                for j in range(width):
                    trace[j] *= post
                    if trace[j] > TRACED:
                        for z in range(firing):
                            if x[z] == _ONE:
                                i = place[z]
                                w = weights[i, j] - rate * law[1] * trace[j] * np.exp(-law[3] * (_ONE - weights[i, j]))
                                weights[i, j] = max(w, _ZERO)
                                tally[3] += 1
            tally[1] += fired
            base = low * _F(fired)
            for j in range(width):
                current[j] = current[j] * leak + (total[j] * (_ONE - low) + base) * fresh
                waits = hold[j] > _ZERO
                moved = potential[j] + (current[j] - adaptation[j] - potential[j]) * rise
                potential[j] = _ZERO if waits else moved
                hold[j] = hold[j] - _ONE if waits else _ZERO
                adaptation[j] *= fade
            winner, most = -1, _ONE
            for j in range(width):
                if potential[j] > most:
                    winner, most = j, potential[j]
            if winner >= 0:
                tally[0] += 1
                counts[m, winner] += 1
                potential[:] = _ZERO
                hold[:] = held
                adaptation[winner] += increment
                if kind != NONE:
                    trace[winner] = _ONE
                    spikes[winner] += 1
                    tally[2] += pixels
                    _learn(kind, place, moving, v, x, weights, winner, rate, law, cells, grown)
        if kind != NONE:
            for j in range(width):
                if spikes[j]:
                    if kind == VDSP:
                        step = rate * _excess(bias)
                        left = _F((_ONE - step) ** spikes[j])
                        if bias < _ZERO:
                            for z in range(quiet):
                                weights[still[z], j] = _ONE - (_ONE - weights[still[z], j]) * left
                        else:
                            for z in range(quiet):
                                weights[still[z], j] *= left
                    else:
                        for z in range(quiet):
                            v[moving + z], x[moving + z] = bias, _ZERO
                        for _ in range(spikes[j]):
                            _learn(kind, still, quiet, v[moving:], x[moving:], weights, j, rate, law, cells, grown)
        for z in range(moving):
            i = place[z]
            at_rest = image[i] == 0 and abs(v[z] - bias) <= RESTING and wait[z] == _ZERO and x[z] <= TRACED
            resting[i] = at_rest
            if at_rest:
                v[z], x[z] = bias, _ZERO
            inputs[0, i], inputs[1, i], inputs[2, i], inputs[3, i] = v[z], k[z], wait[z], x[z]


present = shared(kept(error_model="numpy", nogil=True)(_present), "winner_loop.present")
"""As `_present`, compiled."""
