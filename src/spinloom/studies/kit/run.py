"""One run of a study: its folder, what it works on, what it keeps and what its report shows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console
from torch import nn

from spinloom.data import ImageSet, load_pair, resolve
from spinloom.devices import DeviceSource, Response, device_source, require_free
from spinloom.evaluation import Examples, Population, SweepPoint, evaluate_instances, on_devices
from spinloom.learning import Software, fit, plan_software, read_software, save_weights, train_once
from spinloom.nn import Converters
from spinloom.progress import Report, bar
from spinloom.quantities import duration
from spinloom.report import (
    Claim,
    Condition,
    Plot,
    StudyResult,
    Sweep,
    Table,
    draw_sweep,
    judge,
    publish,
    reserve,
    sweep_table,
)
from spinloom.studies import registry
from spinloom.studies.kit.parts import Sizes
from spinloom.studies.kit.stages import Stages


class Run:
    """What a study's function is given first: `settings` and `size` come behind it.

    name: of the study. out: its folder. command: repeats the run. reason: why this data set was taken. source: the
    device, where `on_device` brought one.
    """

    def __init__(self, body: Callable[..., None], name: str, title: str, settings: Any, sizes: Sizes) -> None:
        self.name, self.title, self.settings, self._body = name, title, settings, body
        self.size = sizes.of(settings)
        self.out = Path(settings.out or Path("out") / name)
        self.command = registry.command(name, settings)
        self.reason = ""
        self.source: DeviceSource | None = None
        self._console = Console(stderr=True)
        self._started = perf_counter()
        self._stages: Stages | None = None
        self._networks: dict[str, nn.Module] = {}
        self._listed: dict[str, Any] = {}
        self._data: dict[str, Any] = {}
        self._summary = ""
        self._claims: list[Claim] = []
        self._tables: list[Table] = []
        self._plots: list[Plot] = []
        self._assumptions: list[str] = []

    def carry_out(self) -> StudyResult:
        """Call the study's function, write and print the result."""
        self._body(self, self.settings, self.size)
        size = {key: value for key, value in vars(self.size).items() if key not in self._listed}
        result = StudyResult(
            name=self.name,
            title=self.title,
            scale="full" if self.settings.full else "reduced",
            summary=" ".join(filter(None, (self._summary, self.reason))),
            settings={**asdict(self.settings), **size, **self._listed},
            claims=tuple(self._claims),
            tables=tuple(self._tables),
            plots=tuple(self._plots),
            assumptions=tuple(self._assumptions),
            command=self.command,
            seconds=perf_counter() - self._started + self.stages.earlier,
            resumed=self.stages.resumed,
            data=self._data,
        )
        for file, network in self._networks.items():
            save_weights(self.out / file, network)
        publish(result, self.out)
        return result

    # what the study works on

    @property
    def stages(self) -> Stages:
        """The kept stages; the folder is opened when they are first asked for. Raises InputError, OutputError."""
        if self._stages is None:
            folder = reserve(self.out, self.name, self.command)  # fail early
            self._stages = Stages(folder, self._body, {"seed": self.settings.seed})
        return self._stages

    def images(self, preferred: str | None = None, **options: Any) -> tuple[ImageSet, ImageSet]:
        """Training and test images of the data set asked for; stages depend on them.

        preferred: what "auto" takes where it is found. options: of `data.load_pair`.
        """
        choice = resolve(self.settings.dataset, **({"preferred": preferred} if preferred else {}))
        self.tell(choice.reason)
        self.reason = choice.reason
        self.stages.depend(dataset=choice.name)
        train, test = load_pair(choice.name, **options)
        self.stages.depend(data=train.source, images=len(train), tests=len(test))
        self.list(data=test.source)
        return train, test

    def on_device(self, devices: int, *fixed: str) -> DeviceSource:
        """The device asked for. devices: simulated ones that instances draw from. fixed: settings that a file fixes.

        Raises InputError for a device that cannot be used, or settings beside a file that fixes them.
        """
        settings = self.settings
        require_free(settings.device, settings, "set", "temperature", *fixed)
        self.source = device_source(settings.device, settings.set, settings.temperature, devices, settings.seed)
        return self.source

    def software(self, train: ImageSet) -> Software:
        """The convolutional network in software: of the weights asked for, or trained here as `size` says.

        Stages depend on it. Raises InputError for weights that cannot be used, OutputError if it cannot be kept.
        """
        found = read_software(self.settings.weights, train) if self.settings.weights else self._trained_here(train)
        self.take_up(found)
        return found

    def _trained_here(self, train: ImageSet) -> Software:
        network, training = plan_software(train, self.size, self.settings.seed)
        size = {name: getattr(self.size, name) for name in ("channels", "hidden", "dropout")}
        began = perf_counter()
        run = partial(fit, network, train, training)
        now = self.trained("network", "training the software network", network, run, **asdict(training), **size)
        took = duration(perf_counter() - began) if now else "in an earlier run"
        origin = f"trained here, {training.epochs} epochs of {len(train):,} images, {took}"
        return Software.of(network, origin)

    def take_up(self, software: Software) -> None:
        """Say where this network is from, list it, let stages depend on it and on the device, save it in the end."""
        self.tell(f"Software network: {software.origin}.")
        self.list(software=software.origin)
        self.stages.depend(weights=software.digest, device=self.source.identity if self.source else None)
        self._networks["network.safetensors"] = software.network

    # what is kept

    def kept(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: see `Stages.kept`."""
        return self.stages.kept(function)

    def trained(
        self, name: str, title: str, network: nn.Module, fit: Callable[[Path, Report], object], /, **key: Any
    ) -> bool:
        """Train `network` in place once; its weights are kept, a killed training goes on. Returns whether it was now.

        name: of the stage; title: of the progress bar. fit: called as fit(checkpoint, report). key: all that decides
        the outcome, beside what stages depend on. Raises OutputError.
        """
        path = self.stages.path(name, key, ".safetensors")

        def run(checkpoint: Path, report: Report) -> None:
            with self.stages.timed(path):
                fit(checkpoint, self._ticking(report))

        now = train_once(path, network, title, run)
        if not now:
            self.stages.take(path)
        return now

    def _ticking(self, report: Report) -> Report:
        """The same report, which keeps the time of the stage at work too."""

        def tick(done: int, total: int, note: str = "") -> None:
            self.stages.tick()
            report(done, total, note)

        return tick

    @contextmanager
    def bar(self, title: str) -> Iterator[Report]:
        """Progress on stderr; the time of the stage at work is kept with it."""
        with bar(title) as report:
            yield self._ticking(report)

    def population(
        self,
        name: str,
        network: nn.Module,
        response: Callable[[], Response],
        examples: Examples,
        instances: int,
        converters: Converters | None = None,
        **key: Any,
    ) -> Population:
        """Accuracies of `instances` networks whose every activation is a device of its own, kept as a stage.

        name: in words, of the stage and the progress bar. key: what decides the response.
        """
        seed, chosen = self.settings.seed, converters or Converters()

        @self.kept
        def population(name: str, instances: int, images: int, converters: Any, **key: Any) -> list[float]:
            with self.bar(name) as report:
                hardware = on_devices(network, response(), examples, seed, chosen)
                return list(evaluate_instances(hardware, examples, instances, seed, report).accuracies)

        found = population(name=name, instances=instances, images=len(examples), converters=asdict(chosen), **key)
        return Population(tuple(found))

    def sweep(
        self,
        kind: Sweep,
        values: Sequence[float],
        network: nn.Module,
        response: Callable[[float], Response],
        examples: Examples,
        instances: int,
        software: float,
        converters: Callable[[float], Converters | None] = lambda value: None,
        note: str = "",
    ) -> tuple[SweepPoint, ...]:
        """A population at each value, and its table and figure in the report.

        software: accuracy of the software network on these examples. note: below the table.
        """
        points = tuple(
            SweepPoint(
                value,
                self.population(
                    "nominal" if value == kind.none else f"{kind.name} {kind.scale * value:g} {kind.unit}".strip(),
                    network,
                    partial(response, value),
                    examples,
                    instances,
                    converters(value),
                ),
            )
            for value in values
        )
        self.table(sweep_table(kind.title, kind.axis, kind.scale, points, note))
        figure = draw_sweep(points, software, kind.title, kind.axis, kind.scale)
        self.show(f"accuracy-{kind.name}", kind.caption, figure)
        return points

    # what the report shows

    def tell(self, text: str) -> None:
        """A line on stderr, while the study runs."""
        self._console.print(text, highlight=False, markup=False)

    def say(self, *sentences: str) -> None:
        """The summary: the outcome first."""
        self._summary = " ".join(filter(None, (self._summary, *sentences)))

    def claim(self, claim: Claim, *conditions: Condition, on_device: bool = True) -> None:
        """One published figure beside ours, judged where all conditions are met.

        on_device: its source names parameters of the device that were changed, of which bars say nothing.
        """
        if on_device and self.source and self.source.changes:
            changed = f"{claim.source}; devices with {', '.join(self.source.changes)}"
            claim = Claim(**{**asdict(claim), "source": changed})
        self._claims.append(judge(claim, conditions))

    def table(self, table: Table, first: bool = False) -> None:
        """A table, printed and in the report, the first one before the figures. first: before those there are."""
        self._tables.insert(0 if first else len(self._tables), table)

    def show(self, name: str, caption: str, figure: Figure) -> None:
        """A figure, NAME.png."""
        self._plots.append(Plot(name, caption, figure))

    def assume(self, *sentences: str) -> None:
        """What the figures rest on, a sentence each."""
        self._assumptions += sentences

    def record(self, **data: Any) -> None:
        """Raw numbers for machines, under `data` in result.json."""
        self._data |= data

    def list(self, **settings: Any) -> None:
        """Something chosen, beside settings and size in the report."""
        self._listed |= settings
