"""`spinloom evaluate model.py:net`: a network of one's own on devices, and the report."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from spinloom.errors import InputError

if TYPE_CHECKING:
    from torch import nn


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

    def carry_out(self) -> None:
        """Evaluate, print, and write the page where `out` is given. Raises InputError, OutputError."""
        from spinloom.devices import device_source, require_free
        from spinloom.learning import load_weights
        from spinloom.progress import bar
        from spinloom.report import evaluate

        if self.out and self.out.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"--out is a page, such as report.html, got {self.out.name!r}")
        require_free(self.device, self, "set", "temperature", "spread")
        device: Any = self.device
        if self.set:
            device = device_source(device, self.set, self.temperature, seed=self.seed)
        network = load_network(self.model)
        if self.weights:
            load_weights(network, self.weights)
        how = {name: getattr(self, name) for name in ("spread", "temperature", "images", "seed")}
        with bar("fabricated networks") as report:
            found = evaluate(network, device, self.data, self.instances, **how, report=report)
        print(found)
        if self.out:
            print(f"written: {found.save(self.out)}")


def load_network(place: str) -> "nn.Module":
    """The network at `file.py:name` or `package.module:name`: a module, or a class or function that makes one.

    Raises InputError where there is no such file, the file ends with an error, there is no such name in it, or it is
    no network.
    """
    from importlib.util import module_from_spec, spec_from_file_location

    from torch import nn

    from spinloom.plugins import load_object

    file, colon, name = place.rpartition(":")
    if not colon or not file or not name:
        raise InputError(f"the network must be given as FILE.py:NAME or package.module:NAME, got {place!r}")
    what = f"network {place!r}"
    if file.endswith(".py"):
        path = Path(file)
        if not path.is_file():
            raise InputError(f"{what}: there is no file {path}")
        sys.path.append(str(path.parent.resolve()))  # what lies beside it can be imported
        file = f"file_{path.stem}"  # beside modules of the same name
        spec: Any = spec_from_file_location(file, path)
        module = sys.modules[file] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise InputError(f"{what}: running {path} ends with {type(error).__name__}: {error}") from error
    found: Any = load_object(f"{file}:{name}", what)
    if not isinstance(found, nn.Module) and callable(found):
        try:
            found = found()
        except Exception as error:
            raise InputError(f"{what}: calling {name}() ends with {type(error).__name__}: {error}") from error
    if not isinstance(found, nn.Module):
        raise InputError(f"{what} must be a torch.nn.Module or a function that returns one, got {type(found).__name__}")
    return found
