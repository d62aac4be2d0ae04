"""One cycle of the two-polarizer junction, reset, pulse and read: of a population with noise, or with gradients at 0 K.

A number of steps has no derivative, so for a gradient time is stretched instead of cut: at 0 K every rate of the LLGS
equation is proportional to gamma, so s gamma for a time tau does what gamma does for a time s tau. The pulses are
simulated for their present length with a gamma whose factor s is 1 and whose derivative is that of the length.
"""

from collections.abc import Callable
from dataclasses import replace

import torch

from spinloom import magnetism, units
from spinloom.devices.mtj.design import JunctionDesign
from spinloom.errors import InputError, require_finite, require_number, require_quantity
from spinloom.magnetism import Constant, Magnet, Quantity, double, simulate
from spinloom.seeding import child_seed, generator

STEP = 1e-12
"""s; halving it moves the curves by less than 1e-3 (tested)."""
READ_SAMPLES = 8
MOST_CELLS = 1_500_000
"""Cells in one batch: drives are simulated in parts, so that memory stays below a gigabyte."""
CURVE_STEP, LEAST_STEPS = 4e-12, 32
"""With gradients: s, and steps in a pulse; shorter ones move a default macrospin by less than 1e-7 (tested)."""
PHASE, CURVE_PHASE = 0.3, 2.0
"""rad, by which the fastest mode of exchange may turn in one step of Heun's scheme and of rk4, stable up to 2.8."""

_Run = Callable[[Magnet, torch.Tensor, Quantity, int], torch.Tensor]
_Cycle = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def read_population(
    made: JunctionDesign, drive: torch.Tensor, realizations: int, temperature: float, seed: int, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One cycle of fabricated devices (parameters (devices, 1)); drive (points,), A/m^2.

    What the reader gets, (points, devices, realisations): m_x and m_z, averaged over the read window; and m (3, ...)
    after the reset, what is left of the output before: a random one (tanh u, 0, sech u), or +z at 0 K.
    """
    source, resting = generator(seed), made.magnet()
    mesh, devices = resting.mesh, made.area.numel()
    method = "heun" if temperature > 0 else "rk43" if mesh else "rk4"
    step = min(STEP, _exchange_step(resting, PHASE)) if mesh and temperature > 0 else STEP

    def run(magnet: Magnet, m: torch.Tensor, length: Quantity, records: int) -> torch.Tensor:
        how = {"method": method, "temperature": temperature, "seed": child_seed(source), "records": records}
        return simulate(magnet, m, float(length), step, **how).m  # type: ignore[arg-type]

    def read(drive: torch.Tensor) -> _Cycle:
        """Some of the drives, as one batch."""
        u = 6 * torch.rand((len(drive), devices, realizations), generator=source, dtype=torch.float64) - 3
        if temperature == 0:
            u = torch.zeros_like(u)
        m = torch.stack([u.tanh(), torch.zeros_like(u), 1 / u.cosh()]).to(dtype)
        return _cycle(made, m, drive.to(torch.float64).reshape(-1, 1, 1), run, resting)

    most = MOST_CELLS // (devices * realizations * (mesh.count if mesh else 1))
    parts = [read(part) for part in drive.split(max(1, min(len(drive), most)))]
    after_reset, _, value, gradient = zip(*parts, strict=True)
    return torch.cat(value), torch.cat(gradient), torch.cat(after_reset, dim=1)


def design_curves(
    device: JunctionDesign, drive: torch.Tensor, starts: torch.Tensor, *, step: float = CURVE_STEP
) -> tuple[torch.Tensor, torch.Tensor]:
    """(value, slope) of one operation at 0 K, (devices, points, pairs), on the eager engine.

    device: parameters are numbers or tensors (); fabricated devices have (devices, 1), see `fabricate`.
    drive: (points,), A/m^2. starts: (n,), network inputs u whose outputs the reset finds: tanh u along the in-plane
        polarizer, sech u along z. Each cycle of an operation takes each of them on its own, so pairs is n^2 in bipolar
        operation and n in single.
    step: s, at most; a short pulse, and on a mesh exchange, shorten it.

    Differentiable in everything that the device holds, in `drive` and in `starts`. A mesh has the number of cells that
    its present diameter asks for, which makes the curves jump a little where that number changes.
    Raises InputError for drives or starts that are not (n,), PhysicsError where the dynamics leave the step.
    """
    return curves_and_pulse(device, drive, starts, step)[:2]


def curves_and_pulse(
    device: JunctionDesign, drive: torch.Tensor, starts: torch.Tensor, step: float = CURVE_STEP
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The `design_curves`, and the mean m right after the pulse, (3, cycles, points, devices, starts)."""
    require_number("s", "positive", step=step)
    for name, given in (("drive", drive), ("starts", starts)):
        require_quantity(**{name: given})
        given = double(given)
        if given.ndim != 1 or not len(given):
            raise InputError(f"{name} must be (n,) with n >= 1, got {tuple(given.shape)}")
        require_finite("", **{name: given})

    def run(magnet: Magnet, m: torch.Tensor, length: Quantity, records: int) -> torch.Tensor:
        duration, longest = float(double(length).detach()), step
        if magnet.torques:
            longest = min(step, duration / LEAST_STEPS)
            if isinstance(length, torch.Tensor) and length.requires_grad:
                gamma = magnet.material.gamma * length.double() / float(length.detach())
                magnet = replace(magnet, material=replace(magnet.material, gamma=gamma))
        if magnet.mesh is not None:
            longest = min(longest, _exchange_step(magnet, CURVE_PHASE))
        return simulate(magnet, m, duration, longest, method="rk4", records=records, engine="eager").m

    x, y, _ = device.references()[0]
    along = starts.tanh() / torch.hypot(x, y)
    m = torch.stack(torch.broadcast_tensors(x * along, y * along, 1 / starts.cosh())).double()
    m = m.reshape(3, 1, 1, -1, len(starts)).expand(3, 1, 1, device.area.numel(), len(starts))
    signs = torch.tensor(device.polarities, dtype=torch.float64).reshape(-1, 1, 1, 1)
    _, written, value, gradient = _cycle(device, m, signs * double(drive)[:, None, None], run)
    return _pairs(signs.to(value) * value), _pairs(gradient.square()), written


def _cycle(made: JunctionDesign, m: torch.Tensor, wave: torch.Tensor, run: _Run, rest: Magnet | None = None) -> _Cycle:
    """Mean m (3, *batch) after the reset and after the pulse, and what is read of m_x and m_z, (*batch).

    m: (3, ...), the state to start from; wave: of the pulse, A/m^2; the batch is that of both. run: of a magnet from m
    for a length in s. rest: the magnet without drives; None makes it for the read. The reset does not know the
    drive that comes: its batch is that of m alone.
    """
    reset = made.magnet(reset=Constant(made.lifted(made.reset_density)))
    cells = reset.mesh.shape if reset.mesh else ()
    batch = torch.broadcast_shapes(wave.shape, m.shape[1:])

    def mean(m: torch.Tensor) -> torch.Tensor:
        """Of each member: the conductance, linear in the cosine, sees no more."""
        return m if reset.geometry is None else m.sum((-3, -2, -1)) / int(reset.geometry.sum())

    m = made.lifted(m).expand(*m.shape, *cells)
    ready = run(reset, m, made.reset, 1)[-1]
    pulse = made.magnet(write=Constant(made.lifted(wave)))
    written = run(pulse, ready.expand(3, *batch, *cells), made.pulse, 1)[-1]
    window = run(rest or made.magnet(), written, made.read, READ_SAMPLES).mean(0)
    return mean(ready), mean(written), *made.read_out(mean(window))


def _exchange_step(magnet: Magnet, phase: float) -> float:
    """s in which exchange between neighbours turns the fastest mode of the magnet's mesh by `phase`."""
    assert magnet.mesh is not None
    stiffness = next(term.stiffness for term in magnet.fields if isinstance(term, magnetism.Exchange))
    (dx, dy, _), ms = magnet.mesh.spatial_lengths, double(magnet.material.saturation_magnetization)
    fastest = units.GAMMA * 8 * double(stiffness) / ms * (1 / dx**2 + 1 / dy**2)
    return phase / float(fastest.detach().max())


def _pairs(cycles: torch.Tensor) -> torch.Tensor:
    """(cycles, points, devices, starts) to the mean over the cycles, (devices, points, starts of each cycle)."""
    total = cycles[0]
    for cycle in cycles[1:]:
        total = total[..., None] + cycle.reshape(*cycle.shape[:2], *[1] * (total.ndim - 2), -1)
    return (total / len(cycles)).flatten(2).transpose(0, 1)
