"""Figures of radio-frequency networks: cost, resonators among the inputs, filters, spectra, and what they answer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from spinloom.data import Points, SpectraSet
from spinloom.errors import InputError
from spinloom.evaluation import FLOAT32, INT8, NOMINAL, Digital, RadioCost
from spinloom.nn.radio import Band, RFConv2d, chain_weights, plan
from spinloom.quantities import si
from spinloom.report import style
from spinloom.report.style import BLUE, DASHED, GREEN, GREY, ORANGE, PURPLE, TEXT, canvas, label, legend
from spinloom.report.tables import Table

DIAMETERS = (10e-9, 20e-9, 50e-9, 100e-9, 200e-9, 500e-9)
"""m; from what is etched at best to what published experiments used."""
_FILTERS = 8
"""Filters shown."""
_SIGNS = ((ORANGE, "+ above its resonance, - below"), (BLUE, "connected the other way: - above, + below"))
_SHADES = LinearSegmentedColormap.from_list("classes", ("#BBD7EA", "#FFFFFF", "#F6CDB0"))
_DRAWN = 400
"""Test points drawn in a map."""


def draw_radio_cost(
    cost: RadioCost, diameters: Sequence[float] = DIAMETERS, arithmetic: Sequence[Digital] = (FLOAT32, INT8)
) -> Figure:
    """Energy per inference against diameter (m), and where the power goes at `cost.diameter`.

    arithmetic: computers drawn as lines beside `cost.digital`.
    """
    figure, (energy, power) = canvas(2, height=4.6)
    at = [cost.at(diameter) for diameter in diameters]
    nanometres = [1e9 * diameter for diameter in diameters]
    energy.plot(nanometres, [c.energy for c in at], color=BLUE, linewidth=2.2, label="all junctions")
    energy.plot(nanometres, [c.synapse_energy for c in at], "--", color=ORANGE, linewidth=1.6, label="resonators")
    if cost.oscillators:
        energy.plot(nanometres, [c.neuron_energy for c in at], ":", color=GREEN, linewidth=1.9, label="oscillators")
    energy.plot([1e9 * NOMINAL], [cost.at(NOMINAL).energy], "o", color=BLUE, markersize=8, label="published, 20 nm")
    style.refer(energy, cost.model_energy, "constants of the model", "-.", BLUE)
    looks = ((GREY, (0, (5, 2))), (PURPLE, (0, (3, 2))), (GREY, (0, (1, 1.5))))
    for computer, (colour, line) in zip((cost.digital, *arithmetic), looks, strict=False):
        style.refer(energy, cost.macs * computer.mac_energy, computer.name, line, colour)
    energy.set_yscale("log")
    style.log_ticks(energy, nanometres)
    low, high = energy.get_ylim()
    energy.set_ylim(low, high * (high / low) ** 0.85)  # room for the legend
    title = f"{cost.resonators:,} resonators, {cost.oscillators:,} oscillators"
    label(energy, title, "diameter (nm)", "J per inference")
    legend(energy, "upper left")
    rows = (
        ("microcontroller,\nas many inferences", cost.digital_energy / cost.latency, GREY),
        ("waves into all chains", cost.wave_power, ORANGE),
        ("direct current\nin oscillators", cost.direct_power, GREEN),
        ("published energies\nover the latency", cost.power, BLUE),
    )
    names, watts, colours = zip(*(row for row in rows if row[1] > 0), strict=True)
    bars = power.barh(names, watts, color=colours, height=0.55)
    power.bar_label(bars, [si(each, "W") for each in watts], fontsize=TEXT - 1, padding=4)
    power.set_xscale("log")
    low, high = min(watts), max(watts)
    power.set_xlim(low / 5, high * (high / low) ** 0.3 * 5)
    power.grid(False, axis="y")
    label(power, "Power while computing", f"W ({1e9 * cost.diameter:g} nm, {si(cost.latency, 's')} per inference)", "")
    return figure


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
    for axis in axes:
        axis.set_axis_off()
    for number, (axis, image) in enumerate(zip(axes, images, strict=False)):
        axis.imshow(image.numpy(), cmap="Greys", vmin=0, vmax=1.6 * float(image.max()))
        for first, colour in ((0, ORANGE), (1, BLUE)):
            places = at[number, first::2]
            axis.scatter(places % width, places // width, s=42, color=colour, edgecolors="white", linewidths=0.8)
        axis.set_title(f"chain {number}", fontsize=TEXT)
    heading = f"Resonators at their inputs{f', inputs {title}' if title else ''}"
    figure.suptitle(heading, fontsize=TEXT + 1, fontweight="bold")
    for colour, text in _SIGNS:
        axes[0].scatter([], [], s=42, color=colour, label=text)
    style.legend_below(figure, axes[0], 2)
    return figure


def draw_input_frequencies(
    inputs: torch.Tensor, resonances: torch.Tensor, shape: tuple[int, int], band: tuple[float, float]
) -> Figure:
    """Frequency of every pixel as an image, and the resonances of the chains beside it, in one colour scale, Hz."""
    figure, (left, right) = canvas(2, height=4.6)
    megahertz = inputs.view(shape).numpy() / 1e6
    limits = {"cmap": "viridis", "norm": "log", "vmin": band[0] / 1e6, "vmax": band[1] / 1e6}
    shown = left.imshow(megahertz, **limits)  # type: ignore[arg-type]
    left.grid(False)
    label(left, "Frequency of every input", "", "")
    left.set(xticks=[], yticks=[])
    bar = figure.colorbar(shown, ax=left, shrink=0.85)
    ticks = [t for t in (1, 2, 5, 10, 20, 40, 80, 120, 200, 500, 1000) if band[0] <= 1e6 * t <= band[1]]
    bar.set_ticks(ticks, labels=[str(t) for t in ticks])
    bar.ax.minorticks_off()
    bar.set_label("MHz", fontsize=TEXT)
    right.plot(inputs / 1e6, torch.full_like(inputs, -1.0), "|", color=GREY, alpha=0.4, markersize=12)
    for number, row in enumerate(resonances):
        for first, colour in ((0, ORANGE), (1, BLUE)):
            right.plot(row[first::2] / 1e6, torch.full_like(row[first::2], number), "o", color=colour, markersize=5)
    style.log_ticks(right, ticks)
    right.set_yticks([-1, *range(len(resonances))], ["inputs", *map(str, range(len(resonances)))])
    label(right, "Resonances of the chains", "frequency (MHz)", "chain")
    return figure


def draw_filters(layer: RFConv2d) -> Figure:
    """Filters of a first layer as images, in units of the sensitivity; below, one as a chain: weight by frequency."""
    weights = layer.weights().detach()[:, 0] / layer.sensitivity
    figure, (above, below) = canvas(1, 2, height=6.2, ratios=(1, 1.9))
    above.set_axis_off()
    shown = min(_FILTERS, len(weights))
    picked = int(weights.flatten(1).norm(dim=1)[:shown].argmax())
    limits = Normalize(-float(weights.abs().max()), float(weights.abs().max()))
    for number in range(shown):
        place = above.inset_axes((number / shown + 0.006, 0.0, 0.88 / shown, 0.86))
        place.imshow(weights[number].numpy(), cmap="RdBu_r", norm=limits)
        place.set(xticks=[], yticks=[])
        place.set_title(f"{number + 1}", fontsize=TEXT - 1, color=BLUE if number == picked else GREY)
    label(above, "Learned filters of the first layer", "", "")
    bar = figure.colorbar(ScalarMappable(limits, "RdBu_r"), ax=above, fraction=0.02, pad=0.01)
    bar.set_label("weight (K)", fontsize=TEXT - 1)
    taps = layer.input_frequencies().detach().double()
    resonances = layer.resonances().detach()[picked, 0].double()
    low, high = (float(end.log10()) for end in (taps.min(), taps.max()))
    fine = torch.logspace(low - 0.01, high + 0.01, 4_001, dtype=torch.float64)
    signs = layer.amplitudes[0].double()
    unit = float(taps.max())
    curve = chain_weights(fine / unit, resonances[None] / unit, layer.linewidth * resonances[None] / unit, signs)[0]
    own = layer.weights().detach()[picked].flatten() / layer.sensitivity
    below.axhline(0, color=GREY, linewidth=0.8)
    megahertz, at, resonant = (f.numpy() / 1e6 for f in (fine, taps, resonances))
    below.plot(megahertz, curve.numpy(), color=GREY, linewidth=1, label="weight of the chain at any frequency")
    below.vlines(at, 0, own.numpy(), color=BLUE, linewidth=1.2)
    below.plot(at, own.numpy(), "o", color=BLUE, markersize=5, label="taps: the filter's weights")
    look: Any = {"color": ORANGE, "markersize": 11, "mew": 1.6, "label": "resonance frequencies"}
    below.plot(resonant, [-1.32] * len(resonant), "|", **look)
    style.log_ticks(below, [20, 30, 40, 60, 80, 120])
    below.set_ylim(-1.45, 1.75)
    label(below, f"Filter {picked + 1} as a chain of {layer.resonators} resonators", "frequency (MHz)", "weight (K)")
    legend(below, "upper center", ncols=3)
    return figure


def draw_sneaks(sets: Mapping[str, tuple[Sequence[Mapping[str, Any]], float]]) -> Figure:
    """Errors of weights and accuracy of the parallel layout against the spacing of the pixels' frequencies.

    sets: by name of the images, points of spacing (linewidths), errors (of each convolution) and accuracy; and the
    accuracy of the sequential layout.
    """
    figure, (left, right) = canvas(2, height=4.4)
    for (title, (points, planned)), line, marker in zip(sets.items(), ("-", DASHED), ("o", "s"), strict=False):
        spacing = [point["spacing"] for point in points]
        look: dict[str, Any] = {"linestyle": line, "marker": marker, "linewidth": 1.8}
        for number, colour in enumerate((BLUE, ORANGE)):
            errors = [point["errors"][number] for point in points]
            left.plot(spacing, errors, color=colour, label=f"{title}, layer {number + 1}", **look)
        style.refer(right, 100 * planned, None, line)
        right.plot(spacing, [100 * point["accuracy"] for point in points], color=BLUE, label=title, **look)
    right.plot([], [], color=GREY, linewidth=1.4, label="sequential layout")
    left.set_yscale("log")
    for axis in (left, right):
        axis.set_xscale("log")
    right.set_ylim(0, 102)
    label(left, "Error of the weights", "spacing of pixels (linewidths)", "relative error, all pixels")
    label(right, "Accuracy of the network", "spacing of pixels (linewidths)", "accuracy (%)")
    legend(left, "lower left")
    legend(right, "lower right")
    return figure


def draw_spectra(train: SpectraSet, moved: Sequence[float]) -> Figure:
    """Mean spectra by class against the network's input frequencies (MHz), shifts of the resonators below."""
    figure, (above, below) = canvas(1, 2, height=6.4, ratios=(2.2, 1))
    megahertz = (1e-6 * plan("linear", train.values.shape[1], Band())).numpy()
    chosen = [train.values[train.labels == label] for label in range(len(train.classes))]
    rows = torch.stack([part.mean(0) if len(part) else torch.zeros(train.values.shape[1]) for part in chosen])
    decibels = (10 * rows.clamp(min=1e-4).log10()).numpy()
    above.grid(False)
    picture = above.pcolormesh(megahertz, range(len(rows)), decibels, vmin=-25, vmax=0, shading="nearest")
    above.invert_yaxis()
    above.set_yticks(range(len(rows)), train.classes)
    shown = figure.colorbar(picture, ax=above, pad=0.01)
    shown.set_label("power (dB of 1 µW)", fontsize=TEXT)
    label(above, "Mean spectra of the classes", "", "")
    below.plot(megahertz, moved, color=BLUE, linewidth=1.6)
    below.set_ylim(bottom=0)
    below.set_xlim(float(megahertz[0]), float(megahertz[-1]))
    label(below, "Shift of the resonances", "initial frequency (MHz)", "linewidths")
    return figure


def draw_confusion(shares: Sequence[Sequence[float]], classes: Sequence[str], title: str) -> Figure:
    """Confusion matrix in per cent. shares: (true, given), rows add up to 1. Cells below 0.05 % stay empty."""
    table = 100 * torch.tensor(shares, dtype=torch.float64)
    figure, (axis,) = canvas(height=7.2)
    figure.set_size_inches(8.4, 7.4)
    axis.grid(False)
    # errors are rare: a square root makes them visible beside the diagonal
    axis.imshow(table.sqrt().numpy(), cmap="Blues", vmin=0, vmax=10, aspect="equal")
    for row, column in torch.nonzero(table >= 0.05).tolist():
        value = float(table[row, column])
        text = "100" if value > 99.95 else f"{value:.1f}"
        shade = "white" if value > 40 else "black"
        axis.text(column, row, text, ha="center", va="center", fontsize=TEXT - 1, color=shade)
    ticks = range(len(classes))
    axis.set_xticks(ticks, classes, rotation=40, ha="right", rotation_mode="anchor")
    axis.set_yticks(ticks, classes)
    axis.set_xticks([tick - 0.5 for tick in ticks], minor=True)
    axis.set_yticks([tick - 0.5 for tick in ticks], minor=True)
    axis.grid(which="minor", color="#E3E3E3", linewidth=0.8)
    axis.tick_params(which="both", length=0)
    axis.spines[:].set_visible(False)
    label(axis, title, "class given by the network", "true class")
    return figure


def draw_decisions(
    maps: Sequence[Sequence[Sequence[float]]], points: Sequence[Points], titles: Sequence[str], names: tuple[str, str]
) -> Figure:
    """A panel for each map: how often class 1 is said at each place, 0 to 1, rows along the second coordinate.

    points: some of them are drawn, by class. names: of the two coordinates.
    """
    figure, axes = canvas(len(maps), height=4.3)
    for axis, said, given, title in zip(axes, maps, points, titles, strict=True):
        axis.imshow(np.array(said), origin="lower", extent=(0, 1, 0, 1), cmap=_SHADES, vmin=0, vmax=1)
        side = np.linspace(0, 1, len(said))
        axis.contour(side, side, np.array(said), levels=[0.5], colors=[GREY], linewidths=1.2)
        for kind, colour, marker in ((0, BLUE, "o"), (1, ORANGE, "^")):
            x, y = given.places[:_DRAWN][given.labels[:_DRAWN] == kind].T.tolist()
            axis.scatter(x, y, s=9, color=colour, marker=marker, linewidths=0, label=f"class {kind}")
        label(axis, title, names[0], names[1] if axis is axes[0] else "")
        axis.grid(False)
        axis.set_aspect("equal")
    style.legend_below(figure, axes[0], 2, markerscale=2)
    return figure
