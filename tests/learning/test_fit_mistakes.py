"""Mistakes in what is given to fit: said in words, and where possible before the work."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from toy_images import quarters

from spinloom.errors import InputError
from spinloom.learning import Augmentation, Compute, Distillation, FreshInstances, Training, fashion_cnn, fit

HOW = Training(epochs=1, batch=32)


def network(classes=4):
    return fashion_cnn((1, 8, 8), classes, (4,), 8)


@pytest.mark.parametrize("objective", [None, Distillation(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))])
def test_a_network_with_too_few_outputs_for_the_labels_is_named(objective):
    with pytest.raises(InputError, match=r"labels of 'quarters' go up to 3, .* outputs \(32, 3\)"):
        fit(network(3), quarters(64), HOW, objective=objective)


def test_images_that_the_network_cannot_take_are_named():
    with pytest.raises(InputError, match=r"the network cannot take inputs \(32, 1, 8, 8\): .*shapes"):
        fit(nn.Sequential(nn.Flatten(), nn.Linear(63, 4)), quarters(64), HOW)


def test_an_error_of_the_networks_own_later_on_stays_what_it_is():
    class Later(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers, self.calls = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), 0

        def forward(self, x):
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("broken")
            return self.layers(x)

    with pytest.raises(RuntimeError, match=r"^broken$"):
        fit(Later(), quarters(64), HOW)


def test_weights_that_are_not_finite_are_named():
    model = network()
    with torch.no_grad():
        model[0].weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(InputError, match=r"0\.weight of the network holds NaN"):
        fit(model, quarters(64), HOW)


def test_weights_without_a_shape_are_named():
    with pytest.raises(InputError, match="weights without a shape; call it once"):
        fit(nn.Sequential(nn.Flatten(), nn.LazyLinear(4)), quarters(64), HOW)


@pytest.mark.parametrize(
    "figures",
    [
        {"mean": (float("nan"),)},
        {"std": (0.0,)},
        {"std": (float("nan"),)},
        {"std": (float("inf"),)},
        {"mean": (), "std": ()},
        {"mean": (0.1, 0.2), "std": (0.1, 0.2)},
    ],
)
def test_a_scaling_that_cannot_be_is_refused(figures):
    with pytest.raises(InputError, match=r"mean|deviation"):
        fit(network(), replace(quarters(64), **figures), HOW)


@pytest.mark.parametrize("every", [0, -1.0, float("nan")])
def test_checkpoints_need_time_between_them(every):
    with pytest.raises(InputError, match="save_every must be finite and > 0"):
        fit(network(), quarters(64), HOW, save_every=every)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (Training, {"epochs": 1.5}),
        (Training, {"batch": 32.0}),
        (Training, {"batch": True}),
        (Training, {"seed": 0.5}),
        (Augmentation, {"shift": 0.5}),
        (Augmentation, {"erase": -1}),
        (Compute, {"devices": 1.5}),
        (FreshInstances, {"every": 0.5}),
    ],
)
def test_what_is_counted_must_be_whole(make, wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))} must be a whole number"):
        make(**wrong)


def test_a_network_without_a_parameter_to_train_is_refused_and_a_checkpoint_there_stays(tmp_path):
    (tmp_path / "state").write_text("mine")
    with pytest.raises(InputError, match="no parameter to train"):
        fit(network().requires_grad_(False), quarters(64), HOW, tmp_path / "state")
    assert (tmp_path / "state").read_text() == "mine"


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (lambda x, z, y: nn.functional.cross_entropy(z, y, reduction="none"), r"one number .* got a tensor \(32,\)"),
        (lambda x, z, y: 0.5, "one number .* got float"),
        (lambda x, z, y: z.detach().mean(), "does not depend on any weight"),
        (lambda x, z, y: (z - x).mean(), r"the objective cannot take logits \(32, 4\): "),
    ],
)
def test_an_objective_that_gives_no_loss_is_named(objective, message):
    with pytest.raises(InputError, match=message):
        fit(network(), quarters(64), HOW, objective=objective)


def test_a_file_that_is_no_checkpoint_is_refused_before_any_work(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    steps = []
    with pytest.raises(InputError, match="no checkpoint"):
        fit(network(), quarters(64), HOW, tmp_path / "notes.txt", lambda done, *_: steps.append(done))
    assert steps == []
    assert (tmp_path / "notes.txt").read_text() == "mine"
