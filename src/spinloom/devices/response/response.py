"""What a device's terminals show: drive in, value and slope out, with spread and noise; and its files.

A file (`tensor_file`) holds drive, value, slope, noise and slope_noise, which version 1 had not; its header adds
"unit_drive", "drive_unit" and "metadata".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import chain
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from spinloom.devices.parameters import refuse, require_plausible
from spinloom.devices.tensor_file import TensorFile
from spinloom.errors import InputError, require_count, require_finite, require_number, require_sign

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_THIN = 50
"""Devices that are drawn one by one."""
CURVES = ("value", "slope", "noise", "slope_noise")
TENSORS = ("drive", *CURVES)
UNITS = ("A", "A/m^2", "V", "A/m", "T")
"""Of a drive."""
LEAST_REACH, MOST_REACH = 0.01, 1e5
"""Network inputs that a curve reaches: below, it never bends; beyond, no network asks."""
FILE = TensorFile("response", {1: TENSORS[:-1], 2: TENSORS})


@dataclass(frozen=True, repr=False)
class Response:
    """The static response of a population of devices to one drive.

    drive: (points,), strictly increasing, in `drive_unit` (SI).
    value: (devices, points), what the network reads as activation (dimensionless, full scale is -1 to 1).
    slope: (devices, points), what the hardware offers as gradient with respect to the *network input*
        (dimensionless, ideal tanh: 1 - value^2). It need not be the derivative of `value`.
    noise: (devices, points), standard deviation of one read of `value` (dimensionless).
    slope_noise: (devices, points), the same of `slope`; None stands for reads without noise.
    unit_drive: the drive that stands for a network input of 1, in `drive_unit`.
    drive_unit: "A", "A/m^2", "V", "A/m" or "T".
    metadata: how it was made (text to text), kept in files.

    Curves may be given as lists or arrays, which are copied as float64. Raises InputError for wrong shapes and types,
    NaN, a drive that does not increase, negative noise, a unit drive out of all scale with the drive, another unit.
    """

    drive: torch.Tensor
    value: torch.Tensor
    slope: torch.Tensor
    noise: torch.Tensor
    unit_drive: float
    drive_unit: str = "A/m^2"
    metadata: Mapping[str, str] = field(default_factory=dict)
    slope_noise: torch.Tensor = None  # type: ignore[assignment]  # never None once made

    def __post_init__(self) -> None:
        for name in TENSORS:
            given = getattr(self, name)
            if given is not None or name != "slope_noise":
                object.__setattr__(self, name, as_curve(name, given))
        given = self.slope_noise
        if given is None or (given.shape != self.slope.shape and not bool(given.any())):  # silent: of any other shape
            object.__setattr__(self, "slope_noise", torch.zeros_like(self.slope).detach())
        points = self.drive.numel()
        if self.drive.ndim != 1 or points < 2:
            raise InputError(f"drive must be (points,) with at least 2 points, got {tuple(self.drive.shape)}")
        for name in CURVES:
            shape = tuple(getattr(self, name).shape)
            if len(shape) != 2 or shape != (self.devices, points) or shape[0] < 1:
                raise InputError(f"{name} must be (devices, {points}), got {shape}")
        require_finite("", drive=self.drive, value=self.value, slope=self.slope)
        require_sign("", "non-negative", noise=self.noise, slope_noise=self.slope_noise)
        refuse(self.drive.diff() <= 0, "drive must increase strictly from point to point; sort it and drop repeats")
        if self.drive_unit not in UNITS:
            raise InputError(f"drive_unit must be one of {', '.join(UNITS)}, got {self.drive_unit!r}")
        unit = self.drive_unit
        require_sign(unit, "positive", unit_drive=self.unit_drive)
        try:
            unit_drive = float(self.unit_drive)
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"unit_drive must be one number in {unit}, got {short(self.unit_drive)}") from error
        object.__setattr__(self, "unit_drive", unit_drive)
        reach = float(self.drive.detach().abs().max()) / unit_drive
        if not LEAST_REACH <= reach <= MOST_REACH:
            reached = f"{reach * unit_drive:g} {unit}, {reach:.3g} in network inputs: is one of them in another unit?"
            raise InputError(f"unit_drive is {unit_drive:g} {unit} and the drive reaches {reached}")
        if not isinstance(self.metadata, Mapping) or not all(isinstance(t, str) for t in chain(*self.metadata.items())):
            raise InputError(f"metadata must map text to text, got {self.metadata!r}")

    @property
    def devices(self) -> int:
        return self.value.shape[0]

    @property
    def inputs(self) -> torch.Tensor:
        """The drive in units of the network input, (points,)."""
        return self.drive / self.unit_drive

    def __repr__(self) -> str:
        """Two lines: what it is, and how it stands to tanh."""
        name = self.metadata.get("device") or self.metadata.get("source") or "response"
        mean = self.nominal() if bool((~self.stuck()).any()) else self
        off = float((mean.value[0] - self.inputs.tanh()).detach().abs().max())
        noise = float(self.noise.detach().square().mean().sqrt())
        size = f"{self.devices} device{'s' if self.devices > 1 else ''}, {len(self.drive)} points"
        quality = f"{off:.3f} off tanh at most, noise of a read {noise:.4f} of full scale (rms)"
        return f"Response of {name}: {size}, unit drive {self.unit_drive:.4g} {self.drive_unit}\n  {quality}"

    def plot(self) -> "Figure":
        """The two curves against the network input, mean device thick, others thin; a matplotlib figure."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 3.2), layout="constrained")
        mean = self.nominal() if bool((~self.stuck()).any()) else self
        x = self.inputs.detach().cpu()
        ideal = (x.tanh(), 1 - x.tanh().square())
        for axis, name, wanted in zip(figure.subplots(1, 2), ("value", "slope"), ideal, strict=True):
            rows, middle = (getattr(one, name).detach().cpu() for one in (self, mean))
            if self.devices > 1:
                axis.plot(x, rows[:_THIN].T, color="C0", alpha=0.2, linewidth=0.8)
            if name == "value":
                noise = mean.noise[0].detach().cpu()
                axis.fill_between(x, middle[0] - noise, middle[0] + noise, color="C0", alpha=0.25, linewidth=0)
            axis.plot(x, middle[0], color="C0", linewidth=2, label=name)
            axis.plot(x, wanted, color="C1", linestyle="--", label="tanh" if name == "value" else "1 - tanh²")
            axis.set_xlabel(f"network input (drive / {self.unit_drive:.3g} {self.drive_unit})")
            axis.legend(frameon=False)
        return figure

    def _repr_png_(self) -> bytes:
        """For notebooks."""
        picture = BytesIO()
        self.plot().savefig(picture, format="png", dpi=110)
        return picture.getvalue()

    def with_read_noise(self, sigma: float, slope: float = 0.0) -> "Response":
        """The same devices with noise added in quadrature to reads of `value` (sigma) and `slope`, of full scale."""
        require_number("of full scale", "non-negative", sigma=sigma, slope=slope)
        require_plausible(read_noise=max(sigma, slope))
        noise, slope_noise = self.noise.square() + sigma**2, self.slope_noise.square() + slope**2
        return replace(self, noise=noise.sqrt(), slope_noise=slope_noise.sqrt())

    def with_stuck(self, fraction: float, rows: int = 1000) -> "Response":
        """A population of at least `rows` devices of which a fraction no longer answers to its drive.

        A stuck free layer gives the lowest or the highest value of its curve for every drive, half of the stuck
        devices each (rounded), with slope 0 and the mean noise of its reads. Which device is drawn for which unit is
        chance, so that a layer has this fraction, 0 to 1, on average.
        """
        require_number("", "non-negative", fraction=fraction)
        require_count(rows=rows)
        if fraction > 1:
            raise InputError(f"fraction must be in 0 to 1, got {fraction}")
        if fraction == 0:
            return self
        chosen = torch.arange(max(rows, self.devices)) % self.devices
        value, slope, noise, slope_noise = (getattr(self, name)[chosen].clone() for name in CURVES)
        stuck = round(fraction * len(chosen))
        high, low = slice(0, stuck // 2), slice(stuck // 2, stuck)
        value[high], value[low] = value[high].amax(1, keepdim=True), value[low].amin(1, keepdim=True)
        slope[:stuck] = 0
        for part in (noise, slope_noise):
            part[:stuck] = part[:stuck].mean(1, keepdim=True)
        return replace(self, value=value, slope=slope, noise=noise, slope_noise=slope_noise)

    def stuck(self) -> torch.Tensor:
        """(devices,), true where `value` moves by less than a tenth of what it moves in the liveliest device."""
        return is_stuck(self.value.detach())

    def nominal(self) -> "Response":
        """One device: the mean of those that are not stuck, noise kept (root mean square). InputError if all are."""
        alive = ~self.stuck()
        if not bool(alive.any()):
            raise InputError("no device answers to its drive (value is constant): none is nominal; check the curve")
        value, slope = (part[alive].mean(0, keepdim=True) for part in (self.value, self.slope))
        squares = (part[alive].square().mean(0, keepdim=True) for part in (self.noise, self.slope_noise))
        noise, slope_noise = (square.sqrt() for square in squares)
        return replace(self, value=value, slope=slope, noise=noise, slope_noise=slope_noise)


def as_curve(name: str, given: Any) -> torch.Tensor:
    """A tensor of floats: itself, or a float64 copy of whole numbers, an array or a list. Raises InputError."""
    if isinstance(given, torch.Tensor) and given.is_floating_point():
        return given
    try:
        array = np.asarray(given)
        if array.dtype.kind not in "fiu":
            raise TypeError(f"its type is {array.dtype}")
        return torch.from_numpy(array.astype(np.float64))
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} must be a tensor of real numbers, got {short(given)} ({error})") from error


def is_stuck(value: torch.Tensor) -> torch.Tensor:
    """(devices,): whose value (devices, points) moves by less than a tenth of what it moves in the liveliest one."""
    moved = value.amax(1) - value.amin(1)
    return (moved == 0) | (moved < 0.1 * moved.max())


def save_response(path: str | Path, response: Response) -> None:
    """Write a response to a .safetensors file, whole or not at all. Raises OutputError, InputError for what is none."""
    if not isinstance(response, Response):
        raise InputError(f"only a Response can be saved, got {response!r}; simulate or read one")
    header = {"unit_drive": response.unit_drive, "drive_unit": response.drive_unit}
    FILE.write(path, {name: getattr(response, name) for name in TENSORS}, **header, metadata=dict(response.metadata))


def load_response(path: str | Path) -> Response:
    """Read what `save_response` wrote, on the CPU, tensors bit for bit.

    Raises InputError naming the file: absent, truncated, damaged, of another format or a newer version.
    """

    def make(tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> Response:
        metadata = {str(key): str(text) for key, text in header["metadata"].items()}
        unit = float(header["unit_drive"])
        return Response(**tensors, unit_drive=unit, drive_unit=str(header["drive_unit"]), metadata=metadata)

    return FILE.read(path, make)
