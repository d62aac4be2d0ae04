"""Figures of devices: their curves, noise, energy and memory; and designs of a junction side by side."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate, cycle, product
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinloom.devices import Response, TwoPolarizerMTJ
from spinloom.evaluation import BackwardMemory, InferenceCost, Population
from spinloom.learning import Descent
from spinloom.quantities import si
from spinloom.report.population_figures import plot_members
from spinloom.report.style import BLUE, DASHED, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend, refer

_THIN = 32
"""Single devices drawn, however many there are."""
_COLOURS = (ORANGE, BLUE, GREEN, PURPLE)
_INPUT = "network input (drive / unit drive)"
_IDEAL = (
    (torch.tanh, "tanh", "value", "Activation", "output"),
    (lambda x: 1 - x.tanh().square(), "1 - tanh²", "slope", "Gradient", "gradient"),
)
"""What a device is to compute, its name, the part of a response, title and axis."""


def draw_curves(response: Response, fabricated: Response | None = None, noun: str = "junction") -> Figure:
    """The two curves of a device beside tanh and its gradient, with the residuals below.

    response: its mean device is drawn thick. fabricated: single devices drawn thin (default: those of `response`), each
    at the inputs it was measured at. noun: what one of them is called.
    """
    figure, axes = canvas(2, 2, height=5.6, ratios=(2.4, 1))
    nominal, rows, x = response.nominal(), fabricated or response, response.inputs
    for column, (ideal, name, kind, title, y) in enumerate(_IDEAL):
        axis, below = axes[column::2]
        measured, single, wanted = getattr(nominal, kind)[0], getattr(rows, kind), ideal(x)
        if len(single) > 1:
            axis.plot([], [], color=BLUE, alpha=0.4, linewidth=0.8, label=f"fabricated {noun}s")
            axis.plot(rows.inputs, single[:_THIN].T, color=BLUE, alpha=0.15, linewidth=0.8)
        if kind == "value" and bool(nominal.noise.any()):
            low, high = measured - nominal.noise[0], measured + nominal.noise[0]
            axis.fill_between(x, low, high, color=BLUE, alpha=0.25, linewidth=0, label="noise of one read")
        axis.plot(x, measured, color=BLUE, linewidth=2, label=noun)
        axis.plot(x, wanted, color=ORANGE, linewidth=1.6, linestyle=DASHED, label=name)
        label(axis, f"{title}, as read", "", y)
        legend(axis, "upper left")
        below.axhline(0, color=GREY, linewidth=1)
        below.plot(x, measured - wanted, color=BLUE)
        worst = float((measured - wanted).abs().max())
        label(below, "", _INPUT, "residual")
        below.set_title(f"largest deviation {worst:.4f}", loc="right", fontsize=10, color=GREY)
    return figure


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
    _stack(layers, names, cost.layers)
    layers.margins(y=0.3)  # room for the legend
    layers.set_xlim(-0.6, max(len(names), 2) - 0.4)
    label(layers, "Junctions, by layer", "layer and its number of junctions", "nJ per inference")
    amounts = [cost.neurons, cost.weights]
    bars = totals.bar(["junctions", "weights\n(estimate)"], [1e9 * a for a in amounts], color=[BLUE, GREY], width=0.5)
    totals.bar_label(bars, [si(amount, "J") for amount in amounts], fontsize=TEXT, padding=3)
    totals.margins(y=0.15)
    label(totals, "Whole network", "", "nJ per inference")
    return figure


def _stack(axis: Axes, names: Sequence[str], costs: Sequence[Any]) -> None:
    """A bar for each name: energies in nJ of its reset, write and read, one on the other."""
    base = [0.0] * len(names)
    for part, colour in (("reset", BLUE), ("write", ORANGE), ("read", GREEN)):
        heights = [1e9 * getattr(one, part) for one in costs]
        axis.bar(names, heights, bottom=base, color=colour, width=0.55, label=part)
        base = [low + high for low, high in zip(base, heights, strict=True)]
    legend(axis, "upper right")


def draw_memory(memory: BackwardMemory) -> Figure:
    """Kilobytes per image of every kind of layer, software beside hardware."""
    size = {"software": Counter[str](), "hardware": Counter[str]()}
    for layer, (where, sizes) in product(memory.layers, size.items()):
        sizes[layer.kind] += getattr(layer, where) / 1e3
    kinds = [kind for kind, kilobytes in size["software"].items() if kilobytes > 0]
    figure, (axis,) = canvas(height=1.6 + 0.55 * len(kinds))
    for where, aside, colour, name in (("software", -0.2, GREY, "software"), ("hardware", 0.2, BLUE, "on junctions")):
        places = [place + aside for place in range(len(kinds))]
        axis.barh(places, [size[where][kind] for kind in kinds], 0.38, color=colour, label=name)
    axis.set_yticks(range(len(kinds)), kinds)
    axis.invert_yaxis()
    label(axis, "State kept for the backward pass", "kilobytes per image", "")
    legend(axis)
    return figure


def draw_designs(
    names: Sequence[str], ideal: Sequence[tuple[torch.Tensor, ...]], fabricated: Sequence[Response]
) -> Figure:
    """Value and slope of each design, their residuals at 0 K, and those of fabricated devices.

    ideal: inputs, value and slope at 0 K, (points,). fabricated: single devices of each.
    """
    figure, axes = canvas(2, 3, height=7.6, ratios=(2, 1, 1.2))
    fine = torch.linspace(float(ideal[0][0][0]), float(ideal[0][0][-1]), 241, dtype=torch.float64)
    for column, (wanted, title, name, heading, y) in enumerate(_IDEAL):
        top, residual, spread = axes[column::2]
        top.plot(fine, wanted(fine), color=GREY, linewidth=1.2, label=title)
        for curves, made, text, colour, mark in zip(ideal, fabricated, names, _COLOURS, "os^v", strict=False):
            inputs, curve = curves[0], curves[1 + column]
            top.plot(inputs, curve, mark, color=colour, markersize=5, fillstyle="none", label=text)
            residual.plot(inputs, curve - wanted(inputs), color=colour, marker=mark, markersize=3, linewidth=1.6)
            left = getattr(made, name) - wanted(made.inputs)
            spread.plot(made.inputs, left.T, color=colour, linewidth=0.9, alpha=0.6)
        for axis in (residual, spread):
            axis.axhline(0, color=GREY, linewidth=1)
        legend(top, "upper left")
        label(residual, "", "", "residual, 0 K")
        label(spread, "", _INPUT, "residual, fabricated")
        label(top, f"{heading}: {('$m_x$', '$m_z^2$')[column]} as read", "", y)
    return figure


def draw_descent(descents: Sequence[Descent], titles: Sequence[str], reference: str) -> Figure:
    """Parts of the objective, and the parameters, over the evaluations that brought progress.

    descents: one after the other, with a line between them. titles: of the parameters. reference: of the objective.
    """
    figure, (parts, shares) = canvas(2, height=4.6)
    starts = list(accumulate((len(one.terms) for one in descents), initial=0))
    ways = list(zip(descents, starts, strict=False))
    steps = [1 + start + number for one, start in ways for number in one.progress]
    terms = [one.terms[number] for one in descents for number in one.progress]
    paths = torch.tensor([one.shares[number] for one in descents for number in one.progress])
    parts.plot(steps, [sum(term.values()) for term in terms], color=BLUE, linewidth=2.2, label="objective")
    for name, colour in {"curves": ORANGE, "spread": PURPLE, "noise": BLUE, "energy": GREEN}.items():
        values = [term.get(name, 0.0) for term in terms]
        if any(values):
            line = "--" if name == "noise" else "-"
            parts.plot(steps, values, color=colour, linestyle=line, linewidth=1.5, label=name)
    parts.set_ylim(bottom=0)
    label(parts, "Objective", "evaluation", reference)
    legend(parts, "upper center")
    styles = cycle((colour, line) for line in ("-", "--") for colour in (BLUE, ORANGE, GREEN, PURPLE, GREY))
    for title, path, (colour, line) in zip(titles, paths.T, styles, strict=False):
        shares.plot(steps, path, color=colour, linestyle=line, linewidth=1.5, label=title)
    label(shares, "Parameters between their bounds", "evaluation", "0: lower bound, 1: upper bound")
    shares.set_ylim(-0.03, 1.03)
    legend(shares, "center left", bbox_to_anchor=(1.0, 0.5), fontsize=TEXT - 2)
    for axis in (parts, shares):
        for start in starts[1:-1]:
            axis.axvline(start + 0.5, color=GREY, linewidth=1, linestyle=":")
    return figure


def draw_networks(
    names: Sequence[str], groups: Mapping[str, Sequence[Population]], costs: Sequence[InferenceCost], software: float
) -> Figure:
    """Accuracy of every network on each design, by kind of devices, and the energy of its devices by part."""
    figure, (accuracy, energy) = canvas(2, height=4.4)
    refer(accuracy, 100 * software, "software network")
    ticks: dict[float, str] = {}
    for place, (kind, group) in enumerate(groups.items()):
        for number, (one, name, colour) in enumerate(zip(group, names, _COLOURS, strict=False)):
            at = (len(names) + 0.4) * place + number
            plot_members(accuracy, at, one, colour)
            ticks[at] = f"{name}\n{kind}"
    accuracy.set_xticks(list(ticks), list(ticks.values()))
    accuracy.margins(x=0.14)
    low, high = accuracy.get_ylim()
    accuracy.set_ylim(min(low, high - 1.0), high)
    label(accuracy, "Accuracy", "", "accuracy (%)")
    legend(accuracy, "lower left")
    _stack(energy, names, costs)
    for place, cost in enumerate(costs):
        energy.text(place, 1e9 * cost.neurons, si(cost.neurons, "J"), ha="center", va="bottom", fontsize=TEXT)
    energy.margins(y=0.12)
    label(energy, "Energy of all junctions", "", "nJ per image")
    return figure


def draw_space(found: Mapping[str, Sequence[Mapping[str, float]]], device: TwoPolarizerMTJ, denser: float) -> Figure:
    """What a mesh differs by from a macrospin, and how far from uniform it is, logarithmic.

    found: "sizes" and "pulses" of the device, "dense_sizes" and "dense_pulses" of one of `denser` times its saturation
    magnetisation and pulse; of each point `at` (m, s), largest difference in `value` and in `slope`, `nonuniformity`.
    """
    ms, length = float(device.saturation_magnetization) / 1e3, float(device.pulse)
    light, dense = f"{ms:g} kA/m", f"{denser * ms:g} kA/m"
    short, long = si(length, "s"), si(denser * length, "s")
    sizes = (("sizes", "-", f"{light}, {short}"), ("dense_sizes", "--", f"{dense}, {long}"))
    pulses = (("pulses", "-", light), ("dense_pulses", "--", dense))
    figure, (size, pulse, size_modes, pulse_modes) = canvas(2, 2, height=6.4)
    for top, bottom, scale, series in ((size, size_modes, 1e9, sizes), (pulse, pulse_modes, 1e12, pulses)):
        for key, line, text in filter(lambda one: found[one[0]], series):
            at = [scale * one["at"] for one in found[key]]
            for name, colour, mark, symbol in (("value", BLUE, "o", "$m_x$"), ("slope", ORANGE, "s", "$m_z^2$")):
                values = [one[name] for one in found[key]]
                top.plot(at, values, color=colour, linestyle=line, marker=mark, label=f"{symbol}, {text}")
            away = [one["nonuniformity"] for one in found[key]]
            bottom.plot(at, away, color=GREEN, linestyle=line, marker="^", label=text)
    for row in ((size, pulse), (size_modes, pulse_modes)):
        limits = [limit for axis in row for limit in axis.dataLim.intervaly]
        for axis in row:
            axis.set_yscale("log")
            axis.set_ylim(min(limits) / 2, max(limits) * 12)  # room for the legends
            legend(axis, "upper left", fontsize=TEXT - 2, ncols=2, columnspacing=1.0)
    label(size, "Mesh against macrospin", "", "largest difference")
    label(pulse, f"The same, diameter {si(float(device.diameter), 'm')}", "", "largest difference")
    label(size_modes, "Non-uniform modes", "diameter (nm)", "1 - |<m>| after the pulse")
    label(pulse_modes, "Non-uniform modes", "pulse (ps)", "1 - |<m>| after the pulse")
    return figure


def draw_warmth(names: Sequence[str], mesh: Sequence[Response], point: Sequence[Response]) -> Figure:
    """What thermal motion does on a mesh and to a macrospin: mean of m_z^2 beside its ideal, noise of a read."""
    figure, (slope, noise) = canvas(2, height=4.2)
    for name, colour, *both in zip(names, _COLOURS, mesh, point, strict=False):
        for response, line, kind in zip(both, ("-", "--"), ("mesh", "macrospin"), strict=True):
            inputs = response.inputs
            left = response.slope[0] - 1 + inputs.tanh().square()
            slope.plot(inputs, left, color=colour, linestyle=line, label=f"{name}, {kind}")
            noise.plot(inputs, response.noise[0], color=colour, linestyle=line, label=f"{name}, {kind}")
    slope.axhline(0, color=GREY, linewidth=1)
    noise.set_ylim(0, 1.45 * noise.dataLim.y1)
    label(slope, "Gradient at temperature", _INPUT, "residual of $m_z^2$")
    label(noise, "Noise of one read of $m_x$", _INPUT, "of full scale")
    legend(noise, "upper right")
    return figure
