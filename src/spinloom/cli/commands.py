"""What each command does."""

from rich import box
from rich.console import Console
from rich.table import Table

from spinloom.cli.arguments import (
    Command,
    Completion,
    DataCommand,
    DataFetch,
    DataList,
    Device,
    Evaluate,
    List,
    Run,
    Weights,
)
from spinloom.cli.completion import SCRIPTS
from spinloom.devices import catalogue
from spinloom.errors import InputError
from spinloom.studies import registry


def carry_out(command: Command) -> None:
    """Do what was typed. Raises SpinloomError for a mistake in it."""
    match command:
        case List():
            _list()
        case Run(name):  # only `spinloom run --help` and the like come here with a name
            registry.study(name)
        case Device():
            from spinloom.cli.devices import show_device

            show_device(command)
        case Evaluate():
            from spinloom.cli.evaluation import show_evaluation

            show_evaluation(command)
        case Completion(shell):
            print(SCRIPTS[shell])
        case Weights():
            _list_weights()
        case DataCommand(DataList()):
            _list_data()
        case DataCommand(DataFetch(name)):
            _fetch(name)


def _list() -> None:
    for title, column, room in (("Studies", "what it shows", registry), ("Devices", "what it is", catalogue)):
        grid = _grid(title, "name", column)
        for name in room.names():
            try:
                grid.add_row(name, room.headline(name))
            except InputError as error:
                grid.add_row(name, f"cannot be used: {error}")
        Console().print(grid)
    Console().print("spinloom run NAME, spinloom device NAME; --help behind it lists the settings")


def _list_weights() -> None:
    from spinloom.learning import shipped

    grid = _grid("Trained networks", "name", "network", "data set", "parameters", "accuracy")
    for name in shipped.names():
        one = shipped.describe(name)
        grid.add_row(name, one.network, one.dataset, f"{one.parameters:,}", f"{one.accuracy:.2%}")
    Console().print(grid)
    Console().print("Accuracy in software, on the whole test split. To see it on junctions:")
    Console().print("spinloom run mtj-transfer --weights NAME --dataset DATASET", highlight=False)
    Console().print("spinloom run mtj-deep --weights resnet20-cifar10 --dataset cifar10", highlight=False)
    Console().print("In Python: spinloom.learning.shipped.load(NAME), or describe(NAME) for how it was made.")


def _list_data() -> None:
    from spinloom.data import list_sets, resolve
    from spinloom.quantities import si

    grid = _grid("Data sets", "name", "examples", "size", "where", "licence")
    for line in list_sets():
        examples = " + ".join(f"{count:,}" for count in line.counts.values())
        where = line.found.kind if line.found else "absent"
        grid.add_row(line.name, examples, si(line.size, "B"), where, line.licence)
    Console().print(grid)
    Console().print("spinloom data fetch NAME brings what is absent.")
    Console().print(f"auto is {resolve().name}. {resolve().reason}", highlight=False)


def _fetch(name: str) -> None:
    from spinloom.data import fetch

    Console().print(f"{name}: {fetch(name)}", highlight=False)


def _grid(title: str, *columns: str) -> Table:
    grid = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        grid.add_column(column, overflow="fold")
    return grid
