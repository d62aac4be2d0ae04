"""Where the devices' responses come from: simulation of the junction, or a user's own curve."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from spinloom.devices import (
    OperatingCost,
    Response,
    Spread,
    TwoPolarizerMTJ,
    response_csv,
    response_files,
    with_parameters,
)
from spinloom.errors import InputError
from spinloom.quantities import parameters

SWEEP_READS = 256
"""Thermal realisations behind each point of the sweeps of temperature and diameter: noise to 4 %."""
RESOLVED_READS, RESOLVED_DEVICES = 32, 16
"""For junctions resolved in space, which take thousands of times as long: noise to 13 %, devices to draw from."""


@dataclass(frozen=True)
class Junctions:
    """The devices of one study.

    identity: all that determines the responses. parameters: name and value (SI), for people.
    nominal: one device without spread. fabricated: a population to draw instances from, at a relative spread.
    at_temperature (K), at_diameter (m): the nominal device there. cost: of one operation at a diameter. kelvin: the
    temperature of nominal and fabricated devices. These four, and other spreads, exist for simulated devices only.
    changes: parameters (name=value) that are not the defaults, as they were given.
    """

    identity: str
    parameters: dict[str, str]
    nominal: Callable[[], Response]
    fabricated: Callable[[float], Response]
    at_temperature: Callable[[float], Response] | None = None
    at_diameter: Callable[[float], Response] | None = None
    cost: Callable[[float | None], OperatingCost] | None = None
    kelvin: float | None = None
    changes: tuple[str, ...] = ()

    @property
    def simulated(self) -> bool:
        return self.at_temperature is not None

    @property
    def reads_slopes(self) -> bool:
        """Whether slopes are measured (or simulated) ones; a file without slopes gives the derivative of its values."""
        return "derivative" not in self.parameters.get("slope", "")

    @property
    def slopes(self) -> str:
        """Where the slope of a junction comes from, behind the words "its slope"."""
        derived = "is the derivative of the junction's curve, as the file has no slopes"
        return "is read from the junction itself" if self.reads_slopes else derived

    def population(self, spread: float) -> str:
        """The devices that instances draw from, behind the words "drawn at random from"."""
        count = self.fabricated(spread).devices
        devices = f"{count} devices" if count > 1 else "one device"
        return f"{devices}, simulated at {self.kelvin:g} K" if self.simulated else f"{devices} in the file"

    @property
    def single(self) -> str:
        """What the thin lines of a figure of curves are."""
        return "single fabricated devices" if self.simulated else "the devices of the file"


def require_free(settings: Any, *fixed: str) -> None:
    """Raise InputError if --response is given beside --junction or a setting (by name) that a file fixes as well."""
    for name in ("junction", *fixed):
        if settings.response is not None and getattr(settings, name) != getattr(type(settings), name):
            raise InputError(
                f"--{name.replace('_', '-')} is of the simulated junction, --response {settings.response} already "
                "fixes it; give one of them"
            )


def chosen(file: Path | None, changes: tuple[str, ...], temperature: float, devices: int, seed: int) -> Junctions:
    """The device of a file, or the simulated junction with parameters changed (name=value). Raises InputError."""
    if file:
        return measured(file)
    device = with_parameters(TwoPolarizerMTJ(), changes)
    return replace(simulated(device, temperature, devices, seed), changes=changes)


def simulated(device: TwoPolarizerMTJ, temperature: float, devices: int, seed: int) -> Junctions:
    """Simulate responses when they are asked for; once each."""
    resolved = device.resolution is not None
    reads = RESOLVED_READS if resolved else SWEEP_READS
    count = min(devices, RESOLVED_DEVICES) if resolved else devices

    def sized(metres: float) -> TwoPolarizerMTJ:
        """Another diameter, resolved by as many cells."""
        cell = None if device.resolution is None else device.resolution * metres / float(device.diameter)
        return replace(device, diameter=metres, resolution=cell)

    @cache
    def one(device: TwoPolarizerMTJ, kelvin: float) -> Response:
        return device.simulate(temperature=kelvin, realizations=reads, seed=seed)

    @cache
    def nominal() -> Response:
        return device.simulate(temperature=temperature, seed=seed)

    @cache
    def fabricated(sigma: float) -> Response:
        if sigma == 0:
            return nominal()  # one device, averaged over many more realisations
        return device.simulate(spread=Spread.uniform(sigma), devices=count, temperature=temperature, seed=seed)

    return Junctions(
        identity=f"{device}, {temperature} K, {count} devices",
        parameters=parameters(device),
        nominal=nominal,
        fabricated=fabricated,
        at_temperature=lambda kelvin: one(device, kelvin),
        at_diameter=lambda metres: one(sized(metres), temperature),
        cost=lambda metres: (sized(metres) if metres else device).cost(),
        kelvin=temperature,
    )


def measured(path: Path) -> Junctions:
    """Devices from a file: `.csv` or Spinloom's safetensors. Its spread is the one it holds. Raises InputError."""
    read = response_csv.read_csv if path.suffix.lower() == ".csv" else response_files.load
    response = read(path)
    return Junctions(
        parameters={"file": str(path), "devices": str(response.devices), **response.metadata},
        identity=f"file {path.name}: {response.devices} devices, {_digest(response)}",
        nominal=response.nominal,
        fabricated=lambda _: response,
    )


def _digest(response: Response) -> str:
    """Of all that a layer reads of it: noise and slopes too."""
    made = hashlib.sha256(f"{response.unit_drive!r}".encode())
    for name in ("drive", "value", "slope", "noise", "slope_noise"):
        made.update(getattr(response, name).detach().cpu().double().contiguous().numpy().tobytes())
    return made.hexdigest()[:16]
