"""Angles between gradients, against hand-made devices whose slopes are known."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.learning import gradient_cosines, initialise
from spinloom.nn import DeviceActivation, device_layers, to_hardware, use_gradient

SOURCE = torch.Generator().manual_seed(0)
X, Y = torch.randn(64, 6, generator=SOURCE), torch.randint(0, 3, (64,), generator=SOURCE)


def device(slope, noise=0.0, slope_noise=0.0):
    """A straight line of rise 1/2 over -40 to 40, and whatever slope it says of itself."""
    x = torch.linspace(-40, 40, 801)[None]
    said = slope(x) * torch.ones_like(x)
    return Response(
        x[0], 0.5 * x, said, torch.full_like(x, noise), 1.0, "A", slope_noise=torch.full_like(x, slope_noise)
    )


RIGHT, DOUBLE, REVERSED = (device(lambda x, k=k: k * torch.ones_like(x)) for k in (0.5, 1.0, -0.5))
UNEVEN = device(lambda x: 1 / (1 + x**2))


def network(first=RIGHT, second=RIGHT, dropout=0.0):
    layers = nn.Linear(6, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 7), nn.Tanh(), nn.Linear(7, 3)
    model = initialise(nn.Sequential(*layers), 3)
    return to_hardware(model, {"1": first, "4": second}, example_input=X[:1])


@pytest.mark.parametrize(
    ("first", "second", "cosines"),
    [
        (RIGHT, RIGHT, (1, 1, 1)),
        (DOUBLE, RIGHT, (1, 1, 1)),  # a constant factor turns no gradient
        (DOUBLE, DOUBLE, (1, 1, 1)),
        (REVERSED, RIGHT, (-1, 1, 1)),  # only what lies before a layer feels its slope
        (RIGHT, REVERSED, (-1, -1, 1)),
        (REVERSED, REVERSED, (1, -1, 1)),
    ],
)
def test_slopes_off_by_a_factor_or_a_sign(first, second, cosines):
    found = gradient_cosines(network(first, second), X, Y)
    assert list(found) == ["0.weight", "3.weight", "5.weight"]
    assert tuple(found.values()) == pytest.approx(cosines, abs=1e-6)


def test_slopes_that_vary_turn_the_gradient_by_the_angle_computed_by_hand():
    model = network(UNEVEN, RIGHT)
    with torch.no_grad():
        z1 = model[0](X)
        z2 = model[3](0.5 * z1)
        error = F.softmax(model[5](0.5 * z2), 1) - F.one_hot(Y, 3)
        back = (error @ model[5].weight * 0.5) @ model[3].weight
        exact, read = ((back * slope).T @ X for slope in (0.5, 1 / (1 + z1**2)))
        cosine = float((exact * read).sum() / (exact.norm() * read.norm()))
    found = gradient_cosines(model, X, Y)
    assert cosine < 0.99
    assert found["0.weight"] == pytest.approx(cosine, abs=1e-3)  # the table interpolates the slope
    assert found["3.weight"] == pytest.approx(1, abs=1e-6)


def test_noise_of_one_weight_shortens_the_projection_as_its_variance_says():
    """Row j of the gradient is the sum of delta * (s + sigma n), so that cos^2 = 1 / (1 + noise / signal)."""
    sigma = 0.2
    noisy = device(lambda x: 0.5 * torch.ones_like(x), noise=0.3, slope_noise=sigma)
    model = to_hardware(initialise(nn.Sequential(nn.Linear(1, 400), nn.Tanh(), nn.Linear(400, 3)), 0), noisy)
    x, y = torch.ones(16, 1), Y[:16]
    model(x)
    before = model[1].get_extra_state()
    found = [gradient_cosines(model, x, y)["0.weight"]]
    model[1].set_extra_state(before)  # the same read once more
    with torch.no_grad():
        error = F.softmax(model(x), 1) - F.one_hot(y, 3)
        delta = error @ model[2].weight
        signal = (0.5 * delta.sum(0)).square().sum()
        noise = sigma**2 * delta.square().sum()
    assert found[0] == pytest.approx(float((signal / (signal + noise)).sqrt()), abs=0.02)
    assert found[0] < 0.99


def test_both_gradients_come_from_the_same_forward_reads():
    noisy = device(lambda x: 0.5 * torch.ones_like(x), noise=0.5)
    found = gradient_cosines(network(noisy, noisy), X, Y, batch=16)
    assert tuple(found.values()) == pytest.approx((1, 1, 1), abs=1e-6)


def test_dropout_drops_the_same_units_of_both():
    model = network(dropout=0.5).train()
    before = torch.random.get_rng_state()
    assert min(gradient_cosines(model, X, Y).values()) == pytest.approx(1, abs=1e-6)
    assert torch.equal(before, torch.random.get_rng_state())


def test_finite_differences_of_a_straight_line_are_its_slope_and_of_a_tanh_are_not():
    assert min(gradient_cosines(network(), X, Y, kind="difference").values()) == pytest.approx(1, abs=1e-5)
    x = torch.linspace(-8, 8, 4001)
    tanh = Response(x, torch.tanh(x)[None], 1 - torch.tanh(x)[None] ** 2, torch.zeros(1, 4001), 1.0, "A")
    near, far = (gradient_cosines(network(tanh, tanh), X, Y, kind="difference", step=h) for h in (0.05, 2.0))
    assert near["0.weight"] > 0.9999 > 0.995 > far["0.weight"]
    assert gradient_cosines(network(tanh, tanh), X, Y)["0.weight"] > 0.9999


def test_batches_are_averaged_and_read_with_new_noise():
    noisy = device(lambda x: 0.5 * torch.ones_like(x), slope_noise=0.5)
    model = network(noisy, RIGHT)
    first = gradient_cosines(model, X[:32], Y[:32])["0.weight"]
    twice = gradient_cosines(model, torch.cat([X[:32], X[:32]]), torch.cat([Y[:32], Y[:32]]), batch=32)["0.weight"]
    second = 2 * twice - first
    assert math.isclose(first, second, abs_tol=0.1)
    assert first != pytest.approx(second, abs=1e-5)  # same images, another read


def test_the_model_stays_as_it_is():
    model = use_gradient(network(device(lambda x: 0.5 * torch.ones_like(x), 0.1, 0.1)), "difference", 0.1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    gradient_cosines(model, X, Y)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert {(layer.gradient, layer.difference_step) for layer in device_layers(model).values()} == {("difference", 0.1)}


def test_a_gradient_of_zero_has_no_direction():
    flat = device(torch.zeros_like)
    assert gradient_cosines(network(RIGHT, flat), X, Y)["0.weight"] == 0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="no device layer"):
        gradient_cosines(nn.Linear(6, 3), X, Y)
    with pytest.raises(InputError, match="batch must be 1 to the 64"):
        gradient_cosines(network(), X, Y, batch=65)
    with pytest.raises(InputError, match="exact"):
        gradient_cosines(network(), X, Y, kind="exakt")
    with pytest.raises(InputError, match="requires_grad"):
        gradient_cosines(network().requires_grad_(False), X, Y)


class Recurrent(nn.Module):
    """One device layer that is called twice, and a weight that is never used."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.last, self.unused = (nn.Linear(6, n) for n in (6, 6, 3, 2))
        self.act = DeviceActivation(device(lambda x: 0.5 * torch.ones_like(x), noise=0.5))

    def forward(self, x):
        return self.last(self.act(self.again(self.act(self.first(x)))))


def test_a_layer_called_twice_has_the_same_forward_reads_with_finite_differences_too():
    model, seen = initialise(Recurrent(), 1), []
    model.last.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    found = gradient_cosines(model, X, Y, kind="difference", batch=32)
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[2], seen[3])
    assert not torch.equal(model.act(X[:32]), model.act(X[:32]))
    assert found["unused.weight"] == 0
    assert gradient_cosines(model, X, Y)["first.weight"] == pytest.approx(1, abs=1e-6)
    assert model.act.reads == 2
    with pytest.raises(InputError, match="63 labels"):
        gradient_cosines(model, X, Y[1:])


def test_frozen_layers_are_left_out_and_stay_frozen():
    model = network().train()
    model[0].requires_grad_(False)
    assert list(gradient_cosines(model, X, Y)) == ["3.weight", "5.weight"]
    assert model.training
    assert [p.requires_grad for p in model[0].parameters()] == [False, False]
