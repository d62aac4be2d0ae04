"""A training that was interrupted ends as the unbroken one to the bit, whatever has a state and in every precision."""

import pytest
import torch
from torch import nn
from toy_images import quarters

from spinloom.devices import Response
from spinloom.errors import SpinloomWarning
from spinloom.learning import Compute, Distillation, Labels, Training, fashion_cnn, fit
from spinloom.nn import to_hardware

HOW, IMAGES = Training(epochs=2, batch=32, rate=5e-3), quarters(128)


class KilledError(Exception):
    pass


def kill(done, total, note):
    if done == 6:  # in the middle of the second epoch
        raise KilledError


def on_devices(seed=0):
    x = torch.linspace(-4, 4, 81)
    value = torch.tanh(x * torch.linspace(0.8, 1.2, 7)[:, None])
    noise = torch.full_like(value, 0.05)
    response = Response(x, value, 1 - value**2, noise, 1.0, slope_noise=noise)
    network = fashion_cnn((1, 8, 8), 4, (4,), 8, dropout=0.2, seed=seed)
    return to_hardware(network, response, example_input=torch.zeros(1, 1, 8, 8), seed=seed)


def nothing(model, step, steps):
    """A `before_step`."""


class Moving(Labels):
    """An objective with a state: a mean of the logits over time, and noise of its own."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.noise = torch.Generator().manual_seed(7)

    def forward(self, inputs, logits, labels):
        self.mean = 0.9 * self.mean + 0.1 * logits.detach().mean(0)
        random = torch.randn(logits.shape, generator=self.noise)
        return super().forward(inputs, logits + 0.1 * random - self.mean, labels)


def assert_resumes(tmp_path, make, objective=lambda: None, compute=Compute()):  # noqa: B008
    """Every tensor of network and objective is the same, and the second run did start in the middle."""
    models, aims, steps = [make() for _ in range(3)], [objective() for _ in range(3)], []
    losses = fit(models[0], IMAGES, HOW, objective=aims[0], compute=compute)
    path, every = tmp_path / "state", 1e-9
    with pytest.raises(KilledError):
        fit(models[1], IMAGES, HOW, path, kill, objective=aims[1], compute=compute, save_every=every)
    seen = fit(models[2], IMAGES, HOW, path, lambda done, *_: steps.append(done), objective=aims[2], compute=compute)
    assert seen == losses
    assert steps == [7, 8]
    for first, second in ((models[0], models[2]), (aims[0], aims[2])):
        states = [one.state_dict() if isinstance(one, nn.Module) else {} for one in (first, second)]
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    return models[2]


@pytest.mark.parametrize("precision", ["64-true", "bf16-true", "bf16-mixed"])
def test_in_every_precision(tmp_path, precision):
    model = assert_resumes(
        tmp_path, lambda: fashion_cnn((1, 8, 8), 4, (4,), 8, dropout=0.2), compute=Compute(precision=precision)
    )
    kind = {"64-true": torch.float64, "bf16-true": torch.bfloat16, "bf16-mixed": torch.float32}[precision]
    assert {parameter.dtype for parameter in model.parameters()} == {kind}


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
def test_on_devices_with_a_teacher_on_noisy_devices(tmp_path, precision):
    assert_resumes(tmp_path, on_devices, lambda: Distillation(on_devices(1)), Compute(precision=precision))


def test_with_an_objective_that_has_a_state_and_noise_of_its_own(tmp_path):
    assert_resumes(tmp_path, on_devices, Moving)


def test_with_a_network_that_has_a_generator(tmp_path):
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.source = torch.Generator().manual_seed(1)

        def forward(self, x):
            return x + 0.1 * torch.randn(x.shape, generator=self.source)

    def make():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), Noisy(), nn.Linear(64, 4))

    assert_resumes(tmp_path, make)


def test_with_buffers_that_a_state_dict_leaves_out(tmp_path):
    class Centred(nn.Linear):
        def __init__(self):
            super().__init__(64, 4)
            self.register_buffer("mean", torch.zeros(()), persistent=False)

        def forward(self, x):
            outputs = super().forward(x)
            self.mean = 0.9 * self.mean + 0.1 * outputs.detach().mean(0)  # another shape from here on
            return outputs - self.mean

    def make():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), Centred())

    assert_resumes(tmp_path, make)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda how: how.update(objective=Labels(0.1)), "objective"),
        (lambda how: how.update(before_step=nothing), "before_step"),
        (lambda how: how["model"][0].register_forward_hook(lambda *_: None), "network"),
        (lambda how: how["model"].append(nn.Identity()), "network"),
        (lambda how: how.update(compute=Compute(precision="bf16-mixed")), "precision"),
        (lambda how: how.update(training=Training(epochs=1, batch=32, rate=1e-3)), "rate"),
    ],
)
def test_what_differs_from_the_training_that_left_a_checkpoint_is_named(tmp_path, change, named):
    def given():
        first = Training(epochs=1, batch=32)
        return {"model": fashion_cnn((1, 8, 8), 4, (4,), 8), "training": first, "objective": Labels()}

    fit(train=IMAGES, checkpoint=tmp_path / "state", **given())
    how = given()
    change(how)
    with pytest.warns(SpinloomWarning, match=f"which differs in {named}; it is kept as state.old"):
        fit(train=IMAGES, checkpoint=tmp_path / "state", **how)


def test_a_norm_in_evaluation_mode_stays_frozen_and_a_network_in_evaluation_mode_trains():
    for frozen in (True, False):
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 4))
        model[1].eval() if frozen else model.eval()
        fit(model, IMAGES, Training(epochs=2, batch=32))
        assert bool((model[1].running_mean == 0).all()) == frozen
        assert model.training
