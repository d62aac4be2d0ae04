"""Where a study's devices come from: one of ours by name, a user's class, or a file with measured or kept curves."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from inspect import getfile
from pathlib import Path
from typing import Any

from spinloom.devices import catalogue
from spinloom.devices.contract import OperatingCost, require_promises, with_parameters
from spinloom.devices.parameters import Spread
from spinloom.devices.response.measured import read_curve
from spinloom.devices.response.response import TENSORS, Response, load_response
from spinloom.errors import InputError
from spinloom.quantities import parameters

SWEEP_READS, RESOLVED_READS, RESOLVED_DEVICES = 256, 32, 16
"""Thermal realisations behind each point of the sweeps of temperature and diameter: noise to 4 %. For devices resolved
in space, which take thousands of times as long: noise to 13 %; devices to draw from."""


@dataclass(frozen=True)
class DeviceSource:
    """The devices of one study.

    identity: all that determines the responses. parameters: name and value (SI), for people.
    nominal: one device without spread. fabricated: a population to draw instances from, at a relative spread.
    at_temperature (K), at_diameter (m): the nominal device there. cost: of one operation at a diameter (None: its own).
    kelvin: the temperature of nominal and fabricated devices. These four, and other spreads, exist for simulated
    devices only, at_diameter only for those that have a diameter.
    changes: parameters (name=value) that are not the defaults, as they were given. noun: what one device is called.
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
    noun: str = "device"

    @property
    def simulated(self) -> bool:
        return self.at_temperature is not None

    @property
    def reads_slopes(self) -> bool:
        """Whether slopes are measured (or simulated) ones; a file without slopes gives the derivative of its values."""
        return "derivative" not in self.parameters.get("slope", "")

    @property
    def slopes(self) -> str:
        """Where the slope of a device comes from, behind the words "its slope"."""
        derived = f"is the derivative of the {self.noun}'s curve, as the file has no slopes"
        return f"is read from the {self.noun} itself" if self.reads_slopes else derived

    def population(self, spread: float) -> str:
        """The devices that instances draw from, behind the words "drawn at random from"."""
        count = self.fabricated(spread).devices
        devices = f"{count} devices" if count > 1 else "one device"
        return f"{devices}, simulated at {self.kelvin:g} K" if self.simulated else f"{devices} in the file"

    @property
    def single(self) -> str:
        """What the thin lines of a figure of curves are."""
        return "single fabricated devices" if self.simulated else "the devices of the file"


def device_source(
    device: Any, changes: Sequence[str] = (), temperature: float = 300.0, devices: int = 64, seed: int = 0
) -> DeviceSource:
    """The devices that `device` stands for.

    device: a name of `catalogue.names()`, `package.module:Class`, a path to a .csv or .safetensors, a device (what has
    `simulate` and `cost`) or a Response. changes: name=value, SI, of a simulated device. temperature: K. devices: that
    a population has. Responses are simulated when they are asked for, once each.
    Raises InputError for what is none of these and for changes of curves that are fixed.
    """
    if isinstance(device, Response) or is_file(device):
        if changes:
            raise InputError(f"{', '.join(changes)}: the curves of a file or a Response are fixed; change a device")
        if isinstance(device, Response):
            return _given(device, "given in the program")
        read = read_curve if Path(device).suffix.lower() == ".csv" else load_response
        return _given(read(device), str(Path(device)))
    noun = getattr(type(device), "noun", type(device).__name__)
    if isinstance(device, str):
        name, made = device, catalogue.find(device)
        device, noun = made(), getattr(made, "noun", made.__name__ if ":" in name else name)
    else:
        require_promises(type(device), type(device).__name__)
    source = _simulated(with_parameters(device, changes), temperature, devices, seed)
    return replace(source, changes=tuple(changes), noun=noun)


def is_file(device: object) -> bool:
    """Whether this is the path of a file with curves."""
    return isinstance(device, Path) or (isinstance(device, str) and device.lower().endswith((".csv", ".safetensors")))


def require_free(device: object, settings: Any, *fixed: str) -> None:
    """Raise InputError if `device` is a file and a setting (by name) that a file fixes as well is given beside it."""
    for name in fixed if is_file(device) else ():
        if getattr(settings, name) != getattr(type(settings), name):
            option = f"--{name.replace('_', '-')}"
            raise InputError(f"{option} is of a simulated device, {device} already fixes it; give one of them")


def _simulated(device: Any, temperature: float, devices: int, seed: int) -> DeviceSource:
    resolved = getattr(device, "resolution", None) is not None
    reads = RESOLVED_READS if resolved else SWEEP_READS
    count = min(devices, RESOLVED_DEVICES) if resolved else devices

    def sized(metres: float | None) -> Any:
        """Another diameter, resolved by as many cells; None: its own."""
        if not metres:
            return device
        cells = {"resolution": device.resolution * metres / float(device.diameter)} if resolved else {}
        return replace(device, diameter=metres, **cells)

    @cache
    def simulate(metres: float | None = None, kelvin: float = temperature, **settings: Any) -> Response:
        response = sized(metres).simulate(seed=seed, temperature=kelvin, **settings)
        if not isinstance(response, Response):
            kind = type(response).__name__
            raise InputError(f"{type(device).__name__} breaks a promise: simulate returns a Response, got {kind}")
        return response

    def fabricated(sigma: float) -> Response:
        # without spread: one device, averaged over many more realisations
        return simulate(spread=Spread.uniform(sigma), devices=count) if sigma else simulate()

    named = parameters(device)
    return DeviceSource(
        identity=f"{device}, {temperature} K, {count} devices{_written(type(device))}",
        parameters=named,
        nominal=simulate,
        fabricated=fabricated,
        at_temperature=lambda kelvin: simulate(kelvin=kelvin, realizations=reads),
        at_diameter=partial(simulate, realizations=reads) if "diameter" in named else None,
        cost=lambda metres: sized(metres).cost(),
        kelvin=temperature,
    )


def _written(made: type) -> str:
    """Of a class that is not ours, a digest of the file it is written in: it may change while its name stays."""
    if made.__module__.startswith("spinloom."):
        return ""
    try:
        return f", source {hashlib.sha256(Path(getfile(made)).read_bytes()).hexdigest()[:16]}"
    except (TypeError, OSError):
        return ""


def _given(response: Response, where: str) -> DeviceSource:
    """Devices whose spread is the one that the response holds, named by all that a layer reads, noise too."""
    made = hashlib.sha256(f"{response.unit_drive!r}".encode())
    for name in TENSORS:
        made.update(getattr(response, name).detach().cpu().double().contiguous().numpy().tobytes())
    identity = f"{Path(where).name}: {response.devices} devices, {made.hexdigest()[:16]}"
    named = {"file": where, "devices": str(response.devices), **response.metadata}
    return DeviceSource(identity, named, nominal=response.nominal, fabricated=lambda _: response)
