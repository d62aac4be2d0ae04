"""The commands: their options, as dataclasses that tyro makes the command line from, and what each does.

Nothing heavy is imported before a command is carried out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Union

import tyro

from spinloom.cli.evaluation import Evaluate

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from spinloom.devices import OperatingCost, Response

Shell = Literal["bash", "zsh", "fish"]

SCRIPTS: dict[Shell, str] = {
    "bash": """\
# Put this into ~/.bashrc:  eval "$(spinloom completion bash)"
_spinloom() {
    local IFS=$'\\n' given="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$given"))
}
complete -o default -F _spinloom spinloom""",
    "zsh": """\
# Put this into ~/.zshrc, below compinit:  eval "$(spinloom completion zsh)"
_spinloom() {
    local -a found
    found=(${(f)"$("${words[1]}" complete "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    compadd -a found || _files
}
compdef _spinloom spinloom""",
    "fish": """\
# Put this into ~/.config/fish/config.fish:  spinloom completion fish | source
complete -c spinloom -a '(spinloom complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'""",
}
Name = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]


@dataclass(frozen=True)
class List:
    """Show the studies, devices and memories there are."""

    def carry_out(self) -> None:
        from spinloom.devices import catalogue
        from spinloom.errors import InputError
        from spinloom.studies import registry

        for title, column, room in (("Studies", "what it shows", registry), ("Devices", "what it is", catalogue)):
            grid = _grid(title, "name", column)
            for name in room.names():
                try:
                    grid.add_row(name, room.headline(name))
                except InputError as error:
                    grid.add_row(name, f"cannot be used: {error}")
            _console().print(grid)
        grid = _grid("Memories", "name", "what it is")
        for name, (line, _) in catalogue.MEMORIES.items():
            grid.add_row(name, line)
        _console().print(grid)
        _console().print("spinloom run NAME, spinloom device NAME; --help behind it lists the settings")


@dataclass(frozen=True)
class Run:
    """Run a study: train, convert, measure, write a report. `spinloom run NAME --help` lists its settings."""

    name: Name
    """Name of the study, see `spinloom list`."""

    def carry_out(self) -> None:
        """Only `spinloom run -NAME` and the like come here: what has a name is carried out before."""
        from spinloom.studies import registry

        registry.study(self.name)


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

    def carry_out(self) -> None:
        """Simulate or read, print, and write files where `out` is given. Raises InputError, OutputError."""
        from spinloom.devices import catalogue, device_source, require_free, save_response
        from spinloom.errors import require_non_negative

        require_non_negative("(a fraction, 0.05 is 5 %)", spread=self.spread)
        require_free(self.device, self, "temperature", "spread", "devices")
        source = device_source(self.device, self.set, self.temperature, self.devices, self.seed)
        console = _console()
        with console.status("simulating"):
            response = source.fabricated(self.spread)
            cost = source.cost(None) if source.cost else None
        headline = f": {catalogue.headline(self.device)}" if self.device in catalogue.names() else ""
        console.print(f"[bold]{self.device}[/]{headline}", highlight=False)
        for key, value in (*source.parameters.items(), *_figures(response, cost).items()):
            console.print(f"  {key:<30} {value}", highlight=False, markup=False)
        for sentence in cost.assumptions if cost is not None else ():
            console.print(f"- {sentence}", highlight=False, markup=False)
        if self.out:
            from spinloom.report import draw_curves, save

            picture, file = self.out / "curves.png", self.out / "response.safetensors"
            save(picture, draw_curves(response))
            save_response(file, response)
            console.print(f"written: {picture}, {file}", soft_wrap=True)


@dataclass(frozen=True)
class Weights:
    """Show the trained networks that come with Spinloom."""

    def carry_out(self) -> None:
        from spinloom.learning import shipped

        grid = _grid("Trained networks", "name", "network", "data set", "parameters", "accuracy")
        for name in shipped.names():
            one = shipped.describe(name)
            grid.add_row(name, one.network, one.dataset, f"{one.parameters:,}", f"{one.accuracy:.2%}")
        _console().print(grid)
        _console().print("Accuracy in software, on the whole test split. To see it on junctions:")
        _console().print("spinloom run mtj-transfer --weights NAME --dataset DATASET", highlight=False)
        _console().print("spinloom run mtj-deep --weights resnet20-cifar10 --dataset cifar10", highlight=False)
        _console().print("In Python: spinloom.learning.shipped.load(NAME), or describe(NAME) for how it was made.")


@dataclass(frozen=True)
class DataList:
    """Show the data sets and where they are."""

    def carry_out(self) -> None:
        from spinloom.data import list_sets, resolve
        from spinloom.quantities import si

        grid = _grid("Data sets", "name", "examples", "size", "where", "licence")
        for line in list_sets():
            examples = " + ".join(f"{count:,}" for count in line.counts.values())
            where = line.found.kind if line.found else "absent"
            grid.add_row(line.name, examples, si(line.size, "B"), where, line.licence)
        _console().print(grid)
        _console().print("spinloom data fetch NAME brings what is absent.")
        _console().print(f"auto is {resolve().name}. {resolve().reason}", highlight=False)


@dataclass(frozen=True)
class DataFetch:
    """Download a data set into the cache, checked against its checksums."""

    name: Name
    """Name of the data set, see `spinloom data list`."""

    def carry_out(self) -> None:
        from spinloom.data import fetch

        _console().print(f"{self.name}: {fetch(self.name)}", highlight=False)


@dataclass(frozen=True)
class Data:
    """List or fetch data sets."""

    action: tyro.conf.OmitSubcommandPrefixes[
        Annotated[DataList, tyro.conf.subcommand("list")] | Annotated[DataFetch, tyro.conf.subcommand("fetch")]
    ]

    def carry_out(self) -> None:
        self.action.carry_out()


@dataclass(frozen=True)
class Completion:
    """Print what makes a shell complete commands and the names of studies, devices and data sets."""

    shell: Annotated[Shell, tyro.conf.Positional]
    """The script says where it belongs."""

    def carry_out(self) -> None:
        print(SCRIPTS[self.shell])


# tyro takes long over A | B of plain classes
Command = Union[List, Run, Device, Evaluate, Weights, Data, Completion]  # noqa: UP007


def _figures(response: "Response", cost: "OperatingCost | None") -> dict[str, str]:
    import torch

    from spinloom.quantities import si

    nominal, x = response.nominal(), response.inputs
    ideal = torch.tanh(x)
    off = float((nominal.value[0] - ideal).abs().max())
    off_slope = float((nominal.slope[0] - (1 - ideal.square())).abs().max())
    lines = {
        "unit drive": f"{response.unit_drive:.3g} {response.drive_unit} stands for a network input of 1",
        "deviation from tanh": f"{off:.4f} at most; of the gradient {off_slope:.4f}",
        "noise of one read": f"{float(nominal.noise.mean()):.4f} of full scale, mean over the curve",
    }
    if cost is not None:
        at_one = int((cost.drive - response.unit_drive).abs().argmin())
        energies = (float(cost.write_energy[at_one]), cost.reset_energy, cost.read_energy)
        lines["write, reset, read"] = "{} at input 1, {}, {}".format(*(si(energy, "J") for energy in energies))
        lines["cycle"] = si(cost.cycle_time, "s")
    return lines


def _console() -> "Console":
    from rich.console import Console

    return Console()


def _grid(title: str, *columns: str) -> "Table":
    from rich import box
    from rich.table import Column, Table

    folding = [Column(column, overflow="fold") for column in columns]
    return Table(*folding, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
