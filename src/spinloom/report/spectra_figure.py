"""Spectra as a network receives them, and how far training moved the resonators that began at each frequency."""

from collections.abc import Sequence

import torch
from matplotlib.figure import Figure

from spinloom.data import SpectraSet
from spinloom.nn.radio import Band, plan
from spinloom.report.style import BLUE, TEXT, canvas, label


def draw_spectra(train: SpectraSet, moved: Sequence[float]) -> Figure:
    """Mean spectra by class against the network's input frequencies (MHz), shifts of the resonators below."""
    figure, (above, below) = canvas(1, 2, height=6.4, ratios=(2.2, 1))
    megahertz = (1e-6 * plan("linear", train.values.shape[1], Band())).numpy()
    chosen = [train.values[train.labels == label] for label in range(len(train.classes))]
    rows = torch.stack([part.mean(0) if len(part) else torch.zeros(train.values.shape[1]) for part in chosen])
    decibels = (10 * rows.clamp(min=1e-4).log10()).numpy()
    above.grid(False)
    picture = above.pcolormesh(
        megahertz, range(len(rows)), decibels, cmap="viridis", vmin=-25, vmax=0, shading="nearest", rasterized=True
    )
    above.invert_yaxis()
    above.set_yticks(range(len(rows)), train.classes)
    shown = figure.colorbar(picture, ax=above, pad=0.01)
    shown.set_label("power (dB of 1 µW)", fontsize=TEXT)
    label(above, "Mean spectra of the classes", "", "")
    below.plot(megahertz, moved, color=BLUE, linewidth=1.6)
    below.set_ylim(bottom=0)
    below.set_xlim(float(megahertz[0]), float(megahertz[-1]))
    label(below, "Shift of the resonances", "initial frequency (MHz)", "linewidths")
    return figure
