"""`spinloom evaluate model.py:net`: a network of one's own on devices, and the report."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spinloom.cli.arguments import Evaluate
from spinloom.errors import InputError
from spinloom.plugins import load_object

if TYPE_CHECKING:
    from torch import nn


def show_evaluation(command: Evaluate) -> None:
    """Evaluate, print, and write the page where `out` is given. Raises InputError, OutputError."""
    from spinloom.devices import device_source, require_free
    from spinloom.learning import load_weights
    from spinloom.progress import bar
    from spinloom.report import evaluate

    if command.out and command.out.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out is a page, such as report.html, got {command.out.name!r}")
    require_free(command.device, command, "set", "temperature", "spread")
    device: Any = command.device
    if command.set:
        device = device_source(device, command.set, command.temperature, seed=command.seed)
    network = load_network(command.model)
    if command.weights:
        load_weights(network, command.weights)
    with bar("fabricated networks") as report:
        found = evaluate(
            network,
            device,
            command.data,
            command.instances,
            spread=command.spread,
            temperature=command.temperature,
            images=command.images,
            seed=command.seed,
            report=report,
        )
    print(found)
    if command.out:
        print(f"written: {found.save(command.out)}")


def load_network(place: str) -> "nn.Module":
    """The network at `file.py:name` or `package.module:name`: a module, or a class or function that makes one.

    Raises InputError where there is no such file, the file ends with an error, there is no such name in it, or it is
    no network.
    """
    from torch import nn

    file, colon, name = place.rpartition(":")
    if not colon or not file or not name:
        raise InputError(f"the network must be given as FILE.py:NAME or package.module:NAME, got {place!r}")
    what = f"network {place!r}"
    if file.endswith(".py"):
        file = _load_file(Path(file), what)
    found: Any = load_object(f"{file}:{name}", what)
    if not isinstance(found, nn.Module) and callable(found):
        try:
            found = found()
        except Exception as error:
            raise InputError(f"{what}: calling {name}() ends with {type(error).__name__}: {error}") from error
    if not isinstance(found, nn.Module):
        raise InputError(f"{what} must be a torch.nn.Module or a function that returns one, got {type(found).__name__}")
    return found


def _load_file(path: Path, what: str) -> str:
    """Run a file as a module, whose name is returned; what lies beside it can be imported."""
    if not path.is_file():
        raise InputError(f"{what}: there is no file {path}")
    sys.path.append(str(path.parent.resolve()))
    name = f"file_{path.stem}"  # beside modules of the same name
    spec = spec_from_file_location(name, path)
    assert spec is not None
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except Exception as error:
        raise InputError(f"{what}: running {path} ends with {type(error).__name__}: {error}") from error
    return name
