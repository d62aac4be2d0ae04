"""Training in two processes: goes on where it was, says its errors, draws noise of its own in each, averages norms."""

import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.multiprocessing.spawn import ProcessExitedException
from toy_images import quarters

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.learning import Compute, Labels, Training, fit
from spinloom.learning.checkpoint import _not_started, take_stream
from spinloom.learning.fitting import require_gradients
from spinloom.nn import DeviceActivation, device_layers

HOW, IMAGES = Training(epochs=2, batch=32, rate=5e-3, optimiser="sgd"), quarters(128)
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


class Both(nn.Module):
    """The network with randomness beside one without, which is larger than a pipe holds, and a count of its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.noisy = network()
        self.plain = nn.Sequential(nn.Flatten(), nn.Linear(64, 2048), nn.Tanh(), nn.Linear(2048, 4))
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls = self.calls + 1
        return torch.cat([self.noisy(x), self.plain(x)], dim=1)


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
    """Cross-entropy of both networks that counts its calls in its state, and leaves how each process's dropout goes."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        torch.save(torch.dropout(torch.ones(100), 0.5, True), self.folder / os.environ.get("LOCAL_RANK", "alone"))
        noisy, plain = logits.chunk(2, dim=1)
        return super().forward(inputs, noisy, labels) + super().forward(inputs, plain, labels)


def test_two_processes_end_with_the_weights_of_one_go_on_where_they_were_and_say_their_errors(tmp_path):
    def train(model: nn.Module, aim: Witness) -> list[float]:
        how = {"objective": aim, "before_step": Keeping(tmp_path), "compute": TWO, "save_every": 1e-9}
        return fit(model, IMAGES, HOW, tmp_path / "state", **how)

    port = os.environ.get("MASTER_PORT")
    model, aim, one = Both(), Witness(tmp_path), Both()
    assert len(train(model, aim)) == HOW.epochs
    assert os.environ.get("MASTER_PORT") == port
    assert int(aim.calls) == int(model.calls) == 8
    assert not torch.equal(*(torch.load(tmp_path / process, weights_only=True) for process in "01"))
    fit(one, IMAGES, HOW, objective=Witness(tmp_path))
    torch.testing.assert_close(model.noisy[0].running_mean, one.noisy[0].running_mean)
    for found, expected in zip(model.plain.parameters(), one.plain.parameters(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)

    shutil.copy(tmp_path / "after5", tmp_path / "state")
    (tmp_path / "err").touch()
    with pytest.raises(InputError, match=r"^the file is there; remove it$"):
        train(Both(), Witness(tmp_path))
    assert (tmp_path / "state").read_bytes() == (tmp_path / "after7").read_bytes()


def test_what_cannot_be_sent_to_another_process_is_named():
    with pytest.raises(InputError, match="must be classes or functions of a module"):
        fit(network(), IMAGES, HOW, compute=TWO, before_step=lambda *_: None)
    parametrised = nn.utils.parametrizations.weight_norm(nn.Linear(64, 4))
    with pytest.raises(InputError, match=r"cannot start several processes: .* no layer parametrised"):
        fit(nn.Sequential(nn.Flatten(), parametrised), IMAGES, HOW, compute=TWO)


def test_a_weight_without_a_part_in_the_loss_is_named_for_several_processes():
    model = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
    model[0](torch.ones(1)).sum().backward()
    with pytest.raises(InputError, match=r"1\.weight of the network has no part in the loss"):
        require_gradients(model)
    require_gradients(model[0])


def test_a_process_that_could_not_begin_is_explained_and_one_that_was_killed_is_not():
    said = [_not_started(ProcessExitedException("", 0, 4711, code)) for code in (1, -9)]
    assert "if __name__ == '__main__'" in str(said[0])
    assert said[1] is None


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
