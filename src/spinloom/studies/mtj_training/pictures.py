"""The figures of the study with their captions."""

from matplotlib.figure import Figure

from spinloom.report import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, Plot, canvas, draw_curves, label, legend
from spinloom.studies.mtj_training.angles import SITUATIONS, WHEN, Angles, brief
from spinloom.studies.mtj_training.chip import Tuned
from spinloom.studies.mtj_training.measurements import Found
from spinloom.studies.mtj_training.ways import SHORT, Hardware

STYLES = {
    "software": (GREY, "o", (0, (4, 3))),
    "exact": (BLUE, "s", "-"),
    "device": (GREEN, "^", "-"),
    "spread": (ORANGE, "v", "-"),
    "difference": (PURPLE, "D", ":"),
}
"""By way: colour, marker, line."""
LINES = {**STYLES, "silent": (GREY, "o", (0, (4, 3)))}
LEAST = 1.0
"""Points that an axis of accuracies spans at least, so that small differences look small."""


def plots(found: Found, hardware: Hardware) -> tuple[Plot, ...]:
    """All figures there is data for, in the order of the report."""
    made = hardware.response("spread")
    drawn = [
        Plot(
            "convergence",
            "Left: mean loss of each epoch, averaged over the networks of each way. Right: accuracy of each network on "
            "the devices it was trained on, and the mean of each way.",
            draw_convergence(found),
        ),
        Plot(
            "gradient-angles",
            "How far gradients turn away from exact ones: one minus the cosine, layer by layer from the input on, on a "
            "logarithmic axis; 0.01 is an angle of 8 degrees. Silent: reads without noise; spread: with the "
            "added read noise too. The last layer is left out: no slope lies behind it.",
            draw_angles(found.angles),
        ),
    ]
    if found.tuned:
        caption = "A network trained in software, moved onto fabricated instances, and tuned through their own slopes."
        drawn.append(Plot("tuning", caption, draw_tuning(found.tuned)))
    single = "single devices of the way with spread" if hardware.junctions.simulated else hardware.junctions.single
    caption = (
        "The junction's two outputs beside tanh and its derivative; below, the deviation of the nominal device. Thin "
        f"lines are {single}, the band is the noise of one read."
    )
    return (*drawn, Plot("curves", caption, draw_curves(hardware.response("device"), made)))


def draw_convergence(found: Found) -> Figure:
    figure, (loss, share) = canvas(2, height=4.4)
    for number, (way, networks) in enumerate(found.trained.items()):
        colour, marker, line = STYLES[way]
        means = [sum(epoch) / len(networks) for epoch in zip(*(one.losses for one in networks), strict=True)]
        loss.plot(range(1, len(means) + 1), means, color=colour, marker=marker, linestyle=line, label=SHORT[way])
        shares = [100 * one for one in found.accuracies(way)]
        share.plot([number] * len(shares), shares, marker, color=colour, alpha=0.6, markersize=7)
        share.hlines(sum(shares) / len(shares), number - 0.3, number + 0.3, color=colour, linewidth=2.5)
    loss.set_xticks(range(1, len(means) + 1) if len(means) < 11 else range(0, len(means) + 1, 5))
    loss.set_yscale("log")
    loss.yaxis.set_major_formatter("{x:g}")
    loss.yaxis.set_minor_formatter("{x:g}")
    share.set_xticks(
        range(len(found.trained)), [SHORT[way].replace(" and", ",").replace(" ", "\n") for way in found.trained]
    )
    low, high = share.get_ylim()
    missing = max(0.0, LEAST - (high - low)) / 2
    share.set_ylim(low - missing, high + missing)
    share.set_xlim(-0.6, len(found.trained) - 0.4)
    label(loss, "Convergence", "epoch", "mean loss (cross-entropy)")
    label(share, "Test accuracy of each network", "", "accuracy (%)")
    legend(loss)
    return figure


def draw_angles(found: Angles) -> Figure:
    """One panel per moment; layers from the input on."""
    figure, axes = canvas(2, height=4.4)
    layers = list(next(iter(found[WHEN[0]].values())))[:-1]
    floor = 1e-6
    for axis, when in zip(axes, WHEN, strict=True):
        for key, one in SITUATIONS.items():
            turned = [max(1 - found[when][key][layer], floor) for layer in layers]
            colour, marker, line = LINES[key]
            axis.plot(range(len(layers)), turned, color=colour, marker=marker, linestyle=line, label=one.title)
        axis.axhline(0.01, color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
        axis.set_yscale("log")
        axis.set_xticks(range(len(layers)), [brief(layer) for layer in layers])
        label(axis, when[0].upper() + when[1:], "weights of layer", "1 - cosine")
    low, high = (pick(axis.get_ylim()[end] for axis in axes) for pick, end in ((min, 0), (max, 1)))
    for axis in axes:
        axis.set_ylim(low, high)
    axes[0].text(0, 0.0108, "cosine 0.99", fontsize=TEXT - 2, color=GREY, va="bottom")
    legend(axes[1])
    return figure


def draw_tuning(tuned: Tuned) -> Figure:
    figure, (axis,) = canvas(height=4.2)
    numbers = range(1, len(tuned.before) + 1)
    axis.axhline(100 * tuned.software, color=GREY, linestyle=(0, (4, 3)), label="software network")
    axis.axhline(100 * tuned.software_tuned, color=GREY, linestyle=":", label="trained on in software for as long")
    axis.vlines(numbers, [100 * a for a in tuned.before], [100 * a for a in tuned.after], color=GREY, alpha=0.5)
    axis.plot(numbers, [100 * a for a in tuned.before], "v", color=ORANGE, markersize=9, label="as moved")
    axis.plot(numbers, [100 * a for a in tuned.after], "^", color=GREEN, markersize=9, label="tuned in place")
    for shares in (tuned.before, tuned.after):
        for number, one in zip(numbers, shares, strict=True):
            axis.annotate(f"{100 * one:.1f}", (number, 100 * one), (9, 0), textcoords="offset points", va="center")
    axis.set_xticks(numbers)
    axis.set_xlim(0.4, len(tuned.before) + 0.6)
    label(axis, "What tuning in place wins back", "fabricated instance", "accuracy (%)")
    legend(axis)
    return figure
