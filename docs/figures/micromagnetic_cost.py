"""Draws docs/img/micromagnetic-cost.png: time of a right-hand side against cells and batch, with the FFT limit.

python benchmarks/micromagnetics.py cost > cost.jsonl
python docs/figures/micromagnetic_cost.py cost.jsonl
"""

import json
import sys
from pathlib import Path

from spinloom.report import BLUE, GREY, ORANGE, canvas, label, legend, save

IMAGE = Path(__file__).parents[1] / "img" / "micromagnetic-cost.png"


def main() -> None:
    lines = [json.loads(text) for text in Path(sys.argv[1]).read_text().splitlines() if text.strip()]
    lines = [line for line in lines if line["name"].startswith("cost-")]
    figure, (left, right) = canvas(2, height=4.4)
    single = [line for line in lines if line["members"] == 1 and line["cells"] > 256]
    batch = [line for line in lines if line["cells"] == 256]
    for axis, chosen, x in (
        (left, single, [line["cells"] for line in single]),
        (right, batch, [line["members"] for line in batch]),
    ):
        per = [1.0] * len(chosen) if axis is left else [float(line["members"]) for line in chosen]
        whole = [1e6 * line["seconds"] / n for line, n in zip(chosen, per, strict=True)]
        limit = [1e6 * line["transforms"] / n for line, n in zip(chosen, per, strict=True)]
        axis.loglog(x, whole, color=BLUE, marker="o", linewidth=2, label="right-hand side")
        axis.loglog(x, limit, color=ORANGE, linestyle=(0, (4, 3)), linewidth=1.6, label="Fourier transforms alone")
    left.loglog(
        [1e3, 1e6],
        [single[-1]["seconds"] * 1e6 * 1e-3, single[-1]["seconds"] * 1e6],
        color=GREY,
        linewidth=1,
        alpha=0.6,
    )
    left.text(1e5, single[-1]["seconds"] * 1e5 * 1.9, "proportional to cells", color=GREY, fontsize=9, ha="right")
    label(left, "One film", "cells", "µs per right-hand side")
    label(
        right,
        "A batch of junctions, 16 x 16 cells each",
        "junctions in the batch",
        "µs per junction and right-hand side",
    )
    legend(left, "upper left")
    legend(right)
    save(IMAGE, figure)


if __name__ == "__main__":
    main()
