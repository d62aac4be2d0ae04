"""Why the default junction is what it is: deviation from tanh, noise and energy for neighbouring choices.

    python docs/figures/device_choice.py

prints the tables of docs/device.md. Deviation and noise are root mean squares over a network input that is normal with
standard deviation 1, over 256 devices with 5 % spread at 300 K.
"""

from dataclasses import replace

import torch

from spinloom.devices import Response, Spread, TwoPolarizerMTJ

BASE = TwoPolarizerMTJ()
SPREAD = Spread.uniform(0.05)


def rms(response: Response) -> tuple[float, float]:
    """(deviation of value from tanh, noise of a read)."""
    weight = torch.exp(-response.inputs.square() / 2)
    weight /= weight.sum()
    error = response.value - response.inputs.tanh()
    return tuple(float((q.square() * weight).sum(1).mean().sqrt()) for q in (error, response.noise))  # type: ignore[return-value]


def row(label: str, device: TwoPolarizerMTJ) -> str:
    nominal, _ = rms(device.simulate(temperature=0))
    spread, noise = rms(device.simulate(spread=SPREAD, devices=256))
    cost = device.cost()
    unit = float(device.unit_drive)
    at_one = float(cost.write_energy[(cost.drive / unit - 1).abs().argmin()])
    energy = (at_one + cost.reset_energy + cost.read_energy) * 1e15
    volts = float(device.write_voltage(device.unit_drive))
    return f"| {label} | {volts:.2f} | {nominal:.4f} | {spread:.3f} | {noise:.3f} | {energy:.0f} |"


def table(title: str, rows: list[tuple[str, TwoPolarizerMTJ]]) -> None:
    print(
        f"\n| {title} | V at input 1 | deviation, nominal, 0 K | deviation, 5 % spread | noise of a read "
        "| energy at input 1, fJ |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for label, device in rows:
        print(row(label, device), flush=True)


def main() -> None:
    # The pulse scales with Ms, so that the drive for an input of 1 stays the same.
    table(
        "saturation magnetisation, pulse",
        [
            (
                f"{ms / 1e3:.0f} kA/m, {ms / 2.5e5 * 125:.0f} ps",
                replace(BASE, saturation_magnetization=ms, pulse=ms / 2.5e5 * 0.125e-9),
            )
            for ms in (1.5e5, 2.5e5, 4e5, 6e5, 1e6)
        ],
    )
    table("diameter", [(f"{d * 1e9:.0f} nm", replace(BASE, diameter=d)) for d in (40e-9, 60e-9, 80e-9, 120e-9, 160e-9)])
    table("pulse", [(f"{p * 1e12:.0f} ps", replace(BASE, pulse=p)) for p in (0.08e-9, 0.125e-9, 0.2e-9, 0.3e-9)])
    table(
        "residual field", [(f"{b * 1e3:.1f} mT", replace(BASE, residual_field=b)) for b in (0.0, 0.5e-3, 5e-3, 20e-3)]
    )
    table("field-like / damping-like", [(f"{x}", replace(BASE, field_like=x)) for x in (0.0, 0.1, 0.2, 0.4)])
    pairs = [(s, o) for o in ("bipolar", "single") for s in ("voltage", "current")]
    table("source, operation", [(f"{s}, {o}", replace(BASE, source=s, operation=o)) for s, o in pairs])
    table("read-out", [(r, replace(BASE, readout=r)) for r in ("conductance", "resistance")])
    table("reset", [(f"{r * 1e12:.0f} ps", replace(BASE, reset=r)) for r in (0.15e-9, 0.2e-9, 0.3e-9, 0.6e-9)])


if __name__ == "__main__":
    main()
