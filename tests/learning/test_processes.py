"""Training in two processes: goes on where it was, says its errors, draws noise of its own in each, averages norms."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from toy_images import quarters

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.learning.compute import Compute
from spinloom.learning.fit import Training, fit
from spinloom.learning.objectives import Labels
from spinloom.learning.randomness import take_stream
from spinloom.nn import DeviceActivation, device_layers

HOW, IMAGES = Training(epochs=2, batch=32, rate=5e-3), quarters(128)
TWO = Compute(devices=2)


def network() -> nn.Sequential:
    """A norm that sees the images themselves, dropout, and noisy devices."""
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.linspace(0.8, 1.2, 7)[:, None])
    noise = torch.full_like(value, 0.05)
    response = Response(x, value, 1 - value**2, noise, 1.0, slope_noise=noise)
    torch.manual_seed(0)
    layers = (nn.Linear(64, 16), DeviceActivation(response, seed=3), nn.Linear(16, 4))
    return nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Dropout(0.2), *layers)


class Keeping:
    """A `before_step` that keeps the checkpoints after 5 and 7 steps, and errs then if there is a file `err`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, model: nn.Module, step: int, steps: int) -> None:
        if os.environ.get("LOCAL_RANK") != "0" or step not in (5, 7):
            return
        if step == 7 and (self.folder / "err").exists():
            raise InputError("the file is there; remove it")
        shutil.copy(self.folder / "state", self.folder / f"after{step}")


class Witness(Labels):
    """Cross-entropy that counts its calls in its state, and leaves how each process's dropout and devices answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        torch.save(torch.dropout(torch.ones(100), 0.5, True), self.folder / os.environ.get("LOCAL_RANK", "alone"))
        return super().forward(inputs, logits, labels)


def test_two_processes_go_on_where_they_were_and_say_their_errors(tmp_path):
    def train(model: nn.Module, aim: Witness) -> list[float]:
        how = {"objective": aim, "before_step": Keeping(tmp_path), "compute": TWO, "save_every": 1e-9}
        return fit(model, IMAGES, HOW, tmp_path / "state", **how)

    model, aim, one = network(), Witness(tmp_path), network()
    assert len(train(model, aim)) == HOW.epochs
    assert int(aim.calls) == 8
    assert not torch.equal(*(torch.load(tmp_path / process, weights_only=True) for process in "01"))
    fit(one, IMAGES, HOW)
    torch.testing.assert_close(model[0].running_mean, one[0].running_mean)

    shutil.copy(tmp_path / "after5", tmp_path / "state")
    (tmp_path / "err").touch()
    with pytest.raises(InputError, match=r"^the file is there; remove it$"):
        train(network(), Witness(tmp_path))
    assert (tmp_path / "state").read_bytes() == (tmp_path / "after7").read_bytes()


def test_what_cannot_be_sent_to_another_process_is_named():
    with pytest.raises(InputError, match="must be classes or functions of a module"):
        fit(network(), IMAGES, HOW, compute=TWO, before_step=lambda *_: None)


def test_a_process_has_the_devices_of_the_first_and_another_noise():
    models = [network() for _ in range(3)]
    for process, model in enumerate(models[1:]):
        take_stream([model], process)
    inputs = torch.randn(8, 1, 8, 8)
    plain, first, second = (model.eval()(inputs) for model in models)
    assert torch.equal(plain, first)
    assert not torch.equal(first, second)
    layers = [next(iter(device_layers(model).values())) for model in models]
    assert torch.equal(layers[1].assignment, layers[2].assignment)
    again = [model(inputs) for model in models[1:]]
    assert len({float(one.detach().sum()) for one in (first, second, *again)}) == 4


def test_generators_that_modules_hold_have_a_stream_of_their_own_in_each_process():
    def drawn(process: int) -> torch.Tensor:
        module = nn.Identity()
        module.first = module.second = torch.Generator().manual_seed(4)
        take_stream([module, None], process)
        return torch.rand(3, generator=module.second)

    assert torch.equal(drawn(0), torch.rand(3, generator=torch.Generator().manual_seed(4)))
    assert not torch.equal(drawn(0), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))
