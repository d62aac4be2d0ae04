"""Figures of radio-frequency networks: what their junctions take, and which resonator ended at which input."""

import math
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spinloom.errors import InputError
from spinloom.evaluation import FLOAT32, INT8, NOMINAL, Digital, RadioCost
from spinloom.quantities import si
from spinloom.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend
from spinloom.report.tables import Table

DIAMETERS = (10e-9, 20e-9, 50e-9, 100e-9, 200e-9, 500e-9)
"""m; from what is etched at best to what published experiments used."""


def draw_radio_cost(
    cost: RadioCost, diameters: Sequence[float] = DIAMETERS, arithmetic: Sequence[Digital] = (FLOAT32, INT8)
) -> Figure:
    """Energy per inference against diameter (m), and where the power goes at `cost.diameter`.

    arithmetic: computers drawn as lines beside `cost.digital`.
    """
    figure, (energy, power) = canvas(2, height=4.6)
    _energies(energy, cost, diameters, arithmetic)
    _powers(power, cost)
    return figure


def _energies(axis: Axes, cost: RadioCost, diameters: Sequence[float], arithmetic: Sequence[Digital]) -> None:
    at = [cost.at(diameter) for diameter in diameters]
    nanometres = [1e9 * diameter for diameter in diameters]
    axis.plot(nanometres, [c.energy for c in at], color=BLUE, linewidth=2.2, label="all junctions")
    axis.plot(nanometres, [c.synapse_energy for c in at], "--", color=ORANGE, linewidth=1.6, label="resonators")
    if cost.oscillators:
        axis.plot(nanometres, [c.neuron_energy for c in at], ":", color=GREEN, linewidth=1.9, label="oscillators")
    axis.plot([1e9 * NOMINAL], [cost.at(NOMINAL).energy], "o", color=BLUE, markersize=8, label="published, 20 nm")
    axis.axhline(cost.model_energy, color=BLUE, linewidth=1.4, linestyle="-.", label="constants of the model")
    for computer, colour, style in zip((cost.digital, *arithmetic), _COLOURS, _STYLES, strict=False):
        level = cost.macs * computer.mac_energy
        axis.axhline(level, color=colour, linewidth=1.4, linestyle=style, label=computer.name)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xticks(nanometres, [f"{value:g}" for value in nanometres])
    axis.minorticks_off()
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.85)  # room for the legend
    label(axis, f"{cost.resonators:,} resonators, {cost.oscillators:,} oscillators", "diameter (nm)", "J per inference")
    legend(axis, "upper left")


_COLOURS, _STYLES = (GREY, PURPLE, GREY), ((0, (5, 2)), (0, (3, 2)), (0, (1, 1.5)))


def _powers(axis: Axes, cost: RadioCost) -> None:
    rows = {
        "microcontroller,\nas many inferences": cost.digital_energy / cost.latency,
        "waves into all chains": cost.wave_power,
        "direct current\nin oscillators": cost.direct_power,
        "published energies\nover the latency": cost.power,
    }
    shown = {name: watts for name, watts in rows.items() if watts > 0}
    colours = dict(zip(rows, (GREY, ORANGE, GREEN, BLUE), strict=True))
    bars = axis.barh(list(shown), list(shown.values()), color=[colours[name] for name in shown], height=0.55)
    axis.bar_label(bars, [si(watts, "W") for watts in shown.values()], fontsize=TEXT - 1, padding=4)
    axis.set_xscale("log")
    low, high = min(shown.values()), max(shown.values())
    axis.set_xlim(low / 5, high * (high / low) ** 0.3 * 5)
    axis.grid(False, axis="y")
    label(axis, "Power while computing", f"W ({1e9 * cost.diameter:g} nm, {si(cost.latency, 's')} per inference)", "")


def radio_cost_table(cost: RadioCost) -> Table:
    """Counts, energy, time, band and power of one network, for people."""
    rows = (
        ("resonators", cost.resonators),
        ("oscillators", cost.oscillators),
        ("synaptic operations per inference", cost.synaptic_operations),
        ("neuron operations per inference", cost.neuron_operations),
        (f"energy of all junctions of {1e9 * cost.diameter:g} nm", si(cost.energy, "J")),
        ("time from input to output", si(cost.latency, "s")),
        ("band of all frequencies", si(cost.bandwidth, "Hz")),
        ("power, published energies over the time", si(cost.power, "W")),
        ("energy, constants of the model, whole time", si(cost.model_energy, "J")),
        ("power, direct current in the oscillators", si(cost.direct_power, "W")),
        ("power, waves into all chains", si(cost.wave_power, "W")),
        (f"energy on a {cost.digital.name}", si(cost.digital_energy, "J")),
        (f"time on a {cost.digital.name}", si(cost.digital_latency, "s")),
        ("digital energy over that of the junctions", f"{cost.advantage:.3g}"),
    )
    return Table("Cost of one inference", ("quantity", "value"), rows, "See the assumptions for what is left out.")


def nearest_inputs(inputs: torch.Tensor, resonances: torch.Tensor) -> torch.Tensor:
    """Index of the input whose frequency is nearest in ratio, like `resonances`. inputs: (inputs,), all in one unit."""
    return (resonances.log().unsqueeze(-1) - inputs.log()).abs().argmin(-1)


def draw_resonators(
    inputs: torch.Tensor, resonances: torch.Tensor, images: Sequence[torch.Tensor], title: str = ""
) -> Figure:
    """A panel for every chain: its resonators at the pixels of their frequencies, on an image.

    inputs: (height * width,), Hz. resonances: (chains, resonators), Hz, signs alternating along the chain. images: one
    (height, width) for every chain, such as the mean of its class. Raises InputError for shapes that do not fit.
    """
    chains = len(resonances)
    if len(images) != chains or inputs.ndim != 1 or images[0].numel() != len(inputs):
        raise InputError(
            f"{chains} chains need {chains} images of {len(inputs)} pixels, got {len(images)} of {images[0].numel()}"
        )
    columns = min(5, chains)
    rows = math.ceil(chains / columns)
    figure, axes = canvas(columns, rows, height=2.15 * rows + 0.5)
    at = nearest_inputs(inputs, resonances)
    width = images[0].shape[1]
    for number, axis in enumerate(axes):
        axis.set_axis_off()
        if number >= chains:
            continue
        axis.imshow(images[number], cmap="Greys", vmin=0, vmax=1.6 * float(images[number].max()))
        for first, colour in ((0, ORANGE), (1, BLUE)):
            places = at[number, first::2]
            axis.scatter(places % width, places // width, s=42, color=colour, edgecolors="white", linewidths=0.8)
        axis.set_title(f"chain {number}", fontsize=TEXT)
    figure.suptitle(
        f"Resonators at their inputs{f', inputs {title}' if title else ''}", fontsize=TEXT + 1, fontweight="bold"
    )
    figure.legend(
        handles=[axes[0].scatter([], [], s=42, color=colour, label=text) for colour, text in _SIGNS],
        loc="outside lower center", ncols=2, frameon=False, fontsize=TEXT - 1,
    )  # fmt: skip
    return figure


_SIGNS = ((ORANGE, "+ above its resonance, - below"), (BLUE, "connected the other way: - above, + below"))


def draw_input_frequencies(
    inputs: torch.Tensor, resonances: torch.Tensor, shape: tuple[int, int], band: tuple[float, float]
) -> Figure:
    """Frequency of every pixel as an image, and the resonances of the chains beside it, in one colour scale, Hz."""
    figure, (left, right) = canvas(2, height=4.6)
    megahertz = inputs.view(shape) / 1e6
    limits = {"cmap": "viridis", "norm": "log", "vmin": band[0] / 1e6, "vmax": band[1] / 1e6}
    shown = left.imshow(megahertz, **limits)  # type: ignore[arg-type]
    left.grid(False)
    label(left, "Frequency of every input", "", "")
    left.set_xticks([])
    left.set_yticks([])
    bar = figure.colorbar(shown, ax=left, shrink=0.85)
    ticks = [t for t in (1, 2, 5, 10, 20, 40, 80, 120, 200, 500, 1000) if band[0] <= 1e6 * t <= band[1]]
    bar.set_ticks(ticks, labels=[str(t) for t in ticks])
    bar.ax.minorticks_off()
    bar.set_label("MHz", fontsize=TEXT)
    right.plot(inputs / 1e6, torch.full_like(inputs, -1.0), "|", color=GREY, alpha=0.4, markersize=12)
    for number, row in enumerate(resonances):
        for first, colour in ((0, ORANGE), (1, BLUE)):
            right.plot(row[first::2] / 1e6, torch.full_like(row[first::2], number), "o", color=colour, markersize=5)
    right.set_xscale("log")
    right.set_xticks(ticks, [str(t) for t in ticks])
    right.minorticks_off()
    right.set_yticks([-1, *range(len(resonances))], ["inputs", *map(str, range(len(resonances)))])
    label(right, "Resonances of the chains", "frequency (MHz)", "chain")
    return figure
