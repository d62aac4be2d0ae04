"""The two curves of the junction at 0 K, differentiable in every parameter, the lengths of the pulses included.

A number of steps has no derivative, so time is stretched instead of cut: at 0 K every rate of the LLGS equation is
proportional to gamma, so s gamma for a time tau does what gamma does for a time s tau. The pulses are simulated for
their present length with a gamma whose factor s is 1 and whose derivative is that of the length.
"""

import math
from dataclasses import replace

import torch

from spinloom.devices.mtj.design import LARGEST_PHASE, JunctionDesign, mean_magnetization, thermal_step
from spinloom.devices.mtj.simulation import READ_SAMPLES, require_float
from spinloom.errors import InputError, require_finite, require_number, require_quantity
from spinloom.magnetism import Constant, Magnet, Quantity, double, simulate

STEP = 4e-12
LEAST_STEPS = 32
"""In a pulse. With STEP, shorter steps move the curves of the default macrospin by less than 1e-7 (tested)."""
PHASE = 2.0
"""rad, by which the fastest mode of exchange may turn in one step of rk4, which is stable up to 2.8."""


def design_curves(
    device: JunctionDesign,
    drive: torch.Tensor,
    starts: torch.Tensor,
    *,
    step: float = STEP,
    dtype: torch.dtype = torch.float64,
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
    require_number("s", "positive", step=step)
    require_float(dtype)
    for name, given in (("drive", drive), ("starts", starts)):
        require_quantity(**{name: given})
        given = double(given)
        if given.ndim != 1 or not len(given):
            raise InputError(f"{name} must be (n,) with n >= 1, got {tuple(given.shape)}")
        require_finite("", **{name: given})
    return read_curves(device, after_pulse(device, drive, starts, step=step, dtype=dtype), step=step)


def read_curves(
    device: JunctionDesign, written: torch.Tensor, *, step: float = STEP
) -> tuple[torch.Tensor, torch.Tensor]:
    """(value, slope) as in `design_curves` of what `after_pulse` returned."""
    resting = device.magnet()
    window = _run(resting, written, device.read, step, READ_SAMPLES).mean(0)
    value, gradient = device.read_out(mean_magnetization(resting, window))
    signs = torch.tensor(device.polarities, dtype=value.dtype).reshape(-1, 1, 1, 1)
    return _pairs(signs * value), _pairs(gradient.square())


def after_pulse(
    device: JunctionDesign,
    drive: torch.Tensor,
    starts: torch.Tensor,
    *,
    step: float = STEP,
    dtype: torch.dtype = torch.float64,
) -> torch.Tensor:
    """m right after the pulse: (3, cycles, points, devices, starts), on a mesh with (nz, ny, nx) behind."""
    resting = device.magnet()
    devices = device.area.numel()
    x, y, _ = device.references()[0]
    along = starts.tanh() / torch.hypot(x, y)
    m = torch.stack(torch.broadcast_tensors(x * along, y * along, 1 / starts.cosh())).to(dtype)
    m = m.reshape(3, 1, 1, -1, len(starts)).expand(3, 1, 1, devices, len(starts))
    m = device.lifted(m).expand(*m.shape, *(resting.mesh.shape if resting.mesh else ()))
    # the reset does not know the drive that comes: once for all of them
    reset = device.magnet(reset=Constant(device.lifted(device.reset_density)))
    m = _run(_stretched(reset, device.reset), m, device.reset, step)[0]
    signs = torch.tensor(device.polarities, dtype=torch.float64)
    wave = signs[:, None, None, None] * double(drive)[:, None, None]
    m = m.expand(3, len(signs), len(drive), *m.shape[3:])
    pulse = device.magnet(write=Constant(device.lifted(wave)))
    return _run(_stretched(pulse, device.pulse), m, device.pulse, step)[0]


def _stretched(magnet: Magnet, length: Quantity) -> Magnet:
    """The same magnet with a gamma whose derivative is that of time; unchanged where `length` has none."""
    if not isinstance(length, torch.Tensor) or not length.requires_grad:
        return magnet
    material = magnet.material
    return replace(magnet, material=replace(material, gamma=material.gamma * length.double() / float(length.detach())))


def _run(magnet: Magnet, m: torch.Tensor, length: Quantity, step: float, records: int = 1) -> torch.Tensor:
    duration = float(double(length).detach())
    step = min(step, duration / LEAST_STEPS) if magnet.torques else step
    if magnet.mesh is not None:
        step = min(step, PHASE / LARGEST_PHASE * thermal_step(magnet, math.inf))
    return simulate(magnet, m, duration, step, method="rk4", records=records, engine="eager").m


def _pairs(cycles: torch.Tensor) -> torch.Tensor:
    """(cycles, points, devices, starts) to the mean over the cycles, (devices, points, starts of each cycle)."""
    total = cycles[0]
    for cycle in cycles[1:]:
        total = total[..., None] + cycle.reshape(*cycle.shape[:2], *[1] * (total.ndim - 2), -1)
    return (total / len(cycles)).flatten(2).transpose(0, 1)
