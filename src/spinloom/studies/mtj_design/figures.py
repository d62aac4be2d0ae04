"""Figures of a design before and after."""

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinloom.devices import Response
from spinloom.quantities import si
from spinloom.report import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend
from spinloom.studies.mtj_design.checking import Checked
from spinloom.studies.mtj_design.designing import Designed
from spinloom.studies.mtj_design.network import OnJunctions
from spinloom.studies.mtj_design.parameters import FREE

NAMES = ("hand-chosen", "found")
COLOURS = (ORANGE, BLUE)


def draw_curves(checks: tuple[Checked, Checked]) -> Figure:
    """Value and slope of both designs, their residuals at 0 K, their residuals with spread at temperature."""
    figure, axes = canvas(2, 3, height=7.6, ratios=(2, 1, 1.2))
    inputs = checks[0].ideal.inputs
    fine = torch.linspace(float(inputs[0]), float(inputs[-1]), 241, dtype=torch.float64)
    columns = ("value", torch.tanh, "tanh"), ("slope", lambda x: 1 - x.tanh().square(), "1 - tanh²")
    for column, (name, ideal, title) in enumerate(columns):
        top, residual, spread = axes[column::2]
        top.plot(fine, ideal(fine), color=GREY, linewidth=1.2, label=title)
        for check, text, colour, mark in zip(checks, NAMES, COLOURS, "os", strict=True):
            curve = getattr(check.ideal, name)
            top.plot(inputs, curve, mark, color=colour, markersize=5, fillstyle="none", label=text)
            residual.plot(inputs, curve - ideal(inputs), color=colour, marker=mark, markersize=3, linewidth=1.6)
            _spread(spread, check.fabricated, name, ideal, colour)
        for axis in (residual, spread):
            axis.axhline(0, color=GREY, linewidth=1)
        legend(top, "upper left")
        label(residual, "", "", "residual, 0 K")
        label(spread, "", "network input (drive / unit drive)", "residual, fabricated")
    label(axes[0], "Activation: $m_x$ as read", "", "output")
    label(axes[1], "Gradient: $m_z^2$ as read", "", "gradient")
    return figure


def _spread(axis: Axes, response: Response, name: str, ideal, colour: str) -> None:  # type: ignore[no-untyped-def]
    inputs = response.inputs
    axis.plot(inputs, (getattr(response, name) - ideal(inputs)).T, color=colour, linewidth=0.9, alpha=0.6)


def draw_descent(design: Designed) -> Figure:
    """Parts of the objective, and the parameters, over the evaluations of both stages that brought progress."""
    figure, (parts, shares) = canvas(2, height=4.6)
    first = len(design.point.terms)
    ways = ((design.point, 1), (design.mesh, 1 + first))
    steps = [number + offset for way, offset in ways for number in way.progress]
    terms = [way.terms[number] for way, _ in ways for number in way.progress]
    paths = torch.tensor([way.shares[number] for way, _ in ways for number in way.progress])
    parts.plot(steps, [sum(term.values()) for term in terms], color=BLUE, linewidth=2.2, label="objective")
    for name, colour in {"curves": ORANGE, "spread": PURPLE, "noise": BLUE, "energy": GREEN}.items():
        if any(term.get(name, 0) for term in terms):
            line = "--" if name == "noise" else "-"
            values = [term.get(name, 0.0) for term in terms]
            parts.plot(steps, values, color=colour, linestyle=line, linewidth=1.5, label=name)
    parts.set_ylim(bottom=0)
    label(parts, "Objective", "evaluation", "relative to the hand-chosen junction")
    parts.legend(loc="upper center", fontsize=TEXT - 1, frameon=False)
    styles = [(colour, line) for line in ("-", "--") for colour in (BLUE, ORANGE, GREEN, PURPLE, GREY)]
    for free, path, (colour, line) in zip(FREE, paths.T, styles, strict=True):
        shares.plot(steps, path, color=colour, linestyle=line, linewidth=1.5, label=free.title)
    label(shares, "Parameters between their bounds", "evaluation", "0: lower bound, 1: upper bound")
    shares.set_ylim(-0.03, 1.03)
    shares.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=TEXT - 2, frameon=False)
    for axis in (parts, shares):
        axis.axvline(first + 0.5, color=GREY, linewidth=1, linestyle=":")
    return figure


def draw_networks(moved: tuple[OnJunctions, OnJunctions], software: float) -> Figure:
    """Accuracy of every network, and the energy of its junctions by part."""
    figure, (accuracy, energy) = canvas(2, height=4.4)
    accuracy.axhline(100 * software, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="software network")
    ticks = []
    for place, kind in enumerate(("nominal", "fabricated")):
        for number, (one, name, colour) in enumerate(zip(moved, NAMES, COLOURS, strict=True)):
            values = [100 * share for share in getattr(one, kind).accuracies]
            at = 2.4 * place + number
            across = torch.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else torch.zeros(1)
            accuracy.plot(at + across, values, "o", color=colour, alpha=0.6, markersize=6)
            accuracy.plot([at - 0.3, at + 0.3], [sum(values) / len(values)] * 2, color=colour, linewidth=2)
            ticks.append((at, f"{name}\n{kind}"))
    accuracy.set_xticks([at for at, _ in ticks], [text for _, text in ticks])
    low, high = accuracy.get_ylim()
    accuracy.set_ylim(min(low, high - 1.0), high)
    label(accuracy, "Accuracy", "", "accuracy (%)")
    legend(accuracy, "lower left")
    base = [0.0, 0.0]
    for part, colour in (("reset", BLUE), ("write", ORANGE), ("read", GREEN)):
        heights = [1e9 * getattr(one.cost, part) for one in moved]
        energy.bar(NAMES, heights, bottom=base, color=colour, width=0.5, label=part)
        base = [low + high for low, high in zip(base, heights, strict=True)]
    for place, one in enumerate(moved):
        energy.text(place, base[place], si(one.cost.neurons, "J"), ha="center", va="bottom", fontsize=TEXT)
    energy.margins(y=0.12)
    label(energy, "Energy of all junctions", "", "nJ per image")
    legend(energy, "upper right")
    return figure
