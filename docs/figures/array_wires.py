"""Draws docs/img/array-wires.png: what wires take from the sums of an array, against its size and their resistance.

python docs/figures/array_wires.py
"""

from pathlib import Path

import torch

from spinloom.nn import Array
from spinloom.report import BLUE, GREEN, ORANGE, PURPLE, canvas, label, legend, log_ticks, save

IMAGE = Path(__file__).parents[1] / "img" / "array-wires.png"
SIZES = (16, 32, 64, 128, 256)
RESISTANCES = {0.1: GREEN, 0.5: BLUE, 1.0: ORANGE, 5.0: PURPLE}
INPUTS = 256


def errors(size: int, resistance: float) -> tuple[float, float]:
    """Share of all current that is lost, and error of a column's current once all are scaled by one factor, relative
    to their own standard deviation over inputs and columns."""
    source = torch.Generator().manual_seed(0)
    conductance = 1e-6 + 99e-6 * torch.rand(size, size, generator=source, dtype=torch.float64)
    inputs = torch.rand(INPUTS, size, generator=source, dtype=torch.float64)
    seen = Array(size, size, word_resistance=resistance, bit_resistance=resistance).effective(conductance)
    ideal, found = inputs @ conductance.mT, inputs @ seen.mT
    scaled = found * (ideal * found).sum() / found.square().sum()
    return 1 - float(found.sum() / ideal.sum()), float((scaled - ideal).square().mean().sqrt() / ideal.std())


def main() -> None:
    figure, (left, right) = canvas(2, height=4.2)
    for resistance, colour in RESISTANCES.items():
        lost, error = zip(*(errors(size, resistance) for size in SIZES), strict=True)
        for axis, values in ((left, lost), (right, error)):
            shown = [100 * value for value in values]
            axis.loglog(SIZES, shown, color=colour, marker="o", linewidth=2, label=f"{resistance:g} ohm per segment")
        print(resistance, [f"{value:.3g}" for value in lost], [f"{value:.3g}" for value in error])
    label(left, "Current lost in wires", "rows and columns of the array", "% of the current")
    label(right, "Error left after one common scale", "rows and columns of the array", "% of the sums' deviation")
    for axis in (left, right):
        log_ticks(axis, SIZES)
    legend(left)
    save(IMAGE, figure)


if __name__ == "__main__":
    main()
