"""Lines that narrow and resonators that jump."""

import pytest
import torch
from torch.nn import functional as F

from spinloom.errors import InputError
from spinloom.learning import Course, Narrowing, accuracies, fit_narrowing, jump, scatter
from spinloom.nn.radio import Band, RadioNetwork, ResonatorChains, multilayer, plan

BAND = Band()


def task(count=400, inputs=60):
    """Class 1 where input 40 is on, class 0 where input 10 is: everything else is noise."""
    source = torch.Generator().manual_seed(2)
    x = 0.2 * torch.rand(count, inputs, generator=source)
    labels = torch.arange(count) % 2
    x[torch.arange(count), torch.where(labels == 1, 40, 10)] = 1.0
    return x, labels


def network(train_inputs=False, members=2, linewidth=0.005):
    layer = ResonatorChains(
        plan("geometric", 60, BAND), 2, plan("geometric", 2, BAND), linewidth=linewidth, members=(members,),
        train_inputs=train_inputs,
    )  # fmt: skip
    scatter(layer, BAND, torch.Generator().manual_seed(1))
    return RadioNetwork([layer], train_readout=True)


def loss(found, x, y):
    logits = found(x)
    return torch.stack([F.cross_entropy(member, y) for member in logits]).detach()


def test_jumps_find_the_inputs_that_matter():
    """Narrow resonators at random places see nothing; each member finds the two inputs by jumping."""
    x, y = task()
    found = network()
    before = loss(found, x, y)
    jump(found, x, y, BAND, torch.Generator().manual_seed(0), examples=400, candidates=600)
    after = loss(found, x, y)
    assert bool((after < 0.6 * before).all())
    assert float(accuracies(found, x, y).min()) == 1.0
    frequencies = found[0].input_frequencies()
    for resonances in found[0].resonances().detach():
        distance = (resonances.flatten().log()[:, None] - frequencies[[10, 40]].log()).abs().amin(0)
        assert float(distance.max()) < 0.02, "a linewidth is 0.01"


def test_a_jump_never_makes_the_loss_on_its_examples_worse():
    """But for the candidates' grid, which need not hold the old place: it is fine here."""
    x, y = task()
    found = network(members=1, linewidth=0.05)
    before = float(loss(found, x, y))
    for number in range(3):
        jump(found, x, y, BAND, torch.Generator().manual_seed(number), examples=400, candidates=2000)
        after = float(loss(found, x, y))
        assert after <= before + 1e-3
        before = after


def test_descent_with_a_line_that_narrows_beats_descent_without():
    x, y = task()
    course = Course(60, 50, seeds=(0, 1), same_order=True)
    narrowing, still = network(), network()
    fit_narrowing(narrowing, x, y, course, Narrowing(share=0.1), band=BAND)
    fit_narrowing(still, x, y, course, Narrowing(start=0.005, share=0.1), band=BAND)
    assert float(accuracies(narrowing, x, y).mean()) > float(accuracies(still, x, y).mean()) + 0.1
    assert narrowing[0].linewidth == 0.005
    low, high = narrowing[0].resonances().min(), narrowing[0].resonances().max()
    assert low >= BAND.low * 0.999
    assert high <= BAND.high * 1.001


def test_the_linewidth_falls_geometrically_to_that_of_the_device():
    course = Narrowing(start=1.0, until=0.5)
    assert [course.linewidth(done, 0.01) for done in (0, 0.25, 0.5, 1)] == pytest.approx([1, 0.1, 0.01, 0.01])
    assert Narrowing(start=0.001).linewidth(0.0, 0.01) == 0.01
    assert course.step(1.0, 0.01) == 0
    assert course.step(0.4, 0.01) == pytest.approx(0.015 * course.linewidth(0.4, 0.01))


def test_scattered_frequencies_are_even_in_the_logarithm():
    layer = ResonatorChains(plan("geometric", 500, BAND), 1, plan("geometric", 2000, BAND), train_inputs=True)
    scatter(layer, BAND, torch.Generator().manual_seed(0))
    for frequencies in (layer.resonances(), layer.input_frequencies()):
        place = (frequencies.detach().flatten() / BAND.low).log() / torch.tensor(BAND.high / BAND.low).log()
        assert float(place.min()) >= -1e-5
        assert float(place.max()) <= 1 + 1e-5
        assert abs(float(place.mean()) - 0.5) < 4 / (12 * len(place)) ** 0.5


def test_mistakes_are_named():
    x, y = task()
    with pytest.raises(InputError, match="one layer"):
        jump(multilayer((60, 4, 2), members=(1,)), x, y, BAND, torch.Generator())
    with pytest.raises(InputError, match="until"):
        Narrowing(until=1.0)
