"""Groups of networks side by side, and the state that layers keep for the backward pass."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from spinloom.evaluation import BackwardMemory, Population
from spinloom.report.style import BLUE, GREY, ORANGE, TEXT, canvas, label, legend


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
