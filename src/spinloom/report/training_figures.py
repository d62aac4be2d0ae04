"""Networks trained in several ways, as tables and figures: gradients, tuning in place."""

from collections.abc import Mapping
from dataclasses import replace

from matplotlib.figure import Figure

from spinloom.evaluation import Paired, Recovery
from spinloom.report.population_figures import WAYS
from spinloom.report.style import GREEN, GREY, ORANGE, TEXT, canvas, label, legend, refer
from spinloom.report.tables import Table, percent

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
    layers = [layer.replace("convolution", "conv") for layer in next(iter(kinds.values()))]
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


def draw_angles(angles: Angles) -> Figure:
    """One minus the cosine, a panel per moment, layers from the input on, without the last."""
    figure, axes = canvas(len(angles), height=4.4)
    for axis, (when, kinds) in zip(axes, angles.items(), strict=True):
        for (name, cosines), (colour, marker, line) in zip(kinds.items(), (WAYS[0], *WAYS[2:]), strict=False):
            turned = [max(1 - cosine, _FLOOR) for cosine in cosines.values()][:-1]
            axis.plot(range(len(turned)), turned, color=colour, marker=marker, linestyle=line, label=name)
        refer(axis, 0.01, None)
        axis.set_yscale("log")
        axis.set_xticks(range(len(turned)), [layer.replace("convolution", "conv") for layer in cosines][:-1])
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
    refer(axis, 100 * found.software, "software network")
    refer(axis, 100 * trained_on, "trained on in software for as long", ":")
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
