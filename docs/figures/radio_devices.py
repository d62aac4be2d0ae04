"""Draws docs/img/radio-devices.png: spin diode and auto-oscillator, simulated and in closed form.

python docs/figures/radio_devices.py
"""

import math
from pathlib import Path

import torch
from matplotlib.axes import Axes

from spinloom.devices import SimulatedDiode, SimulatedOscillator, fit_power_curve, fit_resonance
from spinloom.magnetism import Applied, Constant, Demagnetization, Magnet, Material
from spinloom.report import BLUE, GREEN, GREY, ORANGE, canvas, label, legend, save

IMAGE = Path(__file__).parents[1] / "img" / "radio-devices.png"
ROUND, OVAL, FLAT = (0.02, 0.02, 0.27), (0.02, 0.08, 0.27), (0.01, 0.05, 0.94)
"""Demagnetising factors: films with most of their shape anisotropy compensated, and a plain elliptic film."""
DASHED = (0, (4, 3))


def layer(factors, field, direction, damping=0.01) -> Magnet:
    """800 kA/m, 100 nm across, 2 nm thick."""
    terms = (Demagnetization(factors), Applied(Constant(field), direction))
    return Magnet(Material(8e5, damping), 1.6e-23, terms)


def line(axis: Axes) -> None:
    """Rectified voltage against frequency."""
    diode = SimulatedDiode(layer(ROUND, 3e5, (0, 0, 1.0)), 2e-9, (1.0, 0, 0), field_like=1.5)
    mode = diode.mode()
    x = torch.linspace(-6, 8, 281, dtype=torch.float64)
    f = mode.frequency + x * mode.half_width
    power = torch.tensor([1e-9, 1e-7], dtype=torch.float64).unsqueeze(-1)
    simulated = (diode.voltage(power, f, settling=20.0) / power) * 1e-3
    axis.plot(x, diode.closed_form().conversion(f) * 1e-3, color=GREY, linewidth=5, alpha=0.35, label="closed form")
    axis.plot(x, simulated[0], color=BLUE, linewidth=1.6, label="simulated, 1 nW")
    axis.plot(x, simulated[1], color=ORANGE, linewidth=1.6, label="simulated, 100 nW")
    label(axis, "Spin diode, 3.52 GHz", "detuning, half widths", "rectified voltage, mV/µW")
    legend(axis, "upper left")


def widths(axis: Axes) -> None:
    """Width against damping."""
    damping = torch.logspace(-2.3, -1.3, 9, dtype=torch.float64).unsqueeze(-1)
    for name, factors, field, along, color in (
        ("circular", ROUND, 3e5, (0, 0, 1.0), BLUE),
        ("elliptical", FLAT, 2e4, (1.0, 0, 0), GREEN),
    ):
        across = (0.0, 1.0, 0.0)
        diode = SimulatedDiode(layer(factors, field, along, damping), 2e-9, across, along, field_like=0.5)
        mode = diode.mode()
        f = mode.frequency + torch.linspace(-6, 6, 41, dtype=torch.float64) * mode.half_width
        resonance, width = fit_resonance(f, diode.voltage(1e-11, f))
        axis.loglog(damping[:, 0], (mode.half_width / mode.frequency)[:, 0], color=color, linewidth=4, alpha=0.35)
        axis.loglog(damping[:, 0], width / resonance, "o", color=color, markersize=5, label=f"{name}, simulated")
    axis.loglog(damping[:, 0], damping[:, 0], color=GREY, linestyle=DASHED, label="damping x frequency")
    ticks = (0.005, 0.01, 0.02, 0.05, 0.1)
    axis.set_xticks(ticks[:4], [f"{tick:g}" for tick in ticks[:4]])
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.minorticks_off()
    label(axis, "Width of its line (bands: closed form)", "Gilbert damping", "half width / frequency")
    legend(axis, "upper left")


def oscillators() -> list[tuple[str, str, SimulatedOscillator]]:
    return [
        ("circular", BLUE, SimulatedOscillator(layer(ROUND, 3e5, (0, 0, 1.0)), 2e-9, angular_factor="mtj")),
        ("elliptical", GREEN, SimulatedOscillator(layer(OVAL, 3e5, (0, 0, 1.0)), 2e-9, angular_factor="mtj")),
    ]


def power_and_frequency(left: Axes, right: Axes) -> None:
    """Stationary power and frequency against current."""
    xi = torch.linspace(1.05, 3.0, 14, dtype=torch.float64)
    fine = torch.linspace(0.6, 3.0, 241, dtype=torch.float64)
    for name, color, o in oscillators():
        mode, threshold = o.mode(), o.threshold()
        gamma0 = 2 * math.pi * float(mode.half_width)
        run = o.run(xi * threshold, 100 / gamma0, power=0.05, records=20000).after(80 / gamma0)
        p = run.mean_power()
        left.plot(xi, p, "o", color=color, markersize=5, label=f"{name}, simulated")
        right.plot(xi, run.frequency() / mode.frequency, "o", color=color, markersize=5, label=f"{name}, simulated")
        if name == "circular":
            closed = o.closed_form()
            q, style = float(closed.nonlinear_damping), "circular, closed form"
            right.plot(fine, closed.frequency_at(fine * threshold) / closed.frequency, color=GREY, linestyle=DASHED)
            exact = _exact(fine.clamp(min=1), float(closed.nonlinear_shift / closed.frequency), 1.125)
            left.plot(fine, exact, color=color, linewidth=4, alpha=0.3, label="circular, exact")
            shifted = 1 + closed.nonlinear_shift / closed.frequency * exact
            right.plot(fine, shifted, color=color, linewidth=4, alpha=0.3, label="circular, exact")
        else:
            q, style = float(fit_power_curve(xi[:6] * threshold, p[:6])[1]), "elliptical, fitted up to 1.8"
        curve = (fine.clamp(min=1) - 1) / (fine.clamp(min=1) + q)
        shade = GREY if name == "circular" else color
        left.plot(fine, curve, color=shade, linestyle=DASHED, label=f"{style}, Q = {q:.2f}")
    right.plot([], [], color=GREY, linestyle=DASHED, label="circular, closed form $f_0 + N p$")
    label(left, "Auto-oscillator: power", "current / threshold", "normalised power p")
    label(right, "Auto-oscillator: frequency", "current / threshold", "frequency / $f_0$")
    legend(left, "upper left")
    legend(right, "upper left")


def _exact(xi: torch.Tensor, q: float, kappa: float) -> torch.Tensor:
    """p of (1 + q p)(1 + kappa p) = xi."""
    half = (q + kappa) / (2 * q * kappa)
    return (half**2 + (xi - 1) / (q * kappa)).sqrt() - half


def main() -> None:
    figure, axes = canvas(2, 2, height=8.4, share=False)
    line(axes[0])
    widths(axes[1])
    power_and_frequency(axes[2], axes[3])
    save(IMAGE, figure)


if __name__ == "__main__":
    main()
