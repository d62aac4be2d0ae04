"""The commands and their options, as dataclasses that tyro makes the command line from. Imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

Shell = Literal["bash", "zsh", "fish"]

Name = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]


@dataclass(frozen=True)
class List:
    """Show the studies and devices there are."""


@dataclass(frozen=True)
class Run:
    """Run a study: train, convert, measure, write a report. `spinloom run NAME --help` lists its settings."""

    name: Name
    """Name of the study, see `spinloom list`."""


@dataclass(frozen=True)
class Device:
    """Simulate a device, draw its curves and print its key figures."""

    device: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME|module:Class|FILE")]
    """A name of `spinloom list`, a class of yours, or a .csv or .safetensors file with measured curves."""
    out: Path | None = None
    """Folder for curves.png and response.safetensors."""
    set: tuple[str, ...] = ()
    """Parameters of the device as name=value in SI units, for example diameter=80e-9 barrier.tmr=1.5."""
    temperature: float = 300.0
    """K."""
    spread: float = 0.0
    """Standard deviation of every physical parameter, as a fraction (0.05 is 5 %)."""
    devices: int = 32
    """Fabricated devices to simulate (one, if there is no spread)."""
    seed: int = 0
    """Of fabrication and noise."""


@dataclass(frozen=True)
class Evaluate:
    """Put a trained network of yours on fabricated devices: accuracy, energy, time, and a report."""

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE.py:NAME")]
    """The network, or a function that returns it; its Tanh become devices."""
    weights: Path | None = None
    """Its trained weights: safetensors, or a state dict saved by torch."""
    device: str = "mtj-neuron"
    """A name of `spinloom list`, a class as package.module:Class, or a .csv or .safetensors file of curves."""
    set: tuple[str, ...] = ()
    """Parameters of the device as name=value in SI units."""
    data: str = "auto"
    """Name of a data set, see `spinloom data list`; its test images are taken."""
    instances: int = 20
    """Fabricated networks."""
    images: int | None = None
    """The most test images that are used."""
    spread: float = 0.05
    """Standard deviation of every parameter of a simulated device, as a fraction."""
    temperature: float = 300.0
    """K."""
    seed: int = 0
    """Of fabrication and noise."""
    out: Path | None = None
    """The report, as one self-contained page: report.html."""


@dataclass(frozen=True)
class Weights:
    """Show the trained networks that come with Spinloom."""


@dataclass(frozen=True)
class DataList:
    """Show the data sets and where they are."""


@dataclass(frozen=True)
class DataFetch:
    """Download a data set into the cache, checked against its checksums."""

    name: Name
    """Name of the data set, see `spinloom data list`."""


Data = Annotated[
    Annotated[DataList, tyro.conf.subcommand("list")] | Annotated[DataFetch, tyro.conf.subcommand("fetch")],
    tyro.conf.OmitSubcommandPrefixes,
]


@dataclass(frozen=True)
class DataCommand:
    """List or fetch data sets."""

    action: Data


@dataclass(frozen=True)
class Completion:
    """Print what makes a shell complete commands and the names of studies, devices and data sets."""

    shell: Annotated[Shell, tyro.conf.Positional]
    """The script says where it belongs."""


Command = (
    Annotated[List, tyro.conf.subcommand("list")]
    | Annotated[Run, tyro.conf.subcommand("run")]
    | Annotated[Device, tyro.conf.subcommand("device")]
    | Annotated[Evaluate, tyro.conf.subcommand("evaluate")]
    | Annotated[Weights, tyro.conf.subcommand("weights")]
    | Annotated[DataCommand, tyro.conf.subcommand("data")]
    | Annotated[Completion, tyro.conf.subcommand("completion")]
)
