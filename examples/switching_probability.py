"""How often a current pulse switches a perpendicular junction at 300 K: a thousand junctions at each of eight currents.

    python examples/switching_probability.py

All 8,000 are one batch. Below the critical current heat alone switches a few; well above it nearly all follow.
"""

import torch

import spinloom as sl
from spinloom import units
from spinloom.magnetism import Constant, Cuboid, Demagnetization, Uniaxial, from_angles

CURRENTS = torch.linspace(0.5, 4, 8, dtype=torch.float64)[:, None] * 1e10  # A/m^2, one row each
JUNCTIONS, THICKNESS = 1000, 1.5e-9

shape = Cuboid(40e-9, 40e-9, THICKNESS)
magnet = sl.Magnet(
    sl.Material(saturation_magnetization=8e5, damping=0.02),
    volume=40e-9 * 40e-9 * THICKNESS,
    fields=(Uniaxial(4.5e5, axis=(0.0, 0.0, 1.0)), Demagnetization(shape)),
    torques=(sl.SpinTransfer(Constant(-CURRENTS), thickness=THICKNESS, polarization=0.6, polarizer=(0.0, 0.0, 1.0)),),
)
tilt = torch.full((len(CURRENTS), JUNCTIONS), 2 * units.DEGREE, dtype=torch.float64)
start = torch.stack(from_angles(tilt, torch.zeros_like(tilt)))  # up, slightly tilted
run = sl.simulate(magnet, start, duration=5e-9, step=1e-12, temperature=300.0, seed=1)
switched = (run.final[2] < 0).double().mean(1)
for current, share in zip(CURRENTS[:, 0], switched, strict=True):
    print(f"{float(current) / 1e10:4.1f} x 10^10 A/m^2: {100 * float(share):5.1f} % switched")
