from dataclasses import replace

import pytest
import torch
from toy_images import quarters

from spinloom.devices import Response
from spinloom.errors import InputError, SpinloomWarning
from spinloom.learning import Augmentation, Distillation, Scaling, Training, fashion_cnn, fit
from spinloom.nn import Converters, to_hardware, use_gradient

BRIEF = Training(epochs=3, batch=32, rate=5e-3)


def network(seed=0):
    return fashion_cnn((1, 8, 8), 4, (8,), 16, dropout=0.2, seed=seed)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_training_learns_images_it_has_not_seen(optimiser):
    model, test = network(), quarters(200, seed=9, split="test")
    losses = fit(model, quarters(), Training(epochs=6, batch=32, rate=0.01, optimiser=optimiser, weight_decay=1e-4))
    predicted = model.eval()(Scaling.of(test)(test.images)).argmax(1)
    assert losses[-1] < losses[0]
    assert float((predicted == test.labels).float().mean()) > 0.95


def test_same_seed_same_weights_whatever_the_global_generator_holds():
    trained = []
    for global_seed in (1, 2):
        torch.manual_seed(global_seed)
        model = network()
        before = torch.random.get_rng_state()
        fit(model, quarters(128), BRIEF)
        assert torch.equal(before, torch.random.get_rng_state())
        trained.append(weights(model))
    assert torch.equal(*trained)


def test_another_seed_gives_other_weights():
    models = [network(), network()]
    for model, seed in zip(models, (0, 1), strict=True):
        fit(model, quarters(128), Training(epochs=1, batch=32, seed=seed))
    assert not torch.equal(*map(weights, models))


class KilledError(Exception):
    pass


def test_a_killed_training_goes_on_and_ends_with_the_same_weights(tmp_path):
    train, how = quarters(128), Training(epochs=3, batch=32, augmentation=Augmentation(flip=True, shift=1))
    whole, killed = network(), network()
    losses = fit(whole, train, how)

    def kill(done, total, note):
        if done == 7:  # in the middle of the second epoch
            raise KilledError

    with pytest.raises(KilledError):
        fit(killed, train, how, tmp_path / "state", kill)
    resumed, steps = network(), []
    assert fit(resumed, train, how, tmp_path / "state", lambda done, *_: steps.append(done)) == losses
    assert steps[0] == 5
    assert torch.equal(weights(whole), weights(resumed))


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\x00" * len(b)])
def test_a_damaged_checkpoint_costs_time_and_not_the_run(tmp_path, damage):
    train, path = quarters(64), tmp_path / "state"
    first = network()
    losses = fit(first, train, BRIEF, path)
    path.write_bytes(damage(path.read_bytes()))
    again = network()
    with pytest.warns(SpinloomWarning, match="damaged"):
        assert fit(again, train, BRIEF, path) == losses
    assert torch.equal(weights(first), weights(again))


def test_a_checkpoint_of_another_training_is_not_taken_up(tmp_path):
    path = tmp_path / "state"
    fit(network(), quarters(64), BRIEF, path)
    steps = []
    other = Training(epochs=3, batch=32, rate=1e-3)
    with pytest.warns(SpinloomWarning, match="another training, which differs in rate"):
        fit(network(), quarters(64), other, path, lambda done, *_: steps.append(done))
    assert steps[0] == 1


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"rate": -1.0}, {"optimiser": "adma"}, {"smoothing": float("nan")}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Training(**wrong)


def test_fewer_images_than_a_batch_are_refused():
    with pytest.raises(InputError, match="fewer than one batch"):
        fit(network(), quarters(16), BRIEF)


@pytest.mark.filterwarnings("ignore:.*another training:spinloom.errors.SpinloomWarning")
def test_a_checkpoint_belongs_to_its_images_its_teacher_and_its_devices(tmp_path):
    train, path = quarters(64), tmp_path / "state"
    brighter = replace(train, images=train.images.clamp(min=1))
    x = torch.linspace(-3, 3, 61)
    response = Response(x, torch.tanh(x)[None], 1 - torch.tanh(x)[None] ** 2, torch.zeros(1, 61), 1.0)
    example = torch.zeros(1, 1, 8, 8)
    hardware = [to_hardware(network(), response, example_input=example) for _ in range(2)]
    use_gradient(hardware[1], "exact")
    rounded = to_hardware(network(), response, example_input=example, converters=Converters(slope=2))
    frozen = network()
    next(frozen.parameters()).requires_grad_(False)
    trainings = [
        (network(), train, None),
        (network(), brighter, None),
        (network(seed=1), train, None),
        (network(), train, Distillation(network(seed=1))),
        (network(), train, Distillation(network(seed=2))),
        (network(), replace(train, std=tuple(2 * one for one in train.std)), None),
        (fashion_cnn((1, 8, 8), 4, (8,), 16, dropout=0.5, seed=0), train, None),
        (frozen, train, None),
        (hardware[0], train, None),
        (rounded, train, None),
        (hardware[1], train, None),
    ]
    for model, images, objective in trainings:
        steps = []
        fit(model, images, BRIEF, path, lambda done, *_, steps=steps: steps.append(done), objective=objective)
        assert steps[0] == 1  # none takes up the one before
    again = []
    twin = to_hardware(network(), response, example_input=example)
    fit(use_gradient(twin, "exact"), train, BRIEF, path, lambda done, *_: again.append(done))
    assert again == []  # the last one is complete
