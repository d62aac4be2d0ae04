"""The figures of the study with their captions."""

from matplotlib.figure import Figure

from spinloom.devices import DeviceSource
from spinloom.evaluation import BackwardMemory
from spinloom.report import BLUE, GREY, ORANGE, TEXT, Plot, canvas, draw_curves, label, legend
from spinloom.studies.mtj_deep.listing import groups
from spinloom.studies.mtj_deep.measured import Measured


def plots(junctions: DeviceSource, spread: float, found: Measured) -> tuple[Plot, ...]:
    """All figures, in the order of the report."""
    return (
        Plot(
            "accuracy",
            "Every dot is one network on junctions, the bar its mean; the dashed line is the software network.",
            draw_accuracy(found),
        ),
        Plot(
            "memory",
            "What must be kept of each image until the backward pass, layer by layer: in software, and where the "
            "junctions hold the state of the neurons.",
            draw_memory(found.memory),
        ),
        Plot(
            "curves",
            f"The junction's two outputs beside tanh and its derivative. Thin lines are {junctions.single}, the band "
            "is the noise of one read.",
            draw_curves(junctions.nominal(), junctions.fabricated(spread)),
        ),
    )


def draw_accuracy(found: Measured) -> Figure:
    """Accuracy of every instance, group by group, top to bottom."""
    figure, (axis,) = canvas(height=3.6)
    named = groups(found)
    for place, group in enumerate(named.values()):
        values = [100 * value for value in group.accuracies]
        axis.plot(values, [place] * len(values), "o", color=BLUE, alpha=0.6, markersize=7)
        axis.plot([100 * group.mean] * 2, [place - 0.3, place + 0.3], color=ORANGE, linewidth=2.5)
        axis.annotate(
            f"{100 * group.mean:.2f}", (100 * group.mean, place - 0.34), ha="center", va="bottom", fontsize=TEXT - 1
        )
    axis.axvline(100 * found.software, color=GREY, linewidth=1.4, linestyle=(0, (4, 3)), label="software network")
    axis.set_yticks(range(len(named)), list(named))
    axis.set_ylim(len(named) - 0.4, -0.9)
    label(axis, "Accuracy on junctions", "test accuracy (%)", "")
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
