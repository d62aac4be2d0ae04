"""The figures of the study."""

import torch
from matplotlib.figure import Figure

from spinloom.data import SpectraSet
from spinloom.evaluation import Population
from spinloom.nn.radio import Band, plan
from spinloom.report import BLUE, TEXT, Plot, canvas, draw_confusion, draw_learning, draw_spread, label
from spinloom.studies.rf_drones.measurements import Measured
from spinloom.studies.rf_drones.ways import TITLES


def plots(found: Measured, train: SpectraSet, test: SpectraSet) -> tuple[Plot, ...]:
    """All figures, in the order of the report."""
    networks = {"spintronic": found.spintronic, "software": found.software}
    learning = draw_learning(
        {name: (one.epochs, one.curve) for name, one in networks.items()}, "Test accuracy while learning"
    )
    seeds = len(found.spintronic.accuracies)
    matrix = draw_confusion(
        found.spintronic.confusion, test.classes, f"Spintronic network, {len(test)} test spectra, %"
    )
    spread = draw_spread(
        {
            **{TITLES[way]: points for way, points in found.trained.items()},
            "moved without retraining": found.deployed,
        },
        Population(found.spintronic.accuracies),
        1 / len(test.classes),
    )
    return (
        Plot(
            "learning",
            "Accuracy on the test spectra against epoch. Lines: mean of the seeds; bands: one standard deviation; "
            "dotted: the best and the worst seed.",
            learning,
        ),
        Plot(
            "confusion",
            f"What the spintronic network says (columns) of the spectra of every class (rows), in per cent, mean of "
            f"{seeds} seeds over the whole test set. Colours follow the square root.",
            matrix,
        ),
        Plot(
            "spread",
            "Input frequencies, resonances and oscillator powers spread alike. Bars: standard deviation of the seeds.",
            spread,
        ),
        Plot(
            "spectra",
            "Above, the mean training spectrum of every class as the network receives it. Below, how far training "
            "moved the resonators that began at each frequency (root mean square over the first layer and the seeds).",
            draw_spectra(train, found.moved),
        ),
    )


def draw_spectra(train: SpectraSet, moved: tuple[float, ...]) -> Figure:
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
