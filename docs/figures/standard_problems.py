"""The standard problems of micromagnetics in one figure, docs/img/standard-problems.png.

    python benchmarks/standard_problems.py && python docs/figures/standard_problems.py [FOLDER]

FOLDER: where the benchmark left its curves, out/standard-problems if none is given.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

PLACE = Path(__file__).parents[1] / "img" / "standard-problems.png"
Curves = Mapping[str, np.ndarray]


def problem2(axes: Axes, of: Curves) -> None:
    axes.plot(of["d"], of["coercivity"], "o-", color="C0", label="coercive field / $M_s$")
    axes.axhline(0.057069, color="0.5", linestyle="--", label="limit of small particles")
    axes.set(title="2: platelets, one batch per mesh", xlabel="$d$ / exchange length", ylim=(0.044, 0.059))
    axes.legend(fontsize=7)


def problem3(axes: Axes, of: Curves) -> None:
    for state, colour in (("flower", "C0"), ("vortex", "C1")):
        axes.plot(of["edge"], of[state], "o-", color=colour, label=state)
    axes.axvline(8.47, color="0.5", linestyle="--", label="published limit, 8.47")
    axes.set(title="3: a cube of $20^3$ cells", xlabel="edge / exchange length", ylabel="energy / $K_d$")
    axes.legend(fontsize=7)


def problem4(axes: Axes, of: Curves) -> None:
    for number, colour in ((1, "C0"), (2, "C1")):
        until = of["t"] <= 1e-9
        t = 1e9 * of["t"][until]
        axes.plot(t[::4], of[f"oommf{number}"][until][::4], ".", color="0.6", label="OOMMF" if number == 1 else None)
        axes.plot(t, of[f"my{number}"][until], color=colour, label=f"field {number}")
    axes.set(title="4: a film turns over", xlabel="t (ns)", ylabel=r"$\langle m_y \rangle$")
    axes.legend(fontsize=7)


def problem5(axes: Axes, of: Curves) -> None:
    axes.plot(np.append(0, of["x"]), np.append(0, of["y"]), color="C0", linewidth=0.8, label="path of the core, 8 ns")
    axes.plot(-1.2, -14.7, "x", color="C3", label="where others find it")
    axes.set(title="5: a current moves a vortex", xlabel="x (nm)", ylabel="y (nm)", aspect="equal")
    axes.legend(fontsize=7)


def wire(axes: Axes, of: Curves) -> None:
    for c, name, colour in ((0, "$m_x$", "C0"), (2, "$m_z$", "C1")):
        axes.plot(of["x"], of["wire_exact"][c], color=colour, label=f"{name}, solution")
        axes.plot(of["x"][::4], of["wire"][c][::4], ".", color=colour)
    axes.set(title="DMI: edges of a wire", xlabel="x (nm)")
    axes.legend(fontsize=7)


def skyrmion(axes: Axes, of: Curves) -> None:
    inside = of["disk"] != 0
    axes.plot(of["r"][inside], of["disk"][inside], ".", color="C0", markersize=2, label="cells of 1 nm")
    axes.plot(of["r_exact"], of["disk_exact"], color="C1", label="radial solution")
    axes.set(title="DMI: a skyrmion in a disk", xlabel="r (nm)", ylabel="$m_z$")
    axes.legend(fontsize=7)


PANELS = (("2", problem2), ("3", problem3), ("4", problem4), ("5", problem5), ("dmi", wire), ("dmi", skyrmion))


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "out/standard-problems")
    missing = [name for name, _ in PANELS if not (folder / f"{name}.npz").is_file()]
    if missing:
        sys.exit(f"no curves of {', '.join(missing)} in {folder}: run python benchmarks/standard_problems.py first")
    figure, axes = pyplot.subplots(2, 3, figsize=(11, 6.4), layout="constrained")
    for panel, (name, draw) in zip(axes.flat, PANELS, strict=True):
        with np.load(folder / f"{name}.npz") as curves:
            draw(panel, curves)
    figure.savefig(PLACE, dpi=130)
    print(PLACE)


if __name__ == "__main__":
    main()
