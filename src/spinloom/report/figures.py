"""Figures of a network on devices: curves, accuracy against an imperfection, energy."""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.evaluation import BackwardMemory, InferenceCost, Population, SweepPoint
from spinloom.quantities import si
from spinloom.report.style import BLUE, GREEN, GREY, ORANGE, TEXT, canvas, label, legend

_THIN = 32
"""Single devices drawn, however many there are."""


def draw_curves(response: Response, fabricated: Response | None = None, noun: str = "junction") -> Figure:
    """The two curves of a device beside tanh and its gradient, with the residuals below.

    response: its mean device is drawn thick. fabricated: single devices drawn thin (default: those of `response`).
    noun: what one of them is called.
    """
    rows = fabricated or response
    figure, (value, slope, value_left, slope_left) = canvas(2, 2, height=5.6, ratios=(2.4, 1))
    x = response.inputs
    ideal = torch.tanh(x)
    gradient = 1 - ideal.square()
    nominal = response.nominal()
    _singles(value, rows.inputs, rows.value, noun)
    _singles(slope, rows.inputs, rows.slope, noun)
    _curve(value, nominal.value[0], nominal.noise[0], x, ideal, (noun, "tanh"))
    _curve(slope, nominal.slope[0], None, x, gradient, (noun, "1 - tanh²"))
    label(value, "Activation, as read", "", "output")
    label(slope, "Gradient, as read", "", "gradient")
    for axis, measured, wanted in (
        (value_left, nominal.value[0], ideal),
        (slope_left, nominal.slope[0], gradient),
    ):
        axis.axhline(0, color=GREY, linewidth=1)
        axis.plot(x, measured - wanted, color=BLUE)
        worst = float((measured - wanted).abs().max())
        label(axis, "", "network input (drive / unit drive)", "residual")
        axis.set_title(f"largest deviation {worst:.4f}", loc="right", fontsize=10, color=GREY)
    legend(value, "upper left")
    legend(slope, "upper left")
    return figure


def _singles(axis: Axes, x: torch.Tensor, rows: torch.Tensor, noun: str) -> None:
    """Thin, each at the inputs it was measured at."""
    if len(rows) > 1:
        axis.plot([], [], color=BLUE, alpha=0.4, linewidth=0.8, label=f"fabricated {noun}s")
        axis.plot(x, rows[:_THIN].T, color=BLUE, alpha=0.15, linewidth=0.8)


def _curve(
    axis: Axes,
    nominal: torch.Tensor,
    noise: torch.Tensor | None,
    x: torch.Tensor,
    ideal: torch.Tensor,
    names: tuple[str, str],
) -> None:
    if noise is not None and bool(noise.any()):
        axis.fill_between(
            x, nominal - noise, nominal + noise, color=BLUE, alpha=0.25, linewidth=0, label="noise of one read"
        )
    axis.plot(x, nominal, color=BLUE, linewidth=2, label=names[0])
    axis.plot(x, ideal, color=ORANGE, linewidth=1.6, linestyle=(0, (4, 3)), label=names[1])


def draw_sweep(points: Sequence[SweepPoint], software: float, title: str, x: str, scale: float = 100) -> Figure:
    """Accuracy against an imperfection: mean with standard deviation, worst instance, the software's line.

    scale: from the swept value to the axis (100 for per cent). software: accuracy of the software network, 0..1.
    Raises InputError without points.
    """
    if not points:
        raise InputError(f"there are no points to draw in {title!r}; sweep at least one value")
    figure, (axis,) = canvas(height=4.4)
    values = [scale * point.value for point in points]
    populations = [point.population for point in points]
    axis.axhline(100 * software, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="software network")
    axis.errorbar(
        values,
        [100 * p.mean for p in populations],
        yerr=[100 * p.deviation for p in populations],
        color=BLUE,
        marker="o",
        linewidth=2,
        capsize=4,
        label="mean of instances, ± standard deviation",
    )
    axis.plot(
        values,
        [100 * p.worst for p in populations],
        color=ORANGE,
        marker="v",
        linestyle=":",
        linewidth=1.6,
        label="worst instance",
    )
    instances = len(populations[0].accuracies)
    label(axis, f"{title} ({instances} instances each)", x, "accuracy (%)")
    axis.set_ylim(
        *_range([software, *(v for p in populations for v in (p.worst, p.mean - p.deviation, p.mean + p.deviation))])
    )
    legend(axis)
    return figure


def _range(shares: Sequence[float], least: float = 2.0) -> tuple[float, float]:
    """Limits of an axis in per cent around accuracies: `least` points at least, so that a flat line looks flat."""
    low, high = 100 * min(shares), 100 * max(shares)
    missing = max(0.0, least - (high - low))
    margin = 0.06 * max(least, high - low)
    return low - 0.75 * missing - margin, high + 0.25 * missing + margin


def draw_sizes(diameters: Sequence[float], noise: Sequence[float], energy: Sequence[float]) -> Figure:
    """Noise of one read and energy of all junctions per inference against diameter (m, of full scale, J)."""
    figure, (left, right) = canvas(2, height=4.0)
    nanometres = [1e9 * diameter for diameter in diameters]
    left.plot(nanometres, [100 * n for n in noise], color=BLUE, marker="o", linewidth=2)
    right.plot(nanometres, [1e9 * e for e in energy], color=GREEN, marker="s", linewidth=2)
    label(left, "Noise of one read at zero drive", "diameter (nm)", "% of full scale")
    label(right, "Energy of all junctions", "diameter (nm)", "nJ per inference")
    for axis in (left, right):
        axis.set_ylim(bottom=0)
    return figure


def draw_cost(cost: InferenceCost) -> Figure:
    """Energy per inference by layer of junctions (reset, write, read), beside that of the weights."""
    figure, (layers, totals) = canvas(2, height=4.2)
    names = [f"layer {number}\n{layer.neurons:,}" for number, layer in enumerate(cost.layers, 1)]
    base = [0.0] * len(names)
    for part, color in (("reset", BLUE), ("write", ORANGE), ("read", GREEN)):
        heights = [1e9 * getattr(layer, part) for layer in cost.layers]
        layers.bar(names, heights, bottom=base, color=color, width=0.6, label=part)
        base = [low + high for low, high in zip(base, heights, strict=True)]
    layers.margins(y=0.3)  # room for the legend
    layers.set_xlim(-0.6, max(len(names), 2) - 0.4)
    label(layers, "Junctions, by layer", "layer and its number of junctions", "nJ per inference")
    legend(layers, "upper right")
    amounts = [cost.neurons, cost.weights]
    bars = totals.bar(["junctions", "weights\n(estimate)"], [1e9 * a for a in amounts], color=[BLUE, GREY], width=0.5)
    totals.bar_label(bars, [si(amount, "J") for amount in amounts], fontsize=TEXT, padding=3)
    totals.margins(y=0.15)
    label(totals, "Whole network", "", "nJ per inference")
    return figure


def draw_groups(groups: Mapping[str, Population], software: float, title: str) -> Figure:
    """Accuracy of every network, group by group, top to bottom. software: accuracy of the software network, 0..1."""
    figure, (axis,) = canvas(height=3.6)
    for place, group in enumerate(groups.values()):
        values = [100 * value for value in group.accuracies]
        axis.plot(values, [place] * len(values), "o", color=BLUE, alpha=0.6, markersize=7)
        axis.plot([100 * group.mean] * 2, [place - 0.3, place + 0.3], color=ORANGE, linewidth=2.5)
        axis.annotate(
            f"{100 * group.mean:.2f}", (100 * group.mean, place - 0.34), ha="center", va="bottom", fontsize=TEXT - 1
        )
    axis.axvline(100 * software, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="software network")
    axis.set_yticks(range(len(groups)), list(groups))
    axis.set_ylim(len(groups) - 0.4, -0.9)
    label(axis, title, "test accuracy (%)", "")
    legend(axis)
    return figure


def draw_memory(memory: BackwardMemory) -> Figure:
    """Kilobytes per image of every kind of layer, software beside hardware."""
    kinds: dict[str, tuple[float, float]] = {}
    for layer in memory.layers:
        before = kinds.get(layer.kind, (0.0, 0.0))
        kinds[layer.kind] = (before[0] + layer.software, before[1] + layer.hardware)
    kinds = {kind: sizes for kind, sizes in kinds.items() if sizes[0] > 0}
    figure, (axis,) = canvas(height=1.6 + 0.55 * len(kinds))
    for place, (software, hardware) in enumerate(kinds.values()):
        axis.barh(place - 0.2, software / 1e3, 0.38, color=GREY, label="software" if place == 0 else None)
        axis.barh(place + 0.2, hardware / 1e3, 0.38, color=BLUE, label="on junctions" if place == 0 else None)
    axis.set_yticks(range(len(kinds)), list(kinds))
    axis.invert_yaxis()
    label(axis, "State kept for the backward pass", "kilobytes per image", "")
    legend(axis)
    return figure
