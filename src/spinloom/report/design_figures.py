"""Figures of designs of a junction side by side: their curves, the descent to one, what they do to a network."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import torch
from matplotlib.figure import Figure

from spinloom.devices import Response, TwoPolarizerMTJ
from spinloom.evaluation import InferenceCost, Population
from spinloom.learning import Descent
from spinloom.quantities import si
from spinloom.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend

_COLOURS = (ORANGE, BLUE, GREEN, PURPLE)
_INPUT = "network input (drive / unit drive)"


def draw_designs(
    names: Sequence[str], ideal: Sequence[tuple[torch.Tensor, ...]], fabricated: Sequence[Response]
) -> Figure:
    """Value and slope of each design, their residuals at 0 K, and those of fabricated devices.

    ideal: inputs, value and slope at 0 K, (points,). fabricated: single devices of each.
    """
    figure, axes = canvas(2, 3, height=7.6, ratios=(2, 1, 1.2))
    fine = torch.linspace(float(ideal[0][0][0]), float(ideal[0][0][-1]), 241, dtype=torch.float64)
    columns = (torch.tanh, "tanh", "value"), (lambda x: 1 - x.tanh().square(), "1 - tanh²", "slope")
    for column, (wanted, title, name) in enumerate(columns):
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
    label(axes[0], "Activation: $m_x$ as read", "", "output")
    label(axes[1], "Gradient: $m_z^2$ as read", "", "gradient")
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
            parts.plot(
                steps, values, color=colour, linestyle="--" if name == "noise" else "-", linewidth=1.5, label=name
            )
    parts.set_ylim(bottom=0)
    label(parts, "Objective", "evaluation", reference)
    parts.legend(loc="upper center", fontsize=TEXT - 1, frameon=False)
    styles = [(colour, line) for line in ("-", "--") for colour in (BLUE, ORANGE, GREEN, PURPLE, GREY)]
    for title, path, (colour, line) in zip(titles, paths.T, styles, strict=True):
        shares.plot(steps, path, color=colour, linestyle=line, linewidth=1.5, label=title)
    label(shares, "Parameters between their bounds", "evaluation", "0: lower bound, 1: upper bound")
    shares.set_ylim(-0.03, 1.03)
    shares.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=TEXT - 2, frameon=False)
    for axis in (parts, shares):
        for start in starts[1:-1]:
            axis.axvline(start + 0.5, color=GREY, linewidth=1, linestyle=":")
    return figure


def draw_networks(
    names: Sequence[str], groups: Mapping[str, Sequence[Population]], costs: Sequence[InferenceCost], software: float
) -> Figure:
    """Accuracy of every network on each design, by kind of devices, and the energy of its devices by part."""
    figure, (accuracy, energy) = canvas(2, height=4.4)
    accuracy.axhline(100 * software, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="software network")
    ticks = []
    for place, (kind, group) in enumerate(groups.items()):
        for number, (one, name, colour) in enumerate(zip(group, names, _COLOURS, strict=False)):
            values = [100 * share for share in one.accuracies]
            at = (len(names) + 0.4) * place + number
            across = torch.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else torch.zeros(1)
            accuracy.plot(at + across, values, "o", color=colour, alpha=0.6, markersize=6)
            accuracy.plot([at - 0.3, at + 0.3], [sum(values) / len(values)] * 2, color=colour, linewidth=2)
            ticks.append((at, f"{name}\n{kind}"))
    accuracy.set_xticks([at for at, _ in ticks], [text for _, text in ticks])
    low, high = accuracy.get_ylim()
    accuracy.set_ylim(min(low, high - 1.0), high)
    label(accuracy, "Accuracy", "", "accuracy (%)")
    legend(accuracy, "lower left")
    base = [0.0] * len(costs)
    for part, colour in (("reset", BLUE), ("write", ORANGE), ("read", GREEN)):
        heights = [1e9 * getattr(one, part) for one in costs]
        energy.bar(names, heights, bottom=base, color=colour, width=0.5, label=part)
        base = [low + high for low, high in zip(base, heights, strict=True)]
    for place, cost in enumerate(costs):
        energy.text(place, base[place], si(cost.neurons, "J"), ha="center", va="bottom", fontsize=TEXT)
    energy.margins(y=0.12)
    label(energy, "Energy of all junctions", "", "nJ per image")
    legend(energy, "upper right")
    return figure


def draw_space(found: Mapping[str, Sequence[Mapping[str, float]]], device: TwoPolarizerMTJ, denser: float) -> Figure:
    """What a mesh differs by from a macrospin, and how far from uniform it is, logarithmic.

    found: "sizes" and "pulses" of the device, "dense_sizes" and "dense_pulses" of one of `denser` times its saturation
    magnetisation and pulse; of each point `at` (m, s), largest difference in `value` and in `slope`, `nonuniformity`.
    """
    ms, length = float(device.saturation_magnetization) / 1e3, float(device.pulse)
    light, dense = f"{ms:g} kA/m", f"{denser * ms:g} kA/m"
    sizes = (
        ("sizes", "-", f"{light}, {si(length, 's')}"),
        ("dense_sizes", "--", f"{dense}, {si(denser * length, 's')}"),
    )
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
            axis.legend(loc="upper left", fontsize=TEXT - 2, frameon=False, ncols=2, columnspacing=1.0)
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
