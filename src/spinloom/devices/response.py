"""What a device's terminals show: drive in, value and slope out, with spread and noise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch

from spinloom.errors import InputError, require_finite, require_non_negative, require_positive


@dataclass(frozen=True)
class Response:
    """The static response of a population of devices to one drive.

    drive: (points,), strictly increasing, in `drive_unit` (SI).
    value: (devices, points), what the network reads as activation (dimensionless, full scale is -1 to 1).
    slope: (devices, points), what the hardware offers as gradient with respect to the *network input*
        (dimensionless, ideal tanh: 1 - value^2). It need not be the derivative of `value`.
    noise: (devices, points), standard deviation of one read of `value` (dimensionless).
    unit_drive: the drive that stands for a network input of 1, in `drive_unit`.
    drive_unit: "A", "A/m^2", "V", "A/m" or "T".
    metadata: how it was made (text to text), kept in files.

    Raises InputError for wrong shapes, NaN, a drive that does not increase, negative noise.
    """

    drive: torch.Tensor
    value: torch.Tensor
    slope: torch.Tensor
    noise: torch.Tensor
    unit_drive: float
    drive_unit: str = "A/m^2"
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_positive(self.drive_unit, unit_drive=self.unit_drive)
        points = self.drive.numel()
        if self.drive.ndim != 1 or points < 2:
            raise InputError(f"drive must be (points,) with at least 2 points, got {tuple(self.drive.shape)}")
        for name in ("value", "slope", "noise"):
            shape = tuple(getattr(self, name).shape)
            if len(shape) != 2 or shape != (self.devices, points) or shape[0] < 1:
                raise InputError(f"{name} must be (devices, {points}), got {shape}")
        require_finite("", drive=self.drive, value=self.value, slope=self.slope)
        require_non_negative("", noise=self.noise)
        if not bool((self.drive.diff() > 0).all()):
            raise InputError("drive must increase strictly from point to point; sort the curve and drop repeats")

    @property
    def devices(self) -> int:
        return self.value.shape[0]

    @property
    def inputs(self) -> torch.Tensor:
        """The drive in units of the network input, (points,)."""
        return self.drive / self.unit_drive

    def with_read_noise(self, sigma: float) -> "Response":
        """The same devices with read noise `sigma` (fraction of full scale) added in quadrature."""
        require_non_negative("of full scale", sigma=sigma)
        return replace(self, noise=(self.noise.square() + sigma**2).sqrt())

    def nominal(self) -> "Response":
        """One device: the mean of the population, noise kept (root mean square)."""
        return replace(
            self,
            value=self.value.mean(0, keepdim=True),
            slope=self.slope.mean(0, keepdim=True),
            noise=self.noise.square().mean(0, keepdim=True).sqrt(),
        )
