"""A device population's curves on a uniform grid of network input, laid out for one look-up per neuron."""

import math
from dataclasses import dataclass

import numpy as np
import torch

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.nn.activation.affine import TANH, Affine

TOLERANCE = 1e-4
"""Largest deviation of the table from the response's own points, as a fraction of the range of its values."""
_MOST_CELLS = 4096


@dataclass(frozen=True)
class Table:
    """Piecewise linear curves of all devices; the last row is the nominal device (mean, noise root mean square).

    curves: (devices + 1, cells, 4): value and its rise over the cell, slope and its rise. The four numbers of one cell
        lie side by side, so that a neuron touches one cache line.
    noise: (devices + 1, cells, 2): standard deviation of a read and its rise.
    grid: (2,): lowest network input and cells per unit of network input.
    slope_noise: (devices + 1, cells, 2): the same of the slope.
    affine: from the network input to the device and back; the curves contain it.
    error: largest deviation from the response at its points, as a fraction of the range (value, noise) or of the
        largest slope. Exactly what rounding leaves for an evenly sampled response: its points become the grid.
    """

    curves: torch.Tensor
    noise: torch.Tensor
    grid: torch.Tensor
    slope_noise: torch.Tensor
    affine: Affine
    error: float


def tabulate(response: Response, affine: Affine = TANH) -> Table:
    """The float32 table of a response seen through an affine. Give it to several layers and they share its memory.

    Raises InputError if they are something else.
    """
    for given, kind in ((response, Response), (affine, Affine)):
        if not isinstance(given, kind):
            raise InputError(f"devices are made from a Response and an Affine, got {given!r}; give a {kind.__name__}")
    inputs = response.inputs.detach().cpu().double().numpy()
    everyone, average = response, response.nominal()
    rows = [
        torch.cat([getattr(everyone, name), getattr(average, name)]).detach().cpu().double().numpy()
        for name in ("value", "slope", "noise", "slope_noise")
    ]
    grid, error = _uniform_grid(inputs, rows)
    value, slope, noise, slope_noise = (_resampled(grid, inputs, curves) for curves in rows)
    value = affine.output_offset + affine.output_gain * value
    noise, slope_noise = abs(affine.output_gain) * noise, abs(affine.gain) * slope_noise
    low = grid[0] / affine.input_gain + affine.input_centre
    density = (len(grid) - 1) / (grid[-1] - grid[0]) * affine.input_gain
    cells = [np.stack((of[:, :-1], np.diff(of)), -1) for of in (value, affine.gain * slope, noise, slope_noise)]
    arrays = (np.concatenate(cells[:2], -1), cells[2], np.array([low, density]), cells[3])
    curves, noises, place, slope_noises = (torch.from_numpy(array.astype(np.float32)) for array in arrays)
    return Table(curves, noises, place, slope_noises, affine, error)


def _uniform_grid(inputs: np.ndarray, rows: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """The coarsest even grid that keeps to TOLERANCE; an evenly sampled response is its own grid."""
    cells = len(inputs) - 1
    while True:
        grid, error = np.linspace(inputs[0], inputs[-1], cells + 1), 0.0
        for curves in rows:
            # both curves are piecewise linear: their difference is largest at a point of one of them
            back = _resampled(inputs, grid, _resampled(grid, inputs, curves))
            scale = max(float(np.ptp(curves)), float(np.abs(curves).max()) * 1e-3, np.finfo(float).tiny)
            error = max(error, float(np.abs(back - curves).max()) / scale)
        if error <= TOLERANCE or 2 * cells > max(_MOST_CELLS, len(inputs) - 1):
            return grid, error
        cells *= 2


def _resampled(at: np.ndarray, inputs: np.ndarray, curves: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(at, inputs, curve) for curve in curves])


SHARINGS = ("unit", "channel", "shared")


def count_units(sharing: str, shape: tuple[int, ...]) -> int:
    """Devices that a layer over units of `shape` needs. Raises InputError for a sharing that the shape cannot have."""
    if sharing == "shared":
        return 1
    if sharing == "channel":
        if not shape:
            raise InputError('sharing="channel" needs input (batch, channels, ...), got (batch,)')
        return shape[0]
    return math.prod(shape)


def draw_devices(sharing: str, shape: tuple[int, ...], population: int, source: torch.Generator) -> torch.Tensor:
    """The device of each unit (or channel, or layer), (count,) int32.

    Without replacement if the population is large enough, else independent draws.
    """
    count = count_units(sharing, shape)
    if count <= population:
        return torch.randperm(population, generator=source)[:count].int()
    return torch.randint(population, (count,), generator=source, dtype=torch.int32)


def rows_of_units(devices: torch.Tensor, sharing: str, shape: tuple[int, ...]) -> torch.Tensor:
    """`devices` spread over the flattened units, (units,)."""
    if sharing == "shared":
        return devices.repeat(math.prod(shape))
    return devices.repeat_interleave(math.prod(shape[1:])) if sharing == "channel" else devices
