"""One call for a network of one's own: how right it is on fabricated devices, and what that costs."""

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from time import perf_counter
from typing import Any, TypeAlias

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.utils.data import DataLoader, Dataset

from spinloom import evaluation
from spinloom.data import ImageSet, load_images
from spinloom.devices import DeviceSource, device_source
from spinloom.errors import InputError, require_count, require_finite
from spinloom.files import write_text
from spinloom.nn import device_layers, hardware_layers, ideal, real, to_hardware
from spinloom.progress import Report, silent
from spinloom.quantities import si
from spinloom.report.device_figures import draw_cost, draw_curves
from spinloom.report.population_figures import draw_groups
from spinloom.report.result import Plot, StudyResult, page
from spinloom.report.style import png
from spinloom.report.tables import Table, cost_table, device_table, error_in_percent, memory_table, percents

COST_INPUTS = 100
"""Inputs that energies are averaged over."""
Inputs: TypeAlias = tuple[Any, Any] | str | ImageSet | evaluation.Examples | Dataset | DataLoader


@dataclass(frozen=True, repr=False)
class Evaluation:
    """How a network does on devices. Accuracies are shares, 0..1; print it, `plot()` it, or `save("report.html")`.

    software: accuracy of the network as it was given, with ideal devices where it had some. nominal: on devices without
    spread. fabricated: on devices that differ, an instance each. cost, memory: of one inference and one backward pass;
    None where the device has no cost, or the network was on devices already. spread: relative; None where a file or
    the network fixes it. seconds: that it took.
    """

    network: str
    device: str
    data: str
    software: float
    nominal: evaluation.Population
    fabricated: evaluation.Population
    cost: evaluation.InferenceCost | None
    memory: evaluation.BackwardMemory | None
    spread: float | None
    seed: int
    seconds: float
    assumptions: tuple[str, ...]
    source: DeviceSource | None = field(default=None)

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Of the fabricated instances, in the order they were drawn."""
        return self.fabricated.accuracies

    @property
    def loss(self) -> float:
        """What devices cost in accuracy: software less the mean of the fabricated instances, 0..1."""
        return self.software - self.fabricated.mean

    @property
    def standard_error(self) -> float | None:
        """Of the loss, from instance to instance; None for a single one."""
        return self.fabricated.uncertainty

    def __str__(self) -> str:
        mean, _, worst = percents(self.fabricated)
        lines = [
            f"{self.network} on {self.device}, {self.data}",
            f"accuracy: software {100 * self.software:.2f} %, nominal devices {100 * self.nominal.mean:.2f} %, "
            f"{len(self.accuracies)} fabricated {mean} % (worst {worst} %)",
            f"loss: {self._loss}",
        ]
        if self.cost:
            devices, weights = (si(one, "J") for one in (self.cost.neurons, self.cost.weights))
            words = f"{devices} in {self.cost.devices:,} devices (weights {weights}, estimate)"
            lines.append(f"one inference: {words}, {si(self.cost.latency, 's')}")
        return "\n".join(lines)

    __repr__ = __str__

    @property
    def _loss(self) -> str:
        error = error_in_percent(self.fabricated)
        return f"{100 * self.loss:.2f}{'' if error is None else f' ± {error:.2f}'} percentage points"

    def plot(self) -> Figure:
        """Accuracy of every instance beside that of the software."""
        groups = {"nominal devices": self.nominal, "fabricated": self.fabricated}
        return draw_groups(groups, self.software, f"Accuracy on {self.device}")

    def _repr_html_(self) -> str:
        picture = base64.b64encode(png(self.plot())).decode()
        return f'<pre>{escape(str(self))}</pre><img src="data:image/png;base64,{picture}" style="max-width: 100%">'

    def result(self) -> StudyResult:
        """The same with tables, figures and raw numbers, as studies have it; `publish(folder, result)` writes it."""
        columns = ("devices", "accuracy (%)", "deviation", "worst")
        software = ("none, the software network", f"{100 * self.software:.2f}", None, None)
        rows = software, ("nominal", *percents(self.nominal)), ("fabricated", *percents(self.fabricated))
        tables = [Table("Accuracy", columns, rows, f"Loss of accuracy: {self._loss}.")]
        plots = [Plot("accuracy", "Every instance is a point, their mean a line.", self.plot())]
        if self.source:
            drawn = draw_curves(self.source.nominal(), self.source.fabricated(self.spread or 0.0), "device")
            plots.append(Plot("curves", f"The curves of the device beside tanh; thin: {self.source.single}.", drawn))
        if self.cost:
            plots.append(Plot("energy", "Energy of one inference, mean over the inputs.", draw_cost(self.cost)))
            tables.append(cost_table(self.cost))
        tables += [memory_table(self.memory)] if self.memory else []
        tables += [device_table(self.source)] if self.source else []
        return StudyResult(
            name="evaluate",
            title=f"{self.network} on {self.device}",
            scale="own",
            summary=f"In software the network is right on {100 * self.software:.2f} % of {self.data}; on "
            f"{len(self.accuracies)} fabricated instances of {self.device} it loses {self._loss}.",
            settings={"data": self.data, "instances": len(self.accuracies), "spread": self.spread, "seed": self.seed},
            claims=(),
            tables=tuple(tables),
            plots=tuple(plots),
            assumptions=self.assumptions,
            command="",
            seconds=self.seconds,
            data={"software": self.software, "nominal": self.nominal.accuracies, "accuracies": self.accuracies},
        )

    def save(self, path: str | Path) -> Path:
        """Write the report as one self-contained page. Raises InputError for another ending, OutputError."""
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise InputError(f"a report is a page, such as report.html, got {path.name!r}")
        result = self.result()
        write_text(path, page(result, {plot.name: png(plot.figure) for plot in result.plots}))
        return path


def evaluate(
    model: nn.Module,
    device: Any,
    data: Inputs,
    instances: int = 20,
    *,
    spread: float = 0.05,
    temperature: float = 300.0,
    images: int | None = None,
    seed: int = 0,
    report: Report = silent,
) -> Evaluation:
    """Put a trained network on devices and measure it there: nominal ones, and `instances` fabricated ones.

    model: stays as it is. Its Tanh become devices; one that has layers of devices is taken with those.
    device: what `device_source` takes (a name of `spinloom device`, `package.module:Class`, a .csv or .safetensors, a
        device, a Response), or a mapping {nn.Sigmoid: device, "layer.name": device} that says what becomes a device.
        None for a network that has them.
    data: name of a data set (its test images, scaled as training scales them), (inputs, labels) as tensors or arrays,
        an ImageSet, Examples, a Dataset or DataLoader of such pairs.
    spread: relative standard deviation of every parameter of a simulated device, at `temperature` K. images: the most
        that are used. seed: fixes everything that is drawn. report: told of the progress.

    Raises InputError for a device or data set that is unknown, data whose shape or labels do not fit the network,
    inputs that are not finite, a network without such activation, and instances < 1.
    """
    began = perf_counter()
    require_count(instances=instances, **({} if images is None else {"images": images}))
    if not isinstance(model, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    model = copy.deepcopy(model).cpu().eval()
    examples, words = _examples(model, data, images, seed)
    _require_fit(model, examples)
    on_devices = bool(hardware_layers(model))
    sources = _sources(device, temperature, seed, on_devices)
    alone = len({one.identity for one in sources.values()}) == 1
    source = next(iter(sources.values())) if alone else None
    if on_devices:
        software, nominal, fabricated = ideal(copy.deepcopy(model)), real(copy.deepcopy(model), spread=False), model
    else:
        software, first = model, examples.inputs[:1]
        curves = [(one.nominal(), one.fabricated(spread)) for one in sources.values()]
        nominal, fabricated = (
            to_hardware(model, dict(zip(sources, column, strict=True)), example_input=first, seed=seed)
            for column in zip(*curves, strict=True)
        )
    cost, unknown = _cost(nominal, examples.inputs[:COST_INPUTS], source)
    drawn = source.population(spread) if source and not on_devices else "the devices of its layers"
    simulated = bool(source and source.simulated and not on_devices)
    return Evaluation(
        network=type(model).__name__,
        device=_named(device, source),
        data=words,
        software=evaluation.accuracy(software, examples),
        nominal=evaluation.evaluate_instances(nominal, examples, 1, seed),
        fabricated=evaluation.evaluate_instances(fabricated, examples, instances, seed, report),
        cost=cost,
        memory=None if on_devices else evaluation.backward_memory(model, examples.inputs[:10]),
        spread=spread if simulated else None,
        seed=seed,
        seconds=perf_counter() - began,
        assumptions=(
            f"Every instance draws its devices at random from {drawn}"
            + (f", whose every parameter spreads by {100 * spread:g} %." if simulated else "."),
            "Weights and sums are exact; only layers of devices are hardware, and every read of them has its noise.",
            *(cost.assumptions if cost else (f"Energies are not known: {unknown}.",)),
        ),
        source=None if on_devices else source,
    )


def _examples(model: nn.Module, data: Inputs, images: int | None, seed: int) -> tuple[evaluation.Examples, str]:
    """What the network is measured on, in the precision of its weights, and that in words."""
    if isinstance(data, str):
        data = load_images(data, "test", limit=images, seed=seed)
    words = f"{data.name} {data.split} images" if isinstance(data, ImageSet) else "inputs given"
    if isinstance(data, ImageSet):
        data = evaluation.Examples.of(data)
    inputs, labels = (data.inputs, data.labels) if isinstance(data, evaluation.Examples) else _pair(data)
    if labels.is_floating_point() or labels.is_complex() or labels.ndim != 1:
        raise InputError(f"labels must be whole numbers (n,), one class each, got {labels.dtype} {tuple(labels.shape)}")
    precision = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    examples = evaluation.Examples(inputs.to(precision), labels.long())
    examples = examples.first(images) if images else examples
    require_finite("", inputs=examples.inputs)
    return examples, f"{len(examples):,} {words}"


def _pair(data: Any) -> tuple[torch.Tensor, torch.Tensor]:
    if isinstance(data, Dataset):
        data = DataLoader(data, batch_size=256)
    try:
        if isinstance(data, DataLoader):
            data = [torch.cat(list(map(torch.as_tensor, part))) for part in zip(*data, strict=True)]
        inputs, labels = (torch.as_tensor(part).detach().cpu() for part in data)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            "data must be the name of a data set, (inputs, labels), an ImageSet, Examples, or a Dataset or DataLoader "
            f"of such pairs, got {type(data).__name__}: {error}"
        ) from error
    return inputs, labels


def _require_fit(model: nn.Module, examples: evaluation.Examples) -> None:
    """Raise InputError unless the network gives a score for every class that the labels name."""
    few, shape = examples.inputs[:2], ", ".join(("n", *map(str, examples.inputs.shape[1:])))
    try:
        with torch.inference_mode():
            scores = model(few)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        hint = "; begin it with nn.Flatten() if it takes vectors" if few.ndim > 2 else ""
        raise InputError(f"the network does not take inputs of shape ({shape}){hint} ({error})") from error
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or len(scores) != len(few):
        given = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        raise InputError(f"the network must give one score per class, ({len(few)}, classes) for ({shape}), got {given}")
    low, high, classes = int(examples.labels.min()), int(examples.labels.max()), scores.shape[1]
    if low < 0 or high >= classes:
        raise InputError(f"labels must be 0 to {classes - 1} for {classes} outputs of the network, got {low} to {high}")


def _sources(device: Any, temperature: float, seed: int, on_devices: bool) -> dict[type[nn.Module] | str, DeviceSource]:
    asked = {nn.Tanh: device} if device is not None and not isinstance(device, Mapping) else dict(device or {})
    if not asked and not (device is None and on_devices):
        raise InputError("give a device: the network has no layers of devices of its own")
    return {
        key: one if isinstance(one, DeviceSource) else device_source(one, temperature=temperature, seed=seed)
        for key, one in asked.items()
    }


def _named(device: Any, source: DeviceSource | None) -> str:
    if isinstance(device, str | Path):
        return Path(device).name
    if device is None or source is None:
        return "its own devices" if device is None else "several devices"
    return source.noun if source.simulated else "the devices given"


def _cost(
    hardware: nn.Module, inputs: torch.Tensor, source: DeviceSource | None
) -> tuple[evaluation.InferenceCost | None, InputError | None]:
    """The cost, or why it is not known."""
    try:
        if source is None and device_layers(hardware):
            raise InputError("the cost of one device is given, that of several is not")
        return evaluation.inference_cost(hardware, inputs, cost=source if device_layers(hardware) else None), None
    except InputError as error:
        return None, error
