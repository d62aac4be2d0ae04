"""Pictures of sparse chains: which resonator ended at which input, drawn on the image plane."""

import math
from collections.abc import Sequence

import torch
from matplotlib.figure import Figure

from spinloom.errors import InputError
from spinloom.report.style import BLUE, GREY, ORANGE, TEXT, canvas, label


def nearest_inputs(inputs: torch.Tensor, resonances: torch.Tensor) -> torch.Tensor:
    """Index of the input whose frequency is nearest in ratio, like `resonances`. inputs: (inputs,), all in one unit."""
    return (resonances.log().unsqueeze(-1) - inputs.log()).abs().argmin(-1)


def draw_resonators(
    inputs: torch.Tensor, resonances: torch.Tensor, images: Sequence[torch.Tensor], title: str = ""
) -> Figure:
    """A panel for every chain: its resonators at the pixels of their frequencies, on an image.

    inputs: (height * width,), Hz. resonances: (chains, resonators), Hz, signs alternating along the chain. images: one
    (height, width) for every chain, such as the mean of its class. Raises InputError for shapes that do not fit.
    """
    chains = len(resonances)
    if len(images) != chains or inputs.ndim != 1 or images[0].numel() != len(inputs):
        raise InputError(
            f"{chains} chains need {chains} images of {len(inputs)} pixels, got {len(images)} of {images[0].numel()}"
        )
    columns = min(5, chains)
    rows = math.ceil(chains / columns)
    figure, axes = canvas(columns, rows, height=2.15 * rows + 0.5)
    at = nearest_inputs(inputs, resonances)
    width = images[0].shape[1]
    for number, axis in enumerate(axes):
        axis.set_axis_off()
        if number >= chains:
            continue
        axis.imshow(images[number], cmap="Greys", vmin=0, vmax=1.6 * float(images[number].max()))
        for first, colour in ((0, ORANGE), (1, BLUE)):
            places = at[number, first::2]
            axis.scatter(places % width, places // width, s=42, color=colour, edgecolors="white", linewidths=0.8)
        axis.set_title(f"chain {number}", fontsize=TEXT)
    figure.suptitle(
        f"Resonators at their inputs{f', inputs {title}' if title else ''}", fontsize=TEXT + 1, fontweight="bold"
    )
    figure.legend(
        handles=[axes[0].scatter([], [], s=42, color=colour, label=text) for colour, text in _SIGNS],
        loc="outside lower center", ncols=2, frameon=False, fontsize=TEXT - 1,
    )  # fmt: skip
    return figure


_SIGNS = ((ORANGE, "+ above its resonance, - below"), (BLUE, "connected the other way: - above, + below"))


def draw_input_frequencies(
    inputs: torch.Tensor, resonances: torch.Tensor, shape: tuple[int, int], band: tuple[float, float]
) -> Figure:
    """Frequency of every pixel as an image, and the resonances of the chains beside it, in one colour scale, Hz."""
    figure, (left, right) = canvas(2, height=4.6)
    megahertz = inputs.view(shape) / 1e6
    limits = {"cmap": "viridis", "norm": "log", "vmin": band[0] / 1e6, "vmax": band[1] / 1e6}
    shown = left.imshow(megahertz, **limits)  # type: ignore[arg-type]
    left.grid(False)
    label(left, "Frequency of every input", "", "")
    left.set_xticks([])
    left.set_yticks([])
    bar = figure.colorbar(shown, ax=left, shrink=0.85)
    ticks = [t for t in (1, 2, 5, 10, 20, 40, 80, 120, 200, 500, 1000) if band[0] <= 1e6 * t <= band[1]]
    bar.set_ticks(ticks, labels=[str(t) for t in ticks])
    bar.ax.minorticks_off()
    bar.set_label("MHz", fontsize=TEXT)
    right.plot(inputs / 1e6, torch.full_like(inputs, -1.0), "|", color=GREY, alpha=0.4, markersize=12)
    for number, row in enumerate(resonances):
        for first, colour in ((0, ORANGE), (1, BLUE)):
            right.plot(row[first::2] / 1e6, torch.full_like(row[first::2], number), "o", color=colour, markersize=5)
    right.set_xscale("log")
    right.set_xticks(ticks, [str(t) for t in ticks])
    right.minorticks_off()
    right.set_yticks([-1, *range(len(resonances))], ["inputs", *map(str, range(len(resonances)))])
    label(right, "Resonances of the chains", "frequency (MHz)", "chain")
    return figure
