"""Where the energy of one inference goes."""

from matplotlib.figure import Figure

from spinloom.evaluation import InferenceCost
from spinloom.quantities import si
from spinloom.report.style import BLUE, GREEN, GREY, ORANGE, TEXT, canvas, label, legend


def draw_cost(cost: InferenceCost) -> Figure:
    """Energy per inference by layer of junctions (reset, write, read), beside that of the weights."""
    figure, (layers, totals) = canvas(2, height=4.2)
    names = [f"layer {number}\n{layer.neurons:,}" for number, layer in enumerate(cost.layers, 1)]
    base = [0.0] * len(names)
    for part, color in (("reset", BLUE), ("write", ORANGE), ("read", GREEN)):
        heights = [1e9 * getattr(layer, part) for layer in cost.layers]
        layers.bar(names, heights, bottom=base, color=color, width=0.6, label=part)
        base = [low + high for low, high in zip(base, heights, strict=True)]
    label(layers, "Junctions, by layer", "layer and its number of junctions", "nJ per inference")
    legend(layers, "upper right")
    amounts = [cost.neurons, cost.weights]
    bars = totals.bar(["junctions", "weights\n(estimate)"], [1e9 * a for a in amounts], color=[BLUE, GREY], width=0.5)
    totals.bar_label(bars, [si(amount, "J") for amount in amounts], fontsize=TEXT, padding=3)
    totals.margins(y=0.15)
    label(totals, "Whole network", "", "nJ per inference")
    return figure
