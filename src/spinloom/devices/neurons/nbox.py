"""The NbOx neuron: a threshold switch of niobium oxide, a load and a capacitance that fire by themselves.

A source V_in feeds the device through a load R_L; the capacitance C lies beside the device, whose filament heats up:

    C dV/dt = (V_in - V) / R_L - I(V, T)          C_th dT/dt = I V - (T - T_2) / R_th + noise
    C_2 dT_2/dt = (T - T_2) / R_th - (T_2 - T_amb) / R_2          (T_2 = T_amb without a slow node)

    I = V / (R_s + R_300 exp(Ea/kT - Ea/(k 300)) / h(x)),         x = sqrt(e^3 V / (pi eps0 eps_r d)) / kT

with h = 1 (Arrhenius), exp(x) (Poole-Frenkel), or 1/2 + (1 + (x - 1) exp(x)) / x^2 (the same in three dimensions; J. L.
Hartke, J. Appl. Phys. 39, 4871 (1968)). The last is what the NbO2 model of G. A. Gibson et al. (Appl. Phys. Lett. 108,
023505 (2016)) uses, written so that its units agree. Heat that the filament cannot shed makes it conduct better: from
Ea > 4 k T_amb on the current-voltage curve has a part of negative slope, across which the circuit oscillates.

The defaults are a set of our own that shows the firing modes of arXiv:2209.00413 (Neuromorph. Comput. Eng. 2, 044008
(2022)), whose own parameters were not open to us.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple

import numpy as np
import torch

from spinloom import threads, units
from spinloom.devices.contract import Design
from spinloom.devices.neurons import nbox_loop
from spinloom.devices.neurons.firing import Firing, Trace
from spinloom.devices.parameters import Parameter, known, refuse
from spinloom.errors import InputError, PhysicsError, require_count, require_finite, require_number, unknown_name
from spinloom.magnetism import Constant, Drive, Pulse, Quantity, Sum, double, seed_lanes
from spinloom.seeding import Seed, generator

CONDUCTION = ("arrhenius", "poole-frenkel", "poole-frenkel-3d")
_TOLERANCE = 3e-4
_LEAST_WORK = 64
"""Neurons that are worth the start of threads."""
_BENDS = 1000
_VOLUME = math.sqrt(units.E**3 / (math.pi * 8.8541878128e-12))
"""J per sqrt(V/m), by which a field lowers the barrier in vacuum."""


class Point(NamedTuple):
    """Of a current-voltage curve: V, A, K."""

    voltage: torch.Tensor
    current: torch.Tensor
    temperature: torch.Tensor


@dataclass(frozen=True)
class NbOxNeuron(Design):
    """One neuron or many: numbers, or tensors that broadcast with each other and with the drive. SI units.

    activation_energy: Ea, J, of the film's conduction. film_resistance: R_300, ohm, at 300 K and without a field.
    series_resistance: R_s, ohm. thermal_resistance, thermal_capacity: K/W and J/K, of the filament. load, capacitance:
    R_L, ohm, and C, F. ambient: K. conduction: a name of `CONDUCTION`; the two laws after Poole and Frenkel use the
    film's thickness (m) and relative permittivity (of electrons, not the static one). slow_resistance, slow_capacity:
    K/W and J/K of what the filament heats and is heated by, both or none. noise: K/sqrt(s), of the filament's
    temperature. on_current, off_current: A; a spike begins where the current rises above the one after it has been
    below the other.
    """

    activation_energy: Quantity = 0.2 * units.E
    film_resistance: Quantity = 40e3
    series_resistance: Quantity = 500.0
    thermal_resistance: Quantity = 4e5
    thermal_capacity: Quantity = 1e-14
    load: Quantity = 4e3
    capacitance: Quantity = 50e-12
    ambient: Quantity = 300.0
    conduction: str = "arrhenius"
    thickness: Quantity = 8e-9
    permittivity: Quantity = 45.0
    slow_resistance: Quantity | None = None
    slow_capacity: Quantity | None = None
    noise: Quantity = 0.0
    on_current: Quantity = 0.5e-3
    off_current: Quantity = 0.2e-3

    parameters: ClassVar = {
        "activation_energy": Parameter("J", 1e-21, 3e-19, 1e-17, ((units.E, "eV"),), spread="activation_energy"),
        "film_resistance": Parameter("ohm", 10.0, 1e9, spread="film_resistance"),
        "series_resistance": Parameter("ohm", 0.1, 1e6, spread="series_resistance"),
        "thermal_resistance": Parameter("K/W", 1e3, 1e8, spread="thermal_resistance"),
        "thermal_capacity": Parameter("J/K", 1e-18, 1e-9, 1.0, ((1e-15, "fJ/K"),), spread="thermal_capacity"),
        "load": Parameter("ohm", 1.0, 1e8, slips=((1e3, "kohm"),), spread="load"),
        "capacitance": Parameter("F", 1e-16, 1e-6, 1.0, ((1e-12, "pF"), (1e-9, "nF")), spread="capacitance"),
        **known("thickness"),
        "ambient": Parameter("K", 4.0, 1500.0, 1e5),
        "permittivity": Parameter("", 1.0, 300.0),
        "slow_resistance": Parameter("K/W", 1e2, 1e8, spread="slow_resistance"),
        "slow_capacity": Parameter("J/K", 1e-16, 1e-3, spread="slow_capacity"),
        "noise": Parameter("K/sqrt(s)", 0.0, 1e8, sign="non-negative"),
        **dict.fromkeys(("on_current", "off_current"), Parameter("A", 1e-9, 0.1, 1e3, ((1e-3, "mA"), (1e-6, "uA")))),
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.conduction not in CONDUCTION:
            raise unknown_name("conduction", self.conduction, CONDUCTION)
        if (self.slow_resistance is None) != (self.slow_capacity is None):
            raise InputError("a slow node needs both slow_resistance and slow_capacity; give both or none")
        refuse(double(self.off_current) >= double(self.on_current), "off_current must be below on_current")

    @property
    def thermal_noise(self) -> torch.Tensor:
        """K/sqrt(s), the noise of a filament in equilibrium: sqrt(2 k T^2 / (R_th C_th^2))."""
        kelvin = double(self.ambient)
        return (2 * units.KB * kelvin.square() / double(self.thermal_resistance)).sqrt() / double(self.thermal_capacity)

    @property
    def longest_step(self) -> torch.Tensor:
        """s, of equal steps: a quarter of the shorter of R_th C_th and the time in which the conducting device
        discharges the capacitance."""
        hot = 1 / (1 / double(self.load) + 1 / double(self.series_resistance)) * double(self.capacitance)
        return torch.minimum(hot, double(self.thermal_resistance) * double(self.thermal_capacity)) / 4

    def rest(self, batch: Sequence[int] = ()) -> torch.Tensor:
        """(5, *batch): voltage (V), temperature and that of the slow node (K), 1 where a rise of the current is a
        spike, and J drawn from the source. Cold and without charge."""
        shape = torch.broadcast_shapes(tuple(batch), *(row.shape for row in self._rows()))
        cold = double(self.ambient).expand(shape)
        zero = torch.zeros_like(cold)
        return torch.stack((zero, cold, cold, zero + 1, zero))

    def advance(
        self,
        state: torch.Tensor,
        voltage: torch.Tensor,
        duration: float,
        *,
        step: float | None = None,
        tolerance: float = _TOLERANCE,
        seed: Seed = 0,
        records: bool = False,
    ) -> Firing:
        """Neurons from `state` on, compiled: no gradients.

        state: (5, *batch) as `rest` and `Firing.state` give it; it is not changed. voltage: (pieces, ...), V of the
        source, each piece held for duration / pieces, its other axes broadcast over the batch. A current I that is
        injected into the node is a voltage of R_L I more. duration: s.

        Without noise steps are as long as the relative error `tolerance` of one allows, each neuron's own; with noise,
        or where `step` (s) is given, they are equal (default: a quarter of `longest_step`) and noise is drawn after
        each. records: keep the state at the end of each piece.

        Raises InputError for what is no number or does not match, and for a step beyond `longest_step`; PhysicsError
        where no step is short enough.
        """
        require_number("s", "positive", duration=duration)
        require_finite("V", voltage=voltage)
        if voltage.ndim < 1:
            raise InputError("voltage must be (pieces, ...), got one number; write torch.tensor([2.0])")
        edges = torch.linspace(0, duration, len(voltage) + 1, dtype=torch.float64)
        return self._advance(state, voltage, edges, step, tolerance, seed, records)

    def run(
        self,
        drive: Quantity | Drive,
        duration: float,
        *,
        batch: Sequence[int] = (),
        records: int = 0,
        step: float | None = None,
        tolerance: float = _TOLERANCE,
        seed: Seed = 0,
    ) -> Firing:
        """Neurons from rest under a voltage (V) of the source that is constant or a `Drive`; see `advance`.

        batch: as many copies as this shape says, of noisy neurons say. records: instants, evenly spaced, at which the
        state is kept (and where the drive jumps). A smooth drive is held for a thousandth of the duration at a time.
        """
        require_number("s", "positive", duration=duration)
        require_count(0, records=records)
        drive = drive if isinstance(drive, Drive) else Constant(drive)
        edges = _edges(drive, duration, records)
        middle = (edges[1:] + edges[:-1]) / 2
        voltage = torch.stack(list(torch.broadcast_tensors(*(double(drive(t)) for t in middle))))
        require_finite("V", drive=voltage)
        state = self.rest(torch.broadcast_shapes(tuple(batch), voltage.shape[1:]))
        return self._advance(state, voltage, edges, step, tolerance, seed, records > 0)

    def _advance(
        self,
        state: torch.Tensor,
        voltage: torch.Tensor,
        edges: torch.Tensor,
        step: float | None,
        tolerance: float,
        seed: Seed,
        records: bool,
    ) -> Firing:
        require_number("", "positive", tolerance=tolerance)
        duration, rows, noisy = float(edges[-1]), self._rows(), bool((double(self.noise) > 0).any())
        equal = noisy or step is not None
        limit = self._step(step) if equal else self.longest_step.detach()
        try:
            shape = torch.broadcast_shapes(*(row.shape for row in rows), state.shape[1:], voltage.shape[1:])
            begun = state.to(torch.float64).expand(5, *shape)
        except RuntimeError as error:
            raise InputError(
                f"these batches do not match: neurons {[*{tuple(row.shape) for row in rows}]}, "
                f"state {tuple(state.shape)}, voltage {tuple(voltage.shape)}"
            ) from error
        n, pieces = math.prod(shape), len(voltage)
        same = voltage.numel() == pieces
        wide = voltage.detach().to(torch.float64)
        driven = (wide if same else wide.expand(pieces, *shape)).reshape(pieces, 1 if same else n).contiguous().numpy()
        table = torch.stack([row.detach().expand(shape).reshape(n) for row in rows]).numpy()
        limits = limit.expand(shape).reshape(n).contiguous().numpy()
        order = np.arange(n) if same else _order(driven.mean(0))
        back, driven = np.argsort(order), driven if same else driven.take(order, 1)
        table, limits = table.take(order, 1), limits[order]
        words = seed_lanes(n, generator(seed)) if noisy else np.zeros((4, n), np.uint32)
        out = np.empty((pieces if records else 0, 3, n))
        most = 8 + int(4 * duration * table[0].max())  # a period is rarely below a quarter of R_L C
        laws = tuple(0.0 if self.conduction in some else None for some in (CONDUCTION[1:], CONDUCTION[2:]))
        while True:
            after, drawn = begun.reshape(5, n).detach().numpy().take(order, 1), words.take(order, 1)
            counts, times, heats = np.zeros(n, np.int64), np.full((n, most), np.nan), np.full((n, most), np.nan)
            failed, given = np.zeros(n), (*laws, after, drawn, table, driven, edges.diff().numpy(), limits)
            loop = (*given, 0.0 if equal else tolerance, noisy, counts, times, heats, out, failed)
            threads.share(nbox_loop.run, loop, -(-n // nbox_loop.BLOCK), alone=n < _LEAST_WORK)
            if counts.max(initial=0) <= most:
                break
            most = int(counts.max())  # the same again, with room for all spikes
        if failed.any() or not np.isfinite(after).all():
            raise PhysicsError(
                f"{int((failed > 0).sum()) or 'some'} of {n} neurons left the model: voltages up to "
                f"{np.abs(driven).max():.3g} V heat them beyond it; lower the drive or raise tolerance"
            )
        after, out, counts = after.take(back, 1), out.take(back, 2), counts[back]
        end, kept = torch.from_numpy(after).reshape(5, *shape), int(counts.max(initial=0))
        events, drawn_then = (torch.from_numpy(one[back, :kept]).reshape(*shape, kept) for one in (times, heats))
        trace = None
        if records:
            v, t, _ = torch.from_numpy(out).reshape(pieces, 3, *shape).unbind(1)
            trace = Trace(edges[1:], v, t, self.current(v, t))
        energy, before = end[4] - begun[4], begun[4].unsqueeze(-1)
        return Firing(
            end, torch.from_numpy(counts).reshape(shape), events, drawn_then - before, energy, duration, trace
        )

    def current(self, voltage: Quantity, temperature: Quantity) -> torch.Tensor:
        """A, through the device at V and K; differentiable."""
        return _CONDUCT(double(voltage), double(temperature), *self._law(self._rows()))[0]

    def curve(self, temperature: Quantity) -> Point:
        """The current-voltage curve at rest, by the filament's temperature (K, above `ambient`); differentiable.

        I V = (T - T_amb) / R leaves one voltage for every temperature, where for one voltage there may be three.
        """
        kelvin, rows = double(temperature), self._rows()
        refuse(kelvin < rows[10], "temperature must not be below ambient: the current heats the filament")
        law, sink = self._law(rows), double(self.thermal_resistance)
        sink = sink if self.slow_resistance is None else sink + double(self.slow_resistance)
        power, film = (kelvin - rows[10]) / sink, (rows[5] + rows[4] / kelvin).exp()
        with torch.no_grad():  # the field only lowers the voltage
            high = (power * (rows[6] + film)).sqrt()
            low = torch.zeros_like(high)
            for _ in range(60):
                middle = (low + high) / 2
                over = middle * _CONDUCT(middle, kelvin, *law)[0] > power
                low, high = torch.where(over, low, middle), torch.where(over, middle, high)
            voltage = high
            current, slope, _ = _CONDUCT(voltage, kelvin, *law)
            rate = current + voltage * slope
        current = _CONDUCT(voltage, kelvin, *law)[0]
        voltage = voltage - (voltage * current - power) / rate.clamp_min(1e-300)  # carries the gradient
        return Point(voltage, _CONDUCT(voltage, kelvin, *law)[0], kelvin)

    def turning_points(self) -> tuple[Point, Point]:
        """Threshold and hold point: most voltage before and least behind the part of negative slope; their voltages are
        differentiable.

        Raises InputError where the curve has no such part: without a field, from ambient = Ea / 4k on.
        """
        ambient = self._rows()[10]
        rise = torch.logspace(-1, 3.7, 20_001, dtype=torch.float64).reshape(-1, *[1] * len(self.rest().shape[1:]))
        curve = self.curve(ambient + rise)
        falls = curve.voltage.detach().diff(dim=0) < 0
        refuse(
            ~falls.any(0),
            "no negative differential resistance: activation_energy must exceed 4 k T_amb (by more where a field or a "
            f"series resistance matters), {4 * units.KB * float(ambient.max()):.3g} J at {float(ambient.max()):g} K; "
            "raise it or cool the device",
        )
        first = falls.int().argmax(0)
        behind = torch.arange(len(falls)).reshape(-1, *[1] * first.ndim) > first
        last = (behind & ~falls).int().argmax(0)
        refuse(last == 0, "no hold point below 5,000 K: raise series_resistance")
        ends = [tuple(part.gather(0, k.unsqueeze(0)).squeeze(0) for part in curve) for k in (first, last)]
        return Point(*ends[0]), Point(*ends[1])

    def trace(self, drive: Quantity | Drive, duration: float, *, step: float | None = None, seed: Seed = 0) -> Trace:
        """Voltage, temperature and current from rest, in eager PyTorch: differentiable in parameters and drive.

        The same formulas as `run`, in equal steps (default: a quarter of `longest_step`), each of which is recorded.
        Raises InputError as `run` does.
        """
        require_number("s", "positive", duration=duration)
        drive, source = drive if isinstance(drive, Drive) else Constant(drive), generator(seed)
        edges, longest = _edges(drive, duration, 0), float(self._step(step).min())
        rows = self._rows()
        row, law = (*rows[:4], *rows[8:11]), self._law(rows)
        v, t, s, _, e = self.rest(double(drive(edges[0])).shape)
        found, times = [], []
        for begin, end in pairwise(edges.tolist()):
            u = double(drive(double((begin + end) / 2)))
            require_finite("V", drive=u)
            steps = math.ceil((end - begin) / longest * (1 - 1e-9))
            h = (end - begin) / steps
            for k in range(1, steps + 1):
                v, t, s, e, *_ = _STEP(v, t, s, e, h, u, row, law)
                if bool((rows[11] > 0).any()):
                    t = t + rows[11] * math.sqrt(h) * torch.randn(t.shape, generator=source, dtype=t.dtype)
                found.append(torch.stack(torch.broadcast_tensors(v, t, self.current(v, t))))
                times.append(begin + k * h)
        return Trace(torch.tensor(times, dtype=torch.float64), *torch.stack(found, 1))

    def _law(self, rows: list[torch.Tensor]) -> tuple[torch.Tensor | float | None, ...]:
        """What `nbox_loop` takes behind V and T."""
        field = None if self.conduction == CONDUCTION[0] else rows[7]
        return (*rows[4:7], field, 0.0 if self.conduction == CONDUCTION[2] else None)

    def _step(self, step: float | None) -> torch.Tensor:
        longest = self.longest_step.detach()
        if step is None:
            return longest / 4
        require_number("s", "positive", step=step)
        if step > float(longest.min()):
            raise InputError(
                f"a step of {step:.3g} s is too coarse for this neuron: at most {float(longest.min()):.3g} s, a "
                "quarter of its shortest time (R_th C_th, or the discharge through R_s); give a shorter step"
            )
        return double(step)

    def _rows(self) -> list[torch.Tensor]:
        """As `nbox_loop.PARAMETERS` lists them."""
        per_charge, per_heat = 1 / double(self.capacitance), 1 / double(self.thermal_capacity)
        activation, cooling = double(self.activation_energy) / units.KB, 1 / double(self.thermal_resistance)
        field = double(0.0)
        if self.conduction != CONDUCTION[0]:
            field = _VOLUME / units.KB / (double(self.permittivity) * double(self.thickness)).sqrt()
        slow = away = double(0.0)
        if self.slow_resistance is not None and self.slow_capacity is not None:
            slow, away = cooling / self.slow_capacity, 1 / (double(self.slow_resistance) * self.slow_capacity)
        film = double(self.film_resistance).log() - activation / 300.0
        return [
            per_charge / self.load, per_charge, per_heat, cooling * per_heat, activation, film,
            double(self.series_resistance), field, slow, away, double(self.ambient), double(self.noise),
            double(self.on_current), double(self.off_current),
        ]  # fmt: skip


_CONDUCT, _STEP = nbox_loop.formulas(torch.exp, torch.sqrt, lambda function: function)


def _order(drives: np.ndarray) -> np.ndarray:
    """Of neurons in blocks: those driven alike take as many steps and share one, and every core gets some of each."""
    order, size = np.argsort(drives, kind="stable"), nbox_loop.BLOCK
    full = len(order) // size
    dealt = np.argsort(np.arange(full) % torch.get_num_threads(), kind="stable")
    return np.concatenate((order[: full * size].reshape(full, size)[dealt].reshape(-1), order[full * size :]))


def _edges(drive: Drive, duration: float, records: int) -> torch.Tensor:
    """s, (pieces + 1,): where the drive jumps, where the state is kept, and often where it is smooth."""
    parts = drive.parts if isinstance(drive, Sum) else (drive,)
    jumps = all(isinstance(part, Constant) or (isinstance(part, Pulse) and part.rise == 0) for part in parts)
    pieces = max(1, records, 0 if jumps else _BENDS)
    inside = [edge for edge in drive.breakpoints() if 0 < edge < duration]
    even = torch.linspace(0, duration, pieces + 1, dtype=torch.float64)
    edges = torch.cat((even, torch.tensor(inside, dtype=torch.float64))).unique()
    far = torch.cat((edges.diff() > 1e-9 * duration, torch.tensor([True])))  # not twice the same but for rounding
    return edges[far]
