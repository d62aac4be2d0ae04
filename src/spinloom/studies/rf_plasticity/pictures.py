"""The figures of the study with their captions."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinloom.data import ImageSet
from spinloom.evaluation import Population
from spinloom.nn.radio import Band
from spinloom.report import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    Plot,
    canvas,
    draw_input_frequencies,
    draw_resonators,
    label,
    legend,
)
from spinloom.studies.rf_plasticity.listing import LABELS, curves
from spinloom.studies.rf_plasticity.measurements import Found

STYLES = {
    "trained": (PURPLE, "o", "-"),
    "fixed": (ORANGE, "s", "-"),
    "rigl": (GREEN, "^", "--"),
    "set": ("#56B4E9", "v", "--"),
    "pruned": (BLUE, "D", ":"),
    "static": ("#E69F00", "x", ":"),
}
PUBLISHED = (98.72, 88.83)
"""Per cent removed and per cent right, with trained inputs."""


def plots(found: Found, train: ImageSet, band: Band) -> tuple[Plot, ...]:
    """All figures in the order of the report."""
    inputs = train.images[0].numel()
    means = train.as_float(normalise=False)
    mean = [means[train.labels == number].mean((0, 1)) for number in range(len(train.classes))]
    fixed, trained = found.maps["fixed"], found.maps["trained"]
    drawn = [
        Plot(
            "accuracy-removed",
            "Accuracy against the share of synapses that is not there. Full lines: chains of resonators; broken ones: "
            "software perceptrons with as many weights.",
            draw_removed(found, inputs, train.name == "mnist"),
        ),
        Plot(
            "accuracy-damping",
            "Chains of few resonators with trained input frequencies: training at the line of the device, and with a "
            "line that narrows to it.",
            draw_dampings(found),
        ),
    ]
    if train.shape[0] == 1:
        caption = (
            "Where the resonators of each class ended, drawn at the pixel whose frequency is nearest, on the mean "
            "image of the class. Orange ones are head to tail with blue ones."
        )
        drawn.append(Plot("resonators-fixed", caption, draw_resonators(fixed.inputs, fixed.resonances, mean, "fixed")))
        drawn.append(
            Plot("resonators-trained", caption, draw_resonators(trained.inputs, trained.resonances, mean, "trained"))
        )
        caption = "The frequency that training gave every pixel, and the resonances of the chains on the same axis."
        figure = draw_input_frequencies(trained.inputs, trained.resonances, train.shape[1:], (band.low, band.high))
        drawn.append(Plot("input-frequencies", caption, figure))
    return tuple(drawn)


def draw_removed(found: Found, inputs: int, published: bool) -> Figure:
    """The curves of all kinds of networks; the axis is logarithmic in what is left."""
    figure, (axis,) = canvas(height=5.0)
    for name, points in curves(found).items():
        colour, marker, line = STYLES[name]
        _curve(axis, {n / inputs: group for n, group in points.items()}, colour, marker, line, LABELS[name])
    axis.axhline(100 * found.dense.mean, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="dense perceptron")
    if published:
        axis.plot(
            1 - PUBLISHED[0] / 100, PUBLISHED[1], "*", color=PURPLE, markersize=15, label="published, inputs trained"
        )
    axis.set_xscale("log")
    axis.invert_xaxis()
    counts = sorted(found.trained)
    axis.set_xticks([n / inputs for n in counts], [f"{100 * (1 - n / inputs):.4g}\n({n})" for n in counts])
    axis.minorticks_off()
    label(
        axis,
        "Few synapses that find their place",
        "synapses removed (%), in brackets synapses per class",
        "accuracy (%)",
    )
    worst = min(100 * group.mean for points in curves(found).values() for group in points.values())
    axis.set_ylim(max(0.0, worst - 4), 96)
    legend(axis, "lower left")
    return figure


def draw_dampings(found: Found) -> Figure:
    figure, (axis,) = canvas(height=4.2)
    for (name, points), colour, marker in zip(found.dampings.items(), (PURPLE, GREY), ("o", "s"), strict=True):
        _curve(axis, points, colour, marker, "-", name)
    axis.set_xscale("log")
    label(
        axis,
        "What narrowing the line is worth",
        "damping of the resonators (half linewidth / frequency)",
        "accuracy (%)",
    )
    legend(axis)
    return figure


def _curve(axis: Axes, points: Mapping[Any, Population], colour: str, marker: str, line: str, name: str) -> None:
    values = sorted(points)
    means = [100 * points[value].mean for value in values]
    errors = [100 * points[value].deviation for value in values]
    axis.errorbar(values, means, errors, color=colour, marker=marker, linestyle=line, capsize=3, label=name)
