"""Networks trained in several ways, as tables and figures: convergence, gradients, tuning in place."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from matplotlib.figure import Figure

from spinloom.evaluation import Paired, Recovery
from spinloom.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend
from spinloom.report.tables import Table, percent

_STYLES: Sequence[tuple[str, str, Any]] = (
    (GREY, "o", (0, (4, 3))),
    (BLUE, "s", "-"),
    (GREEN, "^", "-"),
    (ORANGE, "v", "-"),
    (PURPLE, "D", ":"),
)
"""Colour, marker, line; the first one of a reference."""
_LEAST = 1.0
"""Points that an axis of accuracies spans at least, so that small differences look small."""
_FLOOR = 1e-6


def pairs_table(pairs: Mapping[str, Paired], paired: str) -> Table:
    """Differences of accuracy in points. pairs: by name. paired: how, in words."""

    def shown(pair: Paired) -> tuple[str, str | None]:
        if pair.standard_error is None or pair.low is None or pair.high is None:
            return f"{pair.mean:+.2f}", None
        return f"{pair.mean:+.2f} ± {pair.standard_error:.2f}", f"{pair.low:+.2f} to {pair.high:+.2f}"

    rows = tuple((name, *shown(pair)) for name, pair in pairs.items())
    note = f"Percentage points, {paired}: mean ± standard error, and the confidence interval from Student's t."
    return Table("Differences of accuracy", ("ways", "difference", "95 % interval"), rows, note)


Angles = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Cosines by moment ("at the start"), kind of slopes and layer ("convolution 1")."""


def angles_table(angles: Angles, note: str) -> Table:
    """Cosines between the gradients of devices and exact ones. note: what is special here."""
    kinds = next(iter(angles.values()))
    rows = tuple(
        (kind, when.removeprefix("at the ").removesuffix(" training"), *(f"{one:.4f}" for one in found[kind].values()))
        for kind in kinds
        for when, found in angles.items()
    )
    layers = [_brief(layer) for layer in next(iter(kinds.values()))]
    words = (
        "Cosine of the angle between the gradients of each weight tensor on the same batch and the same forward reads. "
        "Silent: no read has noise; spread: with the added read noise too. No slope lies behind the last layer."
    )
    columns = ("slopes", "weights", *layers)
    return Table("Gradients of the devices against exact ones", columns, rows, f"{words} {note}")


def recovery_table(found: Recovery, trained_on: float) -> Table:
    """Of each instance; trained_on: see `draw_recovery`."""
    rows = tuple(
        (f"{number}", percent(before), percent(after), "nothing lost" if won is None else f"{100 * won:.0f}")
        for number, (before, after, won) in enumerate(zip(found.before, found.after, found.shares(), strict=True), 1)
    )
    share = replace(found, software=trained_on).mean
    of_more = "" if share is None else f", of the way to which tuning in place goes {100 * share:.0f} %"
    note = (
        f"The software network has {percent(found.software)} %; trained on in software for as long it has "
        f"{percent(trained_on)} %{of_more}."
    )
    return Table("Tuning in place", ("instance", "as moved (%)", "tuned (%)", "loss won back (%)"), rows, note)


def draw_convergence(groups: Mapping[str, Sequence[Mapping[str, Any]]], ways: Sequence[str]) -> Figure:
    """Mean loss of each epoch, averaged over the networks of each way, and the accuracy of each network.

    groups: by way, `losses` and `accuracy` (0..1) of each network. ways: all there may be, which decides the colours.
    """
    figure, (loss, share) = canvas(2, height=4.4)
    for number, (name, networks) in enumerate(groups.items()):
        colour, marker, line = _STYLES[ways.index(name)]
        means = [sum(epoch) / len(networks) for epoch in zip(*(one["losses"] for one in networks), strict=True)]
        loss.plot(range(1, len(means) + 1), means, color=colour, marker=marker, linestyle=line, label=name)
        shares = [100 * one["accuracy"] for one in networks]
        share.plot([number] * len(shares), shares, marker, color=colour, alpha=0.6, markersize=7)
        share.hlines(sum(shares) / len(shares), number - 0.3, number + 0.3, color=colour, linewidth=2.5)
    loss.set_xticks(range(1, len(means) + 1) if len(means) < 11 else range(0, len(means) + 1, 5))
    loss.set_yscale("log")
    loss.yaxis.set_major_formatter("{x:g}")
    loss.yaxis.set_minor_formatter("{x:g}")
    share.set_xticks(range(len(groups)), [name.replace(" and", ",").replace(" ", "\n") for name in groups])
    low, high = share.get_ylim()
    missing = max(0.0, _LEAST - (high - low)) / 2
    share.set_ylim(low - missing, high + missing)
    share.set_xlim(-0.6, len(groups) - 0.4)
    label(loss, "Convergence", "epoch", "mean loss (cross-entropy)")
    label(share, "Test accuracy of each network", "", "accuracy (%)")
    legend(loss)
    return figure


def draw_angles(angles: Angles) -> Figure:
    """One minus the cosine, a panel per moment, layers from the input on, without the last."""
    figure, axes = canvas(len(angles), height=4.4)
    for axis, (when, kinds) in zip(axes, angles.items(), strict=True):
        for (name, cosines), (colour, marker, line) in zip(kinds.items(), (_STYLES[0], *_STYLES[2:]), strict=False):
            turned = [max(1 - cosine, _FLOOR) for cosine in cosines.values()][:-1]
            axis.plot(range(len(turned)), turned, color=colour, marker=marker, linestyle=line, label=name)
        axis.axhline(0.01, color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
        axis.set_yscale("log")
        axis.set_xticks(range(len(turned)), [_brief(layer) for layer in cosines][:-1])
        label(axis, when[0].upper() + when[1:], "weights of layer", "1 - cosine")
    low, high = (pick(axis.get_ylim()[end] for axis in axes) for pick, end in ((min, 0), (max, 1)))
    for axis in axes:
        axis.set_ylim(low, high)
    axes[0].text(0, 0.0108, "cosine 0.99", fontsize=TEXT - 2, color=GREY, va="bottom")
    legend(axes[-1])
    return figure


def draw_recovery(found: Recovery, trained_on: float) -> Figure:
    """Accuracy of each instance as moved and tuned. trained_on: of the software network, trained on for as long."""
    figure, (axis,) = canvas(height=4.2)
    numbers = range(1, len(found.before) + 1)
    before, after = ([100 * share for share in shares] for shares in (found.before, found.after))
    axis.axhline(100 * found.software, color=GREY, linestyle=(0, (4, 3)), label="software network")
    axis.axhline(100 * trained_on, color=GREY, linestyle=":", label="trained on in software for as long")
    axis.vlines(numbers, before, after, color=GREY, alpha=0.5)
    axis.plot(numbers, before, "v", color=ORANGE, markersize=9, label="as moved")
    axis.plot(numbers, after, "^", color=GREEN, markersize=9, label="tuned in place")
    for shares in (before, after):
        for number, one in zip(numbers, shares, strict=True):
            axis.annotate(f"{one:.1f}", (number, one), (9, 0), textcoords="offset points", va="center")
    axis.set_xticks(numbers)
    axis.set_xlim(0.4, len(before) + 0.6)
    label(axis, "What tuning in place wins back", "fabricated instance", "accuracy (%)")
    legend(axis)
    return figure


def _brief(layer: str) -> str:
    """For the head of a column."""
    return layer.replace("convolution", "conv")
