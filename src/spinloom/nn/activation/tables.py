"""What a device layer is made of: tables of its devices' curves, scale and shift around them, converters."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from spinloom.devices import Response
from spinloom.errors import InputError, require_finite


@dataclass(frozen=True)
class Affine:
    """activation(x) = output_offset + output_gain * device(input_gain * (x - input_centre)).

    All numbers are dimensionless (network units). The slope becomes output_gain * input_gain * slope(...), the noise
    output_gain * noise. Raises InputError unless all are finite, input_gain > 0 and output_gain not 0.
    """

    input_gain: float = 1.0
    input_centre: float = 0.0
    output_gain: float = 1.0
    output_offset: float = 0.0

    def __post_init__(self) -> None:
        require_finite("", **vars(self))
        if not self.input_gain > 0:
            raise InputError(f"input_gain must be > 0, got {self.input_gain:g}; negate the output instead")
        if self.output_gain == 0:
            raise InputError("output_gain must not be 0: the activation would be a constant, without devices")

    @property
    def gain(self) -> float:
        """Slope of the activation over slope of the device."""
        return self.output_gain * self.input_gain

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value of the activation where the device goes from -1 to 1."""
        half = abs(self.output_gain)
        return self.output_offset - half, self.output_offset + half


TANH: Affine = Affine()
SIGMOID = Affine(input_gain=0.5, output_gain=0.5, output_offset=0.5)
"""sigma(x) = (1 + tanh(x/2)) / 2, an identity."""


def hardtanh(low: float = -1.0, high: float = 1.0) -> Affine:
    """clip(x, low, high) as mid + half * device((x - mid) / half).

    An approximation: a tanh-like device rounds the two corners (off by up to 0.24 half-widths, at the corner).
    Raises InputError unless low < high.
    """
    if not low < high:
        raise InputError(f"hardtanh needs min_val < max_val, got {low:g} and {high:g}")
    middle, half = (low + high) / 2, (high - low) / 2
    return Affine(1 / half, middle, half, middle)


def affine_of(module: nn.Module) -> Affine:
    """The affine for a Tanh, Sigmoid or Hardtanh module."""
    if isinstance(module, nn.Sigmoid):
        return SIGMOID
    return hardtanh(module.min_val, module.max_val) if isinstance(module, nn.Hardtanh) else TANH


class ChannelAffine(nn.Module):
    """x (n, channels, ...) -> gain * x + offset, channel by channel, same shape.

    In front of neurons: the scale of each channel's drive, and the bias current of its neurons. gain, offset:
    (channels,), dimensionless; kept as buffers, which training does not change.
    Raises InputError unless both have the one same dimension.
    """

    gain: Tensor
    offset: Tensor

    def __init__(self, gain: Tensor, offset: Tensor) -> None:
        super().__init__()
        if gain.ndim != 1 or gain.shape != offset.shape:
            given = f"{tuple(gain.shape)} and {tuple(offset.shape)}"
            raise InputError(f"gain and offset must both have shape (channels,), got {given}")
        self.register_buffer("gain", gain.detach().clone())
        self.register_buffer("offset", offset.detach().clone())

    def forward(self, input: Tensor) -> Tensor:  # the name that batch norm has for it
        return (input.movedim(1, -1) * self.gain + self.offset).movedim(-1, 1)

    def extra_repr(self) -> str:
        return f"channels={self.gain.numel()}"


_MOST_BITS = 24
"""Beyond it float32 cannot tell the levels apart."""


@dataclass(frozen=True)
class Converters:
    """Resolution of the converters in bits, 1 to 24; None is a read without rounding.

    value: behind the forward read, full scale from the lowest to the highest output of the activation that the
    device stands for (-1 to 1 for tanh). slope: behind the gradient read, full scale from 0 to its largest slope, with
    the sign that the slopes have, or both. Reads beyond full scale give its end. Raises InputError for other numbers.
    """

    value: int | None = None
    slope: int | None = None

    def __post_init__(self) -> None:
        for name, bits in (("value", self.value), ("slope", self.slope)):
            if bits is not None and bits not in range(1, _MOST_BITS + 1):
                raise InputError(f"the {name} converter needs 1 to {_MOST_BITS} bits or None, got {bits!r}")


PLAIN: Converters = Converters()
"""Reads as they are."""


def quantised(reads: Tensor, scale: tuple[float, float], bits: int | None) -> Tensor:
    """Reads rounded to the nearest of 2**bits levels evenly from scale[0] to scale[1], both included."""
    if bits is None:
        return reads
    low, high = scale
    step = (high - low) / (2**bits - 1)
    wide = reads if reads.itemsize >= 4 else reads.float()  # half precision cannot count the levels
    return (((wide.clamp(low, high) - low) / step).round() * step + low).to(reads.dtype)


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

    curves: Tensor
    noise: Tensor
    grid: Tensor
    slope_noise: Tensor
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


def draw_devices(sharing: str, shape: tuple[int, ...], population: int, source: torch.Generator) -> Tensor:
    """The device of each unit (or channel, or layer), (count,) int32.

    Without replacement if the population is large enough, else independent draws.
    """
    count = count_units(sharing, shape)
    if count <= population:
        return torch.randperm(population, generator=source)[:count].int()
    return torch.randint(population, (count,), generator=source, dtype=torch.int32)


def rows_of_units(devices: Tensor, sharing: str, shape: tuple[int, ...]) -> Tensor:
    """`devices` spread over the flattened units, (units,)."""
    if sharing == "shared":
        return devices.repeat(math.prod(shape))
    return devices.repeat_interleave(math.prod(shape[1:])) if sharing == "channel" else devices
