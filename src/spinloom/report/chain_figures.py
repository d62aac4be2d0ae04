"""Filters of resonators: their weights, the chain that one of them is, and what its tails do in parallel."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinloom.nn.radio import RFConv2d, chain_weights
from spinloom.report.style import BLUE, GREY, ORANGE, TEXT, canvas, label, legend

SHOWN = 8
FINE = 4_001


def draw_filters(layer: RFConv2d) -> Figure:
    """Filters of a first layer as images, in units of the sensitivity; below, one as a chain: weight by frequency."""
    weights = layer.weights().detach()[:, 0] / layer.sensitivity
    figure, axes = canvas(1, 2, height=6.2, ratios=(1, 1.9))
    above, below = axes
    scale = float(weights.abs().max())
    above.set_axis_off()
    shown = min(SHOWN, len(weights))
    picked = int(weights.flatten(1).norm(dim=1)[:shown].argmax())
    image = None
    for number in range(shown):
        place = above.inset_axes((number / shown + 0.006, 0.0, 0.88 / shown, 0.86))
        image = place.imshow(weights[number].numpy(), cmap="RdBu_r", vmin=-scale, vmax=scale)
        place.set_xticks([])
        place.set_yticks([])
        place.set_title(f"{number + 1}", fontsize=TEXT - 1, color=BLUE if number == picked else GREY)
    label(above, "Learned filters of the first layer", "", "")
    assert image is not None
    bar = figure.colorbar(image, ax=above, fraction=0.02, pad=0.01)
    bar.set_label("weight (K)", fontsize=TEXT - 1)
    _chain(below, layer, picked)
    return figure


def _chain(axis: Axes, layer: RFConv2d, chain: int) -> None:
    """Weight of one chain against frequency, its taps and its resonances."""
    taps = layer.input_frequencies().detach().double()
    resonances = layer.resonances().detach()[chain, 0].double()
    fine = torch.logspace(float(taps.min().log10()) - 0.01, float(taps.max().log10()) + 0.01, FINE, dtype=torch.float64)
    signs = layer.amplitudes[0].double()
    unit = float(taps.max())
    curve = chain_weights(fine / unit, resonances[None] / unit, layer.linewidth * resonances[None] / unit, signs)[0]
    weights = layer.weights().detach()[chain].flatten() / layer.sensitivity
    axis.axhline(0, color=GREY, linewidth=0.8)
    megahertz, at, own = (f.numpy() / 1e6 for f in (fine, taps, resonances))
    axis.plot(megahertz, curve.numpy(), color=GREY, linewidth=1, label="weight of the chain at any frequency")
    axis.vlines(at, 0, weights.numpy(), color=BLUE, linewidth=1.2)
    axis.plot(at, weights.numpy(), "o", color=BLUE, markersize=5, label="taps: the filter's weights")
    axis.plot(own, [-1.32] * len(own), "|", color=ORANGE, markersize=11, mew=1.6,
              label="resonance frequencies")  # fmt: skip
    axis.set_xscale("log")
    axis.set_xticks([20, 30, 40, 60, 80, 120], ["20", "30", "40", "60", "80", "120"])
    axis.minorticks_off()
    axis.set_ylim(-1.45, 1.75)
    label(axis, f"Filter {chain + 1} as a chain of {layer.resonators} resonators", "frequency (MHz)", "weight (K)")
    axis.legend(loc="upper center", ncols=3, fontsize=TEXT - 1, frameon=False)


def draw_sneaks(sets: Mapping[str, tuple[Sequence[Mapping[str, Any]], float]]) -> Figure:
    """Errors of weights and accuracy of the parallel layout against the spacing of the pixels' frequencies.

    sets: by name of the images, points of spacing (linewidths), errors (of each convolution) and accuracy; and the
    accuracy of the sequential layout.
    """
    figure, (left, right) = canvas(2, height=4.4)
    for (title, (points, planned)), style, marker in zip(sets.items(), ("-", (0, (4, 2))), ("o", "s"), strict=False):
        spacing = [point["spacing"] for point in points]
        look: dict[str, Any] = {"linestyle": style, "marker": marker, "linewidth": 1.8}
        for number, colour in enumerate((BLUE, ORANGE)):
            errors = [point["errors"][number] for point in points]
            left.plot(spacing, errors, color=colour, label=f"{title}, layer {number + 1}", **look)
        right.axhline(100 * planned, color=GREY, linewidth=1.4, linestyle=style)
        right.plot(spacing, [100 * point["accuracy"] for point in points], color=BLUE, label=title, **look)
    right.plot([], [], color=GREY, linewidth=1.4, label="sequential layout")
    left.set_yscale("log")
    for axis in (left, right):
        axis.set_xscale("log")
    right.set_ylim(0, 102)
    label(left, "Error of the weights", "spacing of pixels (linewidths)", "relative error, all pixels")
    label(right, "Accuracy of the network", "spacing of pixels (linewidths)", "accuracy (%)")
    legend(left, "lower left")
    right.legend(loc="lower right", fontsize=TEXT - 1, frameon=False)
    return figure
