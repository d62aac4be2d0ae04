"""Breathing of a skyrmion in a disk against the MuMax3 records of arXiv 2108.02318 (facts in the paper's repository).

    python skyrmion.py [CELL_NM [KU ...]]      cells of 1 nm as published take minutes, 2 nm are quick but coarse;
                                               KU in J/m^3, of those recorded

Disk of 100 nm, 1 nm thick, Ms 580 kA/m, A 15 pJ/m, D 3.0 mJ/m^2, damping 0.01, several Ku in one batch. The skyrmion is
relaxed at a slightly larger D, then rings freely; the frequency is that of the decaying sine in <m_z>.
"""

import json
import sys
import warnings

import numpy as np
import torch
from scipy.optimize import curve_fit

from common import machine
from spinloom.errors import SpinloomWarning
from spinloom.magnetism import (
    Demagnetization,
    Exchange,
    InterfacialDMI,
    Magnet,
    Material,
    Mesh,
    Uniaxial,
    relax,
    simulate,
)
from spinloom.magnetism.scene import disk, masked, skyrmion

RECORDED = {7.50e5: 11.47e9, 7.75e5: 12.81e9, 8.00e5: 14.15e9, 8.25e5: 15.48e9, 8.50e5: 16.79e9}
"""Ku (J/m^3) and breathing frequency (Hz) of the MuMax3 tables."""
SPACING = 5e-12


def ringing(cell: float, anisotropies: list[float], duration: float) -> torch.Tensor:
    """<m_z> every 5 ps, (records, members)."""
    count = round(100e-9 / cell)
    mesh = Mesh((count, count, 1), (cell, cell, 1e-9))
    mask = disk(mesh, 100e-9)
    ku = torch.tensor(anisotropies, dtype=torch.float64).reshape(-1, 1, 1, 1)

    def magnet(dmi: float) -> Magnet:
        fields = (Exchange(15e-12), InterfacialDMI(dmi), Uniaxial(ku), Demagnetization())
        return Magnet(Material(5.8e5, 0.01), mesh=mesh, fields=fields, geometry=mask)

    start = masked(skyrmion(mesh, 9e-9, 4e-9), mask)
    start = start[:, None].expand(3, len(anisotropies), *mesh.shape).contiguous()
    rest = relax(magnet(3.03e-3), start, torque=1e-4).m
    run = simulate(magnet(3.0e-3), rest, duration, 1e-14, records=round(duration / SPACING))
    return run.m[:, 2].sum((-3, -2, -1)) / int(mask.sum())


def frequency(signal: torch.Tensor) -> float:
    """Hz of the decaying sine in a signal sampled every 5 ps."""
    y = signal.double().numpy()
    t = np.arange(len(y)) * SPACING * 1e9
    spectrum = abs(np.fft.rfft((y - y.mean()) * np.hanning(len(y)), 16 * len(y)))
    guess = np.fft.rfftfreq(16 * len(y), SPACING * 1e9)[spectrum.argmax()]

    def model(t, a, b, f, rate, offset, slope):  # type: ignore[no-untyped-def]
        phase = 2 * np.pi * f * t
        return (a * np.cos(phase) + b * np.sin(phase)) * np.exp(-rate * t) + offset + slope * t

    found, _ = curve_fit(model, t, y, p0=(np.ptp(y) / 2, 0, guess, 1.0, y.mean(), 0))
    return float(found[2]) * 1e9


def main() -> None:
    warnings.simplefilter("ignore", SpinloomWarning)
    cell = float(sys.argv[1]) * 1e-9 if len(sys.argv) > 1 else 1e-9
    chosen = [float(text) for text in sys.argv[2:]] or list(RECORDED)
    signals = ringing(cell, chosen, 0.6e-9)
    for ku, signal in zip(chosen, signals.T, strict=True):
        recorded = RECORDED[ku]
        found = frequency(signal)
        line = {"name": f"skyrmion-breathing-Ku-{ku / 1e5:.2f}e5", "measured_GHz": round(found / 1e9, 3)}
        line |= {"recorded_GHz": recorded / 1e9, "difference_percent": round(100 * (found / recorded - 1), 2)}
        print(json.dumps(line | {"cell_nm": cell * 1e9, "machine": machine()}), flush=True)


if __name__ == "__main__":
    main()
