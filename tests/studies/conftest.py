"""What tests of studies share: tiny sizes, a user's device, and runs whose accuracies are made up."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from spinloom import devices, evaluation, report
from spinloom.devices import Response, save_response
from spinloom.evaluation import Population
from spinloom.learning import fashion_cnn, save_weights
from spinloom.studies import kit

simulate_once = cache(devices.device_source)
"""The same devices are simulated once for all runs whose accuracies are made up."""


@pytest.fixture
def shrink(monkeypatch) -> Callable[..., None]:
    """shrink(study, name=value, ...): both sizes of the study get these values."""

    def shrink(study: ModuleType, **values: Any) -> None:
        for name, value in values.items():
            assert name in study.SIZES.values, name
            monkeypatch.setitem(study.SIZES.values, name, (value, value))

    return shrink


@pytest.fixture
def curve(tmp_path) -> Path:
    """A user's own device: three tanh curves of different steepness."""
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.tensor([[0.9], [1.0], [1.1]]))
    response = Response(x, value, 1 - value**2, torch.full_like(value, 0.01), 1.0, "A", {"made": "here"})
    save_response(tmp_path / "curve.safetensors", response)
    return tmp_path / "curve.safetensors"


@pytest.fixture
def weights(tmp_path) -> Path:
    """An untrained network of the kind that studies train, for digits of 28 x 28."""
    save_weights(tmp_path / "weights.safetensors", fashion_cnn((1, 28, 28), 10, (4, 4), 8))
    return tmp_path / "weights.safetensors"


@pytest.fixture
def unwritten(monkeypatch) -> None:
    """No files of the result: figures take longer than what these tests try."""
    monkeypatch.setattr(report, "publish", lambda *_: None)


@pytest.fixture
def repeat(monkeypatch) -> Callable[..., report.StudyResult]:
    """repeat(run, settings): a run that measures nothing, without the files that the run before it has written."""

    def repeat(run: Callable[..., report.StudyResult], settings: Any) -> report.StudyResult:
        with monkeypatch.context() as patch:
            patch.setattr(report, "publish", lambda *_: None)
            return run(settings)

    return repeat


@pytest.fixture
def made_up(monkeypatch, unwritten) -> Callable[..., report.StudyResult]:
    """made_up(study, settings, software, population=...): a run that judges these accuracies.

    Nothing is measured or drawn.

    population: gives the accuracies of a group by the name of its stage. dataset: the name that the images have.
    """

    def run(
        study: ModuleType, settings: Any, software: float, population: Callable[[str], tuple[float, ...]], dataset: str
    ) -> report.StudyResult:
        images = kit.Run.images

        def named(self: kit.Run, *args: Any, **options: Any) -> Any:
            train, test = images(self, *args, **options)
            return train, replace(test, name=dataset)

        def groups(self: kit.Run, name: str, *args: Any, **options: Any) -> Population:
            return Population(population(name))

        with monkeypatch.context() as patch:
            patch.setattr(kit.Run, "images", named)
            patch.setattr(kit.Run, "population", groups)
            patch.setattr(evaluation, "accuracy", lambda *_: software)
            patch.setattr(devices, "device_source", simulate_once)
            for name in report.__all__:
                if name.startswith("draw_"):
                    patch.setattr(report, name, lambda *_, **__: Figure())
            return study.run(settings)

    return run
