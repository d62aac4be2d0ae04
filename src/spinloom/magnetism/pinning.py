"""What holds a wall in a track: its energy against its position."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from spinloom.errors import InputError, require_finite, require_positive
from spinloom.magnetism.drives import Quantity
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.scene.masks import Notch

_FINE = 16
"""Points of the loop's table for each point given."""


@dataclass(frozen=True)
class Pinning:
    """Energy in J of a wall at every position of a grid, a cubic spline between its points.

    positions: (points,) in m, increasing evenly, four or more. energy: (points,) in J; only differences count.
    periodic: the last point is the first of the next period, with the same energy. Otherwise the force beyond an end is
    that at the end.

    Raises InputError for what is not finite, a grid that is not even, and a period whose ends differ.
    """

    positions: torch.Tensor
    energy: torch.Tensor
    periodic: bool = False

    def __post_init__(self) -> None:
        require_finite("m", positions=self.positions)
        require_finite("J", energy=self.energy)
        if self.positions.ndim != 1 or len(self.positions) < 4 or self.energy.shape != self.positions.shape:
            raise InputError(
                "pinning needs positions (points,) and energy (points,) with four points or more, got "
                f"{tuple(self.positions.shape)} and {tuple(self.energy.shape)}"
            )
        steps = self.positions.double().diff()
        if not bool((steps > 0).all()) or float(steps.max() - steps.min()) > 1e-6 * float(steps.mean()):
            raise InputError("positions of a pinning potential must increase evenly; interpolate them to an even grid")
        height = float(self.energy.max() - self.energy.min())
        if self.periodic and abs(float(self.energy[0] - self.energy[-1])) > 1e-6 * height:
            raise InputError(
                "a periodic potential must end with the energy it began with, got "
                f"{float(self.energy[0]):g} and {float(self.energy[-1]):g} J"
            )

    @classmethod
    def from_notches(
        cls,
        notches: Sequence[Notch],
        track_width: Quantity,
        thickness: Quantity,
        wall_energy: Quantity,
        width: Quantity,
        length: float,
        points: int = 400,
    ) -> "Pinning":
        """The energy of a straight wall where notches change the width of the track, over `length` (m) around 0.

        U(q) = wall_energy thickness (integral of w(x) sech^2((x - q) / Delta) dx) / (2 Delta), w the width that the
        notches leave of `track_width` (m). wall_energy: J/m^2, 4 sqrt(A K) - pi |D|. width: Delta of the wall, m.
        Beyond `length` the track goes on as at its ends. Raises InputError for what is not > 0 and notches too deep.
        """
        require_positive("m", track_width=track_width, thickness=thickness, width=width, length=length)
        require_positive("J/m^2", wall_energy=wall_energy)
        delta, reach = float(width), 12 * float(width)
        step = min(length / (points - 1), delta / 20)
        count = 2 * math.ceil((length / 2 + reach) / step) + 1
        fine = Mesh((count, 1, 1), (step, step, step))
        x = fine.coordinates()[0].reshape(-1)
        cut = torch.zeros(2, count, dtype=torch.float64)
        for notch in notches:
            depth = notch.cut(fine).reshape(-1)
            for side, other in ((0, "lower"), (1, "upper")):
                cut[side] = torch.maximum(cut[side], depth) if notch.side != other else cut[side]
        left = float(track_width) - cut.sum(0)
        if not bool((left > 0).all()):
            raise InputError(f"the notches cut the track of {float(track_width):g} m through; make them less deep")
        positions = torch.linspace(-length / 2, length / 2, points, dtype=torch.float64)
        shape = 1 / ((x - positions[:, None]) / delta).clamp(-300, 300).cosh().square()
        mean = (shape * left).sum(1) / shape.sum(1)
        return cls(positions, float(wall_energy) * float(thickness) * mean)

    def spline(self) -> CubicSpline:
        """Energy in J of a position in m, which it takes as numpy arrays; its first derivative is minus the force."""
        energy = self.energy.detach().double().numpy().copy()
        if self.periodic:
            energy[-1] = energy[0]
        ends = "periodic" if self.periodic else "natural"
        return CubicSpline(self.positions.detach().double().numpy(), energy, bc_type=ends)

    @property
    def largest_force(self) -> float:
        """N, what drives a wall over every barrier at 0 K."""
        return float(np.abs(self.table(1.0)[0]).max())

    def table(self, unit: float) -> tuple[np.ndarray, np.ndarray, bool]:
        """Slope in N on a fine even grid, the grid (first, points per length) in `unit` (m), and whether it repeats."""
        first, last = float(self.positions[0]), float(self.positions[-1])
        fine = np.linspace(first, last, _FINE * (len(self.positions) - 1) + 1)
        grid = np.array([first / unit, (len(fine) - 1) / (last - first) * unit])
        return self.spline()(fine, 1), grid, self.periodic
