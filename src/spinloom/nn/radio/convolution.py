"""A convolution whose weights are resonance frequencies: windows of pixels, detunings, the layer in two layouts."""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from spinloom.errors import InputError, SpinloomWarning, require_count, require_sign, unknown_name
from spinloom.nn.radio.chains import SENSITIVITY, ChainLayer, alternating, require_power, starts
from spinloom.nn.radio.layer import RESOLVED, Band, plan
from spinloom.nn.radio.resonance import chain_weights
from spinloom.seeding import Seed

LAYOUTS = ("sequential", "parallel")
BLOCK = 1 << 22
"""Weights that exist at a time while powers are multiplied by them."""


@dataclass(frozen=True)
class Windows:
    """Geometry of a convolution: square kernel, one stride and one padding for both directions.

    Raises InputError for sizes that cannot be.
    """

    channels: int
    kernel: int
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        require_count(1, channels=self.channels, kernel=self.kernel, stride=self.stride)
        require_count(0, padding=self.padding)
        if self.padding >= self.kernel:
            windows = f"windows of kernel {self.kernel}"
            raise InputError(f"a padding of {self.padding} leaves {windows} without a pixel; use less than it")

    @property
    def taps(self) -> int:
        """Pixels of one window, over all channels."""
        return self.channels * self.kernel**2

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of positions. Raises InputError where the kernel is larger than the padded image."""
        if min(height, width) < 1 or self.kernel > min(height, width) + 2 * self.padding:
            given = f"an image of {height} x {width} with a padding of {self.padding}"
            remedy = "use a smaller kernel, a larger image or more padding"
            raise InputError(f"a kernel of {self.kernel} does not fit into {given}; {remedy}")
        rows, columns = ((side + 2 * self.padding - self.kernel) // self.stride + 1 for side in (height, width))
        return rows, columns

    def pixels(self, height: int, width: int) -> Tensor:
        """Index of the pixel (of channels x height x width, flattened) under every tap, (positions, taps), int64.

        Taps in the order of `torch.nn.Conv2d`: channel, row, column. -1 where a tap lies in the padding.
        """
        self.output(height, width)
        index = torch.arange(self.channels * height * width, dtype=torch.float64).view(1, self.channels, height, width)
        padded = F.pad(index, (self.padding,) * 4, value=-1.0)
        return F.unfold(padded, self.kernel, stride=self.stride)[0].T.long()


def detunings(weights: Tensor, linewidth: float) -> Tensor:
    """Shifts (half linewidths of the initial frequency) that give one resonator, alone, these weights at its input.

    weights: in units of the sensitivity, sign of the resonator in the chain included. Beyond -1 to 1, which no
    resonator reaches, the nearest weight is taken. The smaller of the two shifts is returned. Inverse of
    2 x / (1 + x^2), x = (exp(-linewidth shift) - 1) / linewidth the distance in half linewidths.
    """
    held = weights.clamp(-1, 1)
    x = held / (1 + (1 - held.square()).sqrt())
    return -torch.log1p(linewidth * x) / linewidth


class RFConv2d(ChainLayer):
    """Powers (batch, in_channels, height, width), W -> voltages of chains (batch, out_channels, rows, columns), V.

    Filters are chains of spin-diode resonators, a resonator for every tap (in_channels x kernel x kernel), and what a
    resonator is worth is set by its frequency (Leroux et al., Neuromorphic Comput. Eng. 2, 034002 (2022), arXiv
    2111.04961). Only the abstract of that paper could be read, so this is our reading of its two layouts:

    "sequential": the window slides over the image in time. Every tap has its frequency, the powers under the window are
        sent at once, each at the frequency of its tap, and every filter is one chain: out_channels x taps resonators.
        This equals an ordinary convolution, whose weights include the tails of all resonators of the chain.
    "parallel": all windows at once. Every pixel of the image (channel, row, column) has its frequency, and every filter
        has one chain for every position, whose resonators stand at the frequencies of the pixels in its window,
        moved by detunings which all positions share: a shared weight is tuned once. All chains receive the whole
        image; what a resonator gives for a pixel that is not its own is a sneak path, which falls as one over the
        distance in linewidths. A tap in the padding has no resonator.

    With frequencies many linewidths apart both give the same. `parallel()` carries a trained sequential layer over.

    kernel_size, stride, padding: as in `torch.nn.Conv2d`, square. image: (height, width), for the parallel layout.
    kind, band, per_linewidth: plan of the frequencies, see `plan`; more than `per_linewidth` of them in one
        linewidth are refused. frequency: own ones instead, Hz, (taps,) or (in_channels * height * width,).
    resonators: of one chain, on a grid of their own (default: one for every tap; sequential layout only).
    linewidth, sensitivity (V/W), absorption, bias, shift, offset, step, seed: as in `ResonatorChains`.
    dtype: of frequencies. float32 resolves them to 6e-8: take float64 for linewidths below 1e-4. Weights are cast to
        the type of the powers.

    Parameters: `shift` (out_channels, resonators), in half linewidths, f = f_initial exp(step shift); `offset`
    (out_channels,), in units of sensitivity times 1 uW. Non-idealities: see `RadioLayer`; every resonator of the
    hardware has its own, so that positions of the parallel layout differ. Gradients reach both and the powers, once.

    Raises InputError for an unknown layout, a kernel larger than the image, frequencies outside the band or not
    resolved by it, negative powers, or shapes that do not fit.
    """

    amplitudes: Tensor
    """Sign of each resonator along its chain, (places, resonators); 0 where a tap has none."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        *,
        layout: str = "sequential",
        image: tuple[int, int] | None = None,
        kind: str = "geometric",
        band: Band | None = None,
        per_linewidth: float = RESOLVED,
        frequency: Tensor | None = None,
        resonators: int | None = None,
        linewidth: float = 0.01,
        sensitivity: float = SENSITIVITY,
        absorption: float = 0.0,
        bias: bool = True,
        seed: Seed = 0,
        shift: float = 0.1,
        offset: float = 1e-5,
        step: float | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        windows = Windows(in_channels, kernel_size, stride, padding)
        if layout not in LAYOUTS:
            raise unknown_name("layout", layout, LAYOUTS)
        if out_channels < 1:
            raise InputError(f"a convolution needs at least one filter, got {out_channels}")
        if (layout == "parallel") != (image is not None):
            raise InputError("give image=(height, width) with the parallel layout, and only there")
        if resonators is not None and (layout == "parallel" or resonators < 1):
            rule = (
                f"a parallel chain has one resonator for each of its {windows.taps} taps, a sequential one any number"
            )
            raise InputError(f"{rule} >= 1; got {resonators}")
        lines = windows.taps if image is None else in_channels * image[0] * image[1]
        band = band or Band()
        if frequency is None:
            frequency = plan(kind, lines, band, linewidth, per_linewidth)
        elif tuple(frequency.shape) != (lines,):
            rule = f"frequencies must be ({lines},), one for every tap (sequential) or pixel (parallel)"
            raise InputError(f"{rule}, got {tuple(frequency.shape)}")
        band.check("input frequencies", frequency)
        own = frequency if resonators is None else plan(kind, resonators, band)
        places, present = own[None], torch.ones(1, len(own))
        if image is not None:
            pixels = windows.pixels(*image)
            places, present = frequency[pixels.clamp(min=0)], (pixels >= 0).float()
        require_sign("", "positive", step=linewidth if step is None else step)
        require_sign("", "non-negative", shift=shift, offset=offset)
        super().__init__(frequency, places, linewidth, sensitivity, absorption, step, dtype)
        self.members, self.windows, self.layout, self.image = (), windows, layout, image
        self.taps = windows.taps
        self.register_buffer("amplitudes", (alternating(places.shape[1]) * present).to(dtype))
        shifts, offsets = starts((out_channels, places.shape[1]), [seed])
        self.shift = nn.Parameter((shift * linewidth / self.step * shifts).to(dtype))
        scale = offset / (sensitivity * self.power_unit) if bias else 0.0
        self.offset = nn.Parameter((scale * offsets).to(dtype), requires_grad=bias)

    def weights(self) -> Tensor:
        """V/W: (out_channels, in_channels, kernel, kernel) or, parallel, of every chain for every pixel of the image,
        sneak paths included, (out_channels, rows, columns, in_channels, height, width)."""
        shape: tuple[int, ...] = (self.windows.channels, self.windows.kernel, self.windows.kernel)
        if self.image is not None:
            shape = (*self.windows.output(*self.image), self.windows.channels, *self.image)
        return self.rows().view(self.chains, *shape)

    def forward(self, power: Tensor) -> Tensor:
        if power.ndim != 4 or power.shape[1] != self.windows.channels:
            given = tuple(power.shape)
            raise InputError(f"the layer takes powers (batch, {self.windows.channels}, height, width), got {given}")
        height, width = power.shape[2:]
        if self.image is not None and (height, width) != tuple(self.image):
            raise InputError(f"the parallel layout was planned for images of {self.image}, got {height} x {width}")
        size = self.windows.output(height, width)
        require_power(power)
        if self.image is None:
            weights, bias = self.weights().to(power.dtype), self.bias().to(power.dtype)
            voltage = F.conv2d(power, weights, bias, self.windows.stride, self.windows.padding)
        else:
            voltage = self.multiply(power.flatten(1)).unflatten(2, size) + self.bias().to(power.dtype)[:, None, None]
        return self.noisy(voltage, self.imperfections.voltage_noise(self.resonators))

    def parallel(self, image: tuple[int, int], **changed: Any) -> "RFConv2d":
        """This sequential layer in the parallel layout for images of this size: detunings chosen for its weights.

        changed: whatever the new plan needs (band, kind, linewidth, per_linewidth, frequency, sensitivity, dtype).
        Every resonator is detuned as if it were alone with its own pixel, so what remains are the sneak paths and
        weights beyond the sensitivity, held there with a SpinloomWarning. Raises InputError as the layer does.
        """
        if self.layout != "sequential":
            raise InputError("only a sequential layer can be carried over; this one is parallel already")
        given = {"linewidth": self.linewidth, "sensitivity": self.sensitivity, "absorption": self.absorption, **changed}
        made = RFConv2d(
            self.windows.channels, self.chains, self.windows.kernel, self.windows.stride, self.windows.padding,
            layout="parallel", image=image, bias=self.offset.requires_grad, **given,
        )  # fmt: skip
        with torch.no_grad():
            wanted = self.weights().flatten(1).double() / made.sensitivity
            beyond = int((wanted.abs() > 1 + 1e-6).sum())
            if beyond:
                held = f"{beyond} of {wanted.numel()} weights exceed the sensitivity of a resonator and are held there"
                warnings.warn(held, SpinloomWarning, stacklevel=2)
            signs = alternating(wanted.shape[1]).to(wanted.device)
            made.shift.copy_(detunings(wanted * signs, made.linewidth) * (made.linewidth / made.step))
            made.offset.copy_(self.offset * (self.sensitivity / made.sensitivity))
        return made

    def count_devices(self) -> int:
        """Resonators; a tap of a filter that lies in the padding has none."""
        return self.chains * int((self.amplitudes != 0).sum())

    def rows(self, places: slice = slice(None)) -> Tensor:
        """Weights of the chains at these places, V/W, (chains, places, inputs)."""
        resonance = self.scaled_resonances(places)
        linewidth = self.linewidth * self._at("linewidth_factor", places)
        amplitude = self.amplitudes[places] * (self.sensitivity * self._at("sensitivity_factor", places))
        absorption = self.absorption * self.amplitudes[places].abs() if self.absorption else None
        given = (resonance, linewidth * resonance, amplitude.expand_as(resonance))
        deplete = () if absorption is None else (absorption.expand_as(resonance),)
        found = chain_weights(self.scaled_inputs(), *(tensor.flatten(0, 1) for tensor in (*given, *deplete)))
        return found.view(*resonance.shape[:2], -1)

    def multiply(self, power: Tensor) -> Tensor:
        """Powers (batch, inputs), W -> V of all chains, (batch, chains, places).

        In blocks of places, whose weights are made again for backward: memory does not grow with the image.
        """

        def block(power: Tensor, first: int, last: int) -> Tensor:
            return torch.einsum("bi,cpi->bcp", power, self.rows(slice(first, last)).to(power.dtype))

        size = max(1, BLOCK // (self.chains * len(self.inputs)))
        edges = range(0, len(self.places), size)
        run = partial(checkpoint, block, use_reentrant=False) if torch.is_grad_enabled() else block
        return torch.cat([run(power, first, first + size) for first in edges], 2)

    def scaled_resonances(self, places: slice = slice(None)) -> Tensor:
        return self.places[places] * self._at("resonance_factor", places) * (self.step * self.shift[:, None]).exp()

    def _at(self, name: str, places: slice) -> float | Tensor:
        factor = self.factor(name)
        return factor[:, places] if isinstance(factor, Tensor) else 1.0

    def extra_repr(self) -> str:
        w = self.windows
        image = f", image={self.image}" if self.image else ""
        sizes = f"{w.channels}, {self.chains}, kernel_size={w.kernel}, stride={w.stride}, padding={w.padding}"
        rest = f"layout={self.layout!r}{image}, resonators={self.resonators}, linewidth={self.linewidth:g}"
        return f"{sizes}, {rest}"
