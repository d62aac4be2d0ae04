"""Figures of a macrospin beside a mesh."""

from matplotlib.figure import Figure

from spinloom.devices import TwoPolarizerMTJ
from spinloom.quantities import si
from spinloom.report import BLUE, GREEN, GREY, ORANGE, TEXT, canvas, label, legend
from spinloom.studies.mtj_design.checking import Checked
from spinloom.studies.mtj_design.figures import COLOURS, NAMES
from spinloom.studies.mtj_design.modes import DENSER, Modes


def draw_modes(space: Modes, device: TwoPolarizerMTJ) -> Figure:
    """Differences and non-uniformity against diameter and pulse, logarithmic."""
    figure, (size, pulse, size_modes, pulse_modes) = canvas(2, 2, height=6.4)
    ms, length = float(device.saturation_magnetization) / 1e3, float(device.pulse)
    light, dense = f"{ms:g} kA/m", f"{DENSER * ms:g} kA/m"
    sizes = (
        (space.sizes, "-", f"{light}, {si(length, 's')}"),
        (space.dense_sizes, "--", f"{dense}, {si(DENSER * length, 's')}"),
    )
    pulses = ((space.pulses, "-", light), (space.dense_pulses, "--", dense))
    for top, bottom, scale, series in ((size, size_modes, 1e9, sizes), (pulse, pulse_modes, 1e12, pulses)):
        for found, line, text in filter(lambda one: one[0], series):
            at = [scale * one.at for one in found]
            for name, colour, mark, symbol in (("value", BLUE, "o", "$m_x$"), ("slope", ORANGE, "s", "$m_z^2$")):
                values = [getattr(one, name) for one in found]
                top.plot(at, values, color=colour, linestyle=line, marker=mark, label=f"{symbol}, {text}")
            away = [one.nonuniformity for one in found]
            bottom.plot(at, away, color=GREEN, linestyle=line, marker="^", label=text)
    for row in ((size, pulse), (size_modes, pulse_modes)):
        limits = [limit for axis in row for limit in axis.dataLim.intervaly]
        for axis in row:
            axis.set_yscale("log")
            axis.set_ylim(min(limits) / 2, max(limits) * 12)  # room for the legends
            axis.legend(loc="upper left", fontsize=TEXT - 2, frameon=False, ncols=2, columnspacing=1.0)
    label(size, "Mesh against macrospin", "", "largest difference")
    label(pulse, f"The same, diameter {si(float(device.diameter), 'm')}", "", "largest difference")
    label(size_modes, "Non-uniform modes", "diameter (nm)", "1 - |<m>| after the pulse")
    label(pulse_modes, "Non-uniform modes", "pulse (ps)", "1 - |<m>| after the pulse")
    return figure


def draw_warmth(checks: tuple[Checked, Checked]) -> Figure:
    """What thermal motion does on a mesh and to a macrospin: mean of m_z^2 beside its ideal, noise of a read."""
    figure, (slope, noise) = canvas(2, height=4.2)
    for check, name, colour in zip(checks, NAMES, COLOURS, strict=True):
        for response, line, kind in ((check.nominal, "-", "mesh"), (check.point, "--", "macrospin")):
            inputs = response.inputs
            left = response.slope[0] - 1 + inputs.tanh().square()
            slope.plot(inputs, left, color=colour, linestyle=line, label=f"{name}, {kind}")
            noise.plot(inputs, response.noise[0], color=colour, linestyle=line, label=f"{name}, {kind}")
    slope.axhline(0, color=GREY, linewidth=1)
    noise.set_ylim(0, 1.45 * noise.dataLim.y1)
    label(slope, "Gradient at temperature", "network input (drive / unit drive)", "residual of $m_z^2$")
    label(noise, "Noise of one read of $m_x$", "network input (drive / unit drive)", "of full scale")
    legend(noise, "upper right")
    return figure
