"""One run of a study: its folder, what it works on, what it keeps and what its report shows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter
from typing import Any

from matplotlib.figure import Figure
from rich.console import Console
from torch import nn

from spinloom import data, devices, evaluation, learning, progress, report
from spinloom.errors import require_non_negative
from spinloom.nn import PLAIN, Converters
from spinloom.quantities import duration
from spinloom.studies import registry
from spinloom.studies.kit.stages import Stages


class Run:
    """What a study's function is given first: `settings` and `size` come behind it.

    name: of the study. out: its folder. command: repeats the run. reason: why this data set was taken. source: the
    device, where `on_device` brought one.
    """

    def __init__(self, body: Callable[..., None], name: str, title: str, settings: Any, size: Any) -> None:
        self.name, self.title, self.settings, self.size, self._body = name, title, settings, size, body
        self.out = Path(settings.out or Path("out") / name)
        self.command = registry.command(name, settings)
        self.reason = ""
        self.source: devices.DeviceSource | None = None
        self._started = perf_counter()
        self._network: nn.Module | None = None
        self._summary: tuple[str, ...] = ()
        self._listed: dict[str, Any] = {}
        self._data: dict[str, Any] = {}
        self._claims: list[report.Claim] = []
        self._tables: list[report.Table] = []
        self._plots: list[report.Plot] = []
        self._assumptions: tuple[str, ...] = ()

    def carry_out(self) -> report.StudyResult:
        """Call the study's function, write and print the result."""
        self._body(self, self.settings, self.size)
        result = report.StudyResult(
            name=self.name,
            title=self.title,
            scale="full" if self.settings.full else "reduced",
            summary=" ".join(filter(None, (*self._summary, self.reason))),
            settings={**asdict(self.settings), **vars(self.size), **self._listed},
            claims=tuple(self._claims),
            tables=tuple(self._tables),
            plots=tuple(self._plots),
            assumptions=self._assumptions,
            command=self.command,
            seconds=perf_counter() - self._started + self.stages.earlier,
            resumed=self.stages.resumed,
            earlier=self.stages.earlier,
            data=self._data,
        )
        if self._network is not None:
            learning.save_weights(self.out / "network.safetensors", self._network)
        report.publish(self.out, result)
        return result

    @cached_property
    def stages(self) -> Stages:
        """The kept stages; the folder is opened when they are first asked for. Raises InputError, OutputError."""
        return Stages(report.reserve(self.out, self.name, self.command), self._body, {"seed": self.settings.seed})

    def images(self, preferred: str | None = None, **options: Any) -> tuple[data.ImageSet, data.ImageSet]:
        """Training and test images of the data set asked for; stages depend on them.

        preferred: what "auto" takes where it is found. options: of `data.load_pair`.
        """
        choice = data.resolve(self.settings.dataset, **({"preferred": preferred} if preferred else {}))
        self.tell(choice.reason)
        self.reason = choice.reason
        self.stages.depend(dataset=choice.name)
        train, test = data.load_pair(choice.name, **options)
        self.stages.depend(data=train.source, images=len(train), tests=len(test))
        self.list(data=test.source)
        return train, test

    def on_device(self, count: int, *fixed: str, seed: int | None = None) -> devices.DeviceSource:
        """The device asked for. count: of simulated ones that instances draw from. fixed: settings that a file fixes.

        seed: None takes that of the settings. Raises InputError for a device that cannot be used, a temperature below
        0, or settings beside a file that fixes them.
        """
        given = self.settings
        require_non_negative("K", temperature=given.temperature)
        devices.require_free(given.device, given, "set", "temperature", *fixed)
        seed = given.seed if seed is None else seed
        self.source = devices.device_source(given.device, given.set, given.temperature, count, seed)
        return self.source

    def software(self, train: data.ImageSet) -> learning.Software:
        """The convolutional network in software: of the weights asked for, or trained here as `size` says.

        Stages depend on it. Raises InputError for weights that cannot be used, OutputError if it cannot be kept.
        """
        given = self.settings.weights
        found = learning.read_software(given, train) if given else self._trained_here(train)
        self.take_up(found)
        return found

    def _trained_here(self, train: data.ImageSet) -> learning.Software:
        network, training = learning.plan_software(train, self.size, self.settings.seed)
        size = {name: getattr(self.size, name) for name in ("channels", "hidden", "dropout")}
        began = perf_counter()
        run = partial(learning.fit, network, train, training)
        now = self.trained("network", "training the software network", network, run, **asdict(training), **size)
        took = duration(perf_counter() - began) if now else "in an earlier run"
        origin = f"trained here, {training.epochs} epochs of {len(train):,} images, {took}"
        return learning.Software.of(network, origin)

    def take_up(self, software: learning.Software) -> None:
        """Say where this network is from, list it, let stages depend on it and on the device, save it in the end."""
        self.tell(f"Software network: {software.origin}.")
        self.list(software=software.origin)
        self.stages.depend(weights=software.digest, device=self.source.identity if self.source else None)
        self._network = software.network

    def kept(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Decorator: see `Stages.kept`."""
        return self.stages.kept(function)

    def trained(
        self, name: str, title: str, network: nn.Module, fit: Callable[[Path, progress.Report], object], /, **key: Any
    ) -> bool:
        """Train `network` in place once; its weights are kept, a killed training goes on. Returns whether it was now.

        name: of the stage; title: of the progress bar. fit: called as fit(checkpoint, report). key: all that decides
        the outcome, beside what stages depend on. Raises OutputError.
        """
        path = self.stages.path(name, key, ".safetensors")

        def run(checkpoint: Path, shown: progress.Report) -> None:
            with self.stages.timed(path):
                fit(checkpoint, self._ticking(shown))

        now = learning.train_once(path, network, title, run)
        if not now:
            self.stages.take(path)
        return now

    def _ticking(self, shown: progress.Report) -> progress.Report:
        """The same report, which keeps the time of the stage at work too."""

        def tick(done: int, total: int, note: str = "") -> None:
            self.stages.tick()
            shown(done, total, note)

        return tick

    @contextmanager
    def bar(self, title: str) -> Iterator[progress.Report]:
        """Progress on stderr; the time of the stage at work is kept with it."""
        with progress.bar(title) as shown:
            yield self._ticking(shown)

    def population(
        self,
        name: str,
        network: nn.Module,
        response: Callable[[], devices.Response],
        examples: evaluation.Examples,
        instances: int,
        converters: Converters = PLAIN,
        **key: Any,
    ) -> evaluation.Population:
        """Accuracies of `instances` networks whose every activation is a device of its own, kept as a stage.

        name: in words, of the stage and the progress bar. key: what decides the response.
        """
        seed = self.settings.seed

        @self.kept
        def population(**key: Any) -> list[float]:
            with self.bar(name) as shown:
                hardware = evaluation.on_devices(network, response(), examples, seed, converters)
                return list(evaluation.evaluate_instances(hardware, examples, instances, seed, shown).accuracies)

        found = population(name=name, instances=instances, images=len(examples), converters=asdict(converters), **key)
        return evaluation.Population(tuple(found))

    def sweep(
        self,
        kind: report.Sweep,
        values: Sequence[float],
        network: nn.Module,
        response: Callable[[float], devices.Response],
        examples: evaluation.Examples,
        instances: int,
        software: float,
        converters: Callable[[float], Converters] = lambda value: PLAIN,
        note: str = "",
    ) -> dict[float, evaluation.Population]:
        """A population at each value, and its table and figure in the report.

        software: accuracy of the software network on these examples. note: below the table.
        """
        points: dict[float, evaluation.Population] = {}
        for value in values:
            name = "nominal" if value == kind.none else f"{kind.name} {kind.scale * value:g} {kind.unit}".strip()
            make, rounded = partial(response, value), converters(value)
            points[value] = self.population(name, network, make, examples, instances, rounded, value=float(value))
        self.table(report.sweep_table(kind.title, kind.axis, kind.scale, points, note))
        figure = report.draw_sweep(points, software, kind.title, kind.axis, kind.scale)
        self.show(f"accuracy-{kind.name}", kind.caption, figure)
        return points

    def tell(self, text: str) -> None:
        """A line on stderr, while the study runs."""
        Console(stderr=True).print(text, highlight=False, markup=False)

    def say(self, *sentences: str) -> None:
        """The summary: the outcome first."""
        self._summary += tuple(map(_folded, sentences))

    def claim(self, claim: report.Claim, *conditions: report.Condition, on_device: bool = True) -> None:
        """One published figure beside ours, judged where all conditions are met.

        on_device: its source names parameters of the device that were changed, of which bars say nothing.
        """
        if on_device and self.source and self.source.changes:
            claim = replace(claim, source=f"{claim.source}; devices with {', '.join(self.source.changes)}")
        self._claims.append(report.judge(claim, conditions))

    def table(self, table: report.Table, first: bool = False) -> None:
        """A table, printed and in the report, the first one before the figures. first: before those there are."""
        self._tables.insert(0 if first else len(self._tables), replace(table, note=_folded(table.note)))

    def show(self, name: str, caption: str, figure: Figure) -> None:
        """A figure, NAME.png."""
        self._plots.append(report.Plot(name, _folded(caption), figure))

    def show_curves(self, fabricated: devices.Response, single: str = "") -> None:
        """The two outputs of the device, nominal and `fabricated`. single: what one of those is, in words."""
        assert self.source
        caption = f"""The junction's two outputs beside tanh and its derivative; below, the deviation of the nominal
            device. Thin lines are {single or self.source.single}, the band is the noise of one read."""
        self.show("curves", caption, report.draw_curves(self.source.nominal(), fabricated))

    def assume(self, *sentences: str) -> None:
        """What the figures rest on, a sentence each."""
        self._assumptions += tuple(map(_folded, sentences))

    def record(self, **data: Any) -> None:
        """Raw numbers for machines, under `data` in result.json."""
        self._data |= data

    def list(self, **settings: Any) -> None:
        """Something chosen, beside settings and size in the report."""
        self._listed |= settings


def _folded(text: str) -> str:
    """The text in one line, however it stands in the source."""
    return " ".join(text.split())
