"""Copies trained side by side are trained as they would be alone."""

import pytest
import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.learning import Course, accuracies, fit_members
from spinloom.nn.radio import multilayer


def examples(count=60, inputs=12, classes=3):
    source = torch.Generator().manual_seed(5)
    labels = torch.arange(count) % classes
    centres = torch.rand(classes, inputs, generator=source)
    x = (centres[labels] + 0.1 * torch.randn(count, inputs, generator=source)).clamp(0, 1)
    return x, labels


def pooled(network, x):
    return network(x).mean(-1)


def lost(network, x):
    return network(x) * torch.nan


def member_of(network, number):
    """Member `number` as a batch of one."""
    alone = multilayer((12, 5, 3), members=(1,))
    state = {
        name: value[number : number + 1] if name.endswith(("shift", "offset")) else value
        for name, value in network.state_dict().items()
    }
    alone.load_state_dict(state)
    return alone


@pytest.mark.parametrize("same_order", [False, True])
def test_a_member_is_trained_as_alone(same_order):
    x, y = examples()
    together = multilayer((12, 5, 3), members=(3,), seed=4)
    alone = member_of(together, 2)
    seeds = (7, 8, 7 if same_order else 9)
    losses = fit_members(together, x, y, Course(4, 16, 0.02, seeds=seeds, same_order=same_order))
    single = fit_members(alone, x, y, Course(4, 16, 0.02, seeds=seeds[2:]))
    assert torch.allclose(losses[:, 2], single[:, 0], rtol=1e-3, atol=1e-4)
    assert torch.allclose(together[0].shift[2], alone[0].shift[0], rtol=1e-3, atol=1e-3)


def test_training_learns_and_repeats():
    x, y = examples()
    found = []
    for _ in range(2):
        network = multilayer((12, 9, 3), members=(2,), seed=4)
        losses = fit_members(network, x, y, Course(150, 20, 0.02, seeds=(1, 2)))
        found.append(network.state_dict())
    assert bool((losses[-1] < 0.3 * losses[0]).all())
    assert float(accuracies(network, x, y).min()) > 0.9
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def test_groups_have_rates_and_schedules_of_their_own():
    x, y = examples()
    network = multilayer((12, 5, 3), members=(1,))
    still = network[2].shift.detach().clone()
    moving = network[0].shift.detach().clone()
    seen = []
    fit_members(
        network, x, y, Course(2, 30), after=seen.append,
        groups=[{"params": [network[0].shift]}, {"params": [network[2].shift], "schedule": lambda done: 0.0}],
    )  # fmt: skip
    assert torch.equal(network[2].shift, still)
    assert not torch.equal(network[0].shift, moving)
    assert seen == [0.25, 0.5, 0.75, 1.0]


def test_the_rate_rises_and_falls():
    course = Course(warmup=0.1)
    assert [course.rate_at(done) for done in (0, 0.05, 0.1, 1.0)] == pytest.approx([0, 0.5, 1, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Course(epochs=0), "epochs"),
        (lambda: Course(seeds=()), "at least one seed"),
        (lambda: fit_members(nn.Linear(12, 3), *examples(), Course(1, 60), forward=pooled), "members, batch, classes"),
        (lambda: fit_members(nn.Linear(12, 3), *examples(), Course(1), forward=lost), "loss is not finite"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
