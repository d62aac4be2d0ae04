"""The figures of the study with their captions."""

from spinloom.devices import DeviceSource
from spinloom.report import Plot, draw_cost, draw_curves, draw_sizes, draw_sweep
from spinloom.studies.mtj_parts.measurements import Measured

SWEEPS = {
    "spread": (
        "Accuracy against device spread",
        "standard deviation of every physical parameter (%)",
        100,
        "Fabricated networks: every junction differs in diameter, thickness, anisotropy, damping, polarization and "
        "direction of its polarizers. Thermal noise of the reads is included.",
    ),
    "noise": (
        "Accuracy against read noise",
        "added noise of one read (% of full scale)",
        100,
        "Nominal junctions, with noise added to their own in every read of every neuron.",
    ),
    "temperature": (
        "Accuracy against temperature",
        "temperature (K)",
        1,
        "Nominal junctions; only the thermal motion and the Johnson noise change, material parameters do not.",
    ),
    "diameter": (
        "Accuracy against diameter",
        "diameter of the junction (nm)",
        1e9,
        "Nominal junctions: a smaller free layer moves more at room temperature.",
    ),
}
"""By name of sweep: title, axis, factor from SI to the axis, caption."""


def plots(junctions: DeviceSource, spread: float, found: Measured) -> tuple[Plot, ...]:
    """All figures there is data for, in the order of the report."""
    curves = junctions.fabricated(spread)
    drawn = [
        Plot(
            "curves",
            "The junction's two outputs beside tanh and its derivative; below, the deviation of the nominal device. "
            f"Thin lines are {junctions.single}, the band is the noise of one read.",
            draw_curves(junctions.nominal(), curves),
        )
    ]
    for name, (title, axis, scale, caption) in SWEEPS.items():
        if name in found.sweeps:
            figure = draw_sweep(found.sweeps[name], found.sweep_software, title, axis, scale)
            drawn.append(Plot(f"accuracy-{name}", caption, figure))
    if found.sizes:
        figure = draw_sizes(
            [size.diameter for size in found.sizes],
            [size.noise for size in found.sizes],
            [size.cost.neurons for size in found.sizes],
        )
        drawn.append(Plot("size", "What the diameter of the junctions trades: noise against energy.", figure))
    if found.cost:
        caption = "Where the energy of one inference goes; the weights are an estimate and not in the junctions."
        drawn.append(Plot("energy", caption, draw_cost(found.cost)))
    return tuple(drawn)
