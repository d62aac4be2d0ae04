"""Domain walls by two numbers each: thousands of walls in perpendicular tracks, driven, pinned and in thermal motion.

The wall m_z = tanh((q - x) / Delta), up on the left, its middle at the angle phi from the track's axis x, has with the
cross-section S of the track the energy

    E = U(q) + S [pi D cos phi + 2 Delta K_h cos^2 phi - 2 mu0 Ms H_z q - pi Delta mu0 Ms (H_x cos phi + H_y sin phi)]

and Gilbert's equation leaves (J. C. Slonczewski, Int. J. Magn. 2, 85 (1972); A. Thiaville et al., Europhys. Lett. 69,
990 (2005); with spin-orbit torque E. Martinez et al., J. Appl. Phys. 115, 213909 (2014))

    dphi/dt + alpha/Delta dq/dt = -gamma U'(q) / (2 Ms S) + gamma mu0 H_z
                                  + pi/2 (a_y cos phi - a_x sin phi) + xi u / Delta
    1/Delta dq/dt - alpha dphi/dt = -gamma pi D sin phi / (2 Ms Delta) - gamma K_h sin 2 phi / Ms
                                    + pi/2 gamma mu0 (H_x sin phi - H_y cos phi) + a_z + u / Delta

a is the vector a_J p of `SpinOrbit` and `SpinTransfer`, u and xi are those of `ZhangLi`; signs are those of
`terms/torques.py`. At a temperature both right-hand sides carry white noise of the density 2 alpha gamma kB T / (Ms V)
with the volume V = 2 Delta S of the wall, so that walls at rest are distributed as exp(-E / kB T).

What is left out: the wall stays straight and rigid, and material constants are those at 0 K.
"""

from dataclasses import dataclass

import numpy as np
import torch

from spinloom import threads, units
from spinloom.errors import (
    InputError,
    PhysicsError,
    require_count,
    require_finite,
    require_non_negative,
    require_positive,
)
from spinloom.magnetism.compiled.pieces import seed_lanes
from spinloom.magnetism.compiled.wall_loop import run
from spinloom.magnetism.drives import Quantity, double
from spinloom.magnetism.magnet import TIME_UNIT, Material
from spinloom.magnetism.pinning import Pinning
from spinloom.magnetism.terms.applied import Applied
from spinloom.magnetism.terms.torques import SpinOrbit, SpinTransfer, ZhangLi, rate_per_current
from spinloom.magnetism.vectors import unit
from spinloom.seeding import Seed, generator

_LENGTH_UNIT = 1e-9
"""m per unit of length inside of the loop, whose time is in ns."""
_LONGEST = 0.5
"""rad, by which a wall may turn in one step."""
_MOST_WORK = 20_000_000
"""Steps of walls in one call of the loop (seconds), after which Ctrl-C is heard."""
_LEAST_WORK = 50_000
"""Steps of walls that are worth the start of threads."""


@dataclass(frozen=True)
class WallTrack:
    """A track with one wall, or a batch of them: every quantity may be a tensor that broadcasts over the batch.

    width: Delta of the wall in m, sqrt(A / K) of the whole anisotropy K, that of the shape included (pi times that is
        the usual full width). cross_section: of the track, m^2.
    hard_axis: K_h, J/m^3, which an angle along the track costs more than one across (the wall's own stray field);
        positive makes walls of Bloch's kind. dmi: D, J/m^2, as in `InterfacialDMI`; positive favours phi = pi.
    anisotropy: K, J/m^3. Given, the width follows the angle, Delta = width / sqrt(1 + K_h / K cos^2 phi), and the noise
        keeps that of the width given; None: one width.
    pinning: U(q). torques: `SpinOrbit`, `SpinTransfer` of the constant angular factor, `ZhangLi`. fields: `Applied`.

    Raises InputError for quantities of a wrong sign, and for torques and fields that have no place in these equations.
    """

    material: Material
    width: Quantity
    cross_section: Quantity
    hard_axis: Quantity = 0.0
    dmi: Quantity = 0.0
    anisotropy: Quantity | None = None
    pinning: Pinning | None = None
    torques: tuple[SpinOrbit | SpinTransfer | ZhangLi, ...] = ()
    fields: tuple[Applied, ...] = ()

    def __post_init__(self) -> None:
        require_positive("m", width=self.width)
        require_positive("m^2", cross_section=self.cross_section)
        require_finite("J/m^3", hard_axis=self.hard_axis)
        require_finite("J/m^2", dmi=self.dmi)
        if self.anisotropy is not None:
            require_positive("J/m^3", anisotropy=self.anisotropy)
            if bool((double(self.hard_axis) <= -double(self.anisotropy)).any()):
                raise InputError("hard_axis must lie above -anisotropy, else the wall has no width")
        for term in (*self.torques, *self.fields):
            if not isinstance(term, SpinOrbit | SpinTransfer | ZhangLi | Applied):
                raise InputError(f"walls know SpinOrbit, SpinTransfer, ZhangLi and Applied, got {type(term).__name__}")
            if isinstance(term, SpinTransfer) and (term.contact is not None or term.angular_factor != "constant"):
                raise InputError("walls take a SpinTransfer with the constant angular factor and without a contact")

    @property
    def friction(self) -> torch.Tensor:
        """Force over velocity of a wall whose angle rests, 2 Ms S alpha / (gamma Delta), kg/s."""
        material = self.material
        moment = 2 * double(material.saturation_magnetization) * self.cross_section / material.gamma
        return moment * material.damping / self.width

    def _rows(self, temperature: Quantity) -> list[torch.Tensor]:
        """What the loop needs of each wall, in nm and ns, then of each drive at an amplitude of 1."""
        material, width = self.material, double(self.width)
        per_energy = material.gamma * TIME_UNIT / double(material.saturation_magnetization)  # rad/ns per J/m^3
        pinning = per_energy / (2 * double(self.cross_section)) if self.pinning else double(0.0)
        dmi = per_energy * torch.pi * double(self.dmi) / (2 * _LENGTH_UNIT)
        ratio = double(0.0) if self.anisotropy is None else double(self.hard_axis) / double(self.anisotropy)
        energy = units.KB * double(temperature) / (2 * width * self.cross_section)
        noise = (2 * double(material.damping) * per_energy * energy).sqrt()
        rows = [double(material.damping), width / _LENGTH_UNIT, ratio, pinning, dmi]
        rows += [per_energy * double(self.hard_axis), noise]
        for term in self._terms():
            rows += self._channel(term)
        return rows

    def _terms(self) -> tuple[SpinOrbit | SpinTransfer | ZhangLi | Applied, ...]:
        return (*self.torques, *self.fields)

    def _channel(self, term: SpinOrbit | SpinTransfer | ZhangLi | Applied) -> list[torch.Tensor]:
        none, material = double(0.0), self.material
        if isinstance(term, ZhangLi):
            u = term.velocity(material)[0] * TIME_UNIT / _LENGTH_UNIT
            return [*[none] * 6, u, u * double(term.nonadiabaticity)]
        if isinstance(term, Applied):
            rate = material.gamma * units.MU0 * TIME_UNIT * double(term.field.amplitude)
            return [none, none, none, *(rate * part for part in term.vector()), none, none]
        rate = rate_per_current(material, term.thickness) * TIME_UNIT * double(term.current_density.amplitude)
        rate = rate / term.coefficients()[0]
        spins = [rate * part for part in unit(term.polarizer, "polarizer")]
        return [*spins, *(double(term.field_like) * spin for spin in spins), none, none]


@dataclass(frozen=True)
class WallRun:
    """time (records,) in s; position (records, *batch) in m; angle (records, *batch) in rad, from the track's axis."""

    time: torch.Tensor
    position: torch.Tensor
    angle: torch.Tensor


def move_walls(
    track: WallTrack,
    position: Quantity,
    angle: Quantity,
    duration: float,
    step: float = 5e-13,
    *,
    start: float = 0.0,
    temperature: Quantity = 0.0,
    seed: Seed = 0,
    records: int = 1,
) -> WallRun:
    """Walls through time by Heun's scheme (Stratonovich), all at once, float64, compiled: no gradients.

    position: m, and angle: rad, at `start`; with the quantities of the track they broadcast to the batch. duration,
    step, start: s; the step is shortened so that records, evenly spaced, end with steps. Drives count by their value
    in the middle of a step. temperature: K. The same seed gives the same walls on the same machine.

    Raises InputError for bad numbers, PhysicsError where a step is too long for the torques.
    """
    require_positive("s", duration=duration, step=step)
    require_finite("s", start=start)
    require_finite("m", position=position)
    require_finite("rad", angle=angle)
    require_non_negative("K", temperature=temperature)
    require_count(records=records)
    given = [double(position) / _LENGTH_UNIT, double(angle), *track._rows(temperature)]
    drives = [term.drive for term in track._terms()]
    try:
        wide = torch.broadcast_tensors(*given)
    except RuntimeError as error:
        raise InputError(f"these batches do not match: {[tuple(one.shape) for one in given]}") from error
    batch, walls = wide[0].shape, wide[0].numel()
    flat = [one.detach().reshape(walls).numpy() for one in wide]
    state, rows = np.stack(flat[:2], axis=1), np.ascontiguousarray(np.stack(flat[2:]))
    every = max(1, round(duration / records / step + 0.5 - 1e-9))
    steps, h = every * records, duration / (every * records)
    words = seed_lanes(walls, generator(seed)) if rows[6].any() else np.zeros((4, walls), dtype=np.uint32)
    table, grid, periodic = track.pinning.table(_LENGTH_UNIT) if track.pinning else (np.zeros(2), np.ones(2), False)
    out, turns, done = np.empty((records, walls, 2)), np.zeros(walls), 0
    while done < steps:
        some = min(steps - done, max(1, _MOST_WORK // max(walls, 1)))
        middle = start + h * (done + 0.5 + torch.arange(some, dtype=torch.float64))
        waves = [drive.waveform(middle.reshape(-1, *[1] * len(batch))) for drive in drives if drive is not None]
        shared = all(wave.numel() == some for wave in waves)
        shape = (some, 1) if shared else (some, walls)
        table_of_waves = [(w if shared else w.expand(some, *batch)).reshape(shape).numpy() for w in waves]
        driven = np.stack(table_of_waves, axis=1) if waves else np.zeros((some, 0, 1))
        arguments = (state, words, rows, driven, table, grid, periodic, h / TIME_UNIT, done, every, out, turns)
        threads.share(run, arguments, walls, alone=walls * some <= _LEAST_WORK)
        done += some
    if not float(turns.max()) <= _LONGEST or not np.isfinite(out).all():
        raise PhysicsError(
            f"the step of {h:.3g} s is too long for these torques: a wall turned by {turns.max():.2g} rad in one; "
            "use a shorter step"
        )
    time = torch.linspace(start, start + duration, records + 1, dtype=torch.float64)[1:]
    found = torch.from_numpy(out).reshape(records, *batch, 2)
    return WallRun(time, found[..., 0] * _LENGTH_UNIT, found[..., 1].clone())
