"""The compiled sums and their gradients against the plain broadcast form and against finite differences."""

import pytest
import torch
from broadcast import broadcast_weights
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.nn.radio import chain_weights, resonance


def problem(members, chains, resonators, inputs, own_inputs, depleted, seed=0, dtype=torch.float64):
    source = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(*shape, generator=source, dtype=torch.float64)

    given = [
        rand(*(members if own_inputs else ()), inputs),
        rand(*members, chains, resonators),
        0.05 + 0.1 * rand(*members, chains, resonators),
        rand(*members, chains, resonators) - 0.5,
        *((0.9 * rand(resonators),) if depleted else ()),
    ]
    return [tensor.to(dtype).requires_grad_() for tensor in given]


@settings(max_examples=25, deadline=None)
@given(
    members=st.sampled_from([(), (1,), (3,), (2, 2)]),
    chains=st.integers(1, 4),
    resonators=st.integers(1, 6),
    inputs=st.integers(1, 9),
    own_inputs=st.booleans(),
    depleted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_weights_and_gradients_are_those_of_the_broadcast_form(**shape):
    arguments = problem(**shape)
    found, wanted = chain_weights(*arguments), broadcast_weights(*arguments)
    assert torch.allclose(found, wanted, rtol=1e-11, atol=1e-12)
    upstream = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for one, other in zip(
        torch.autograd.grad(found, arguments, upstream), torch.autograd.grad(wanted, arguments, upstream), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("depleted", [False, True])
def test_gradients_are_finite_differences(depleted):
    arguments = problem((2,), 2, 3, 4, True, depleted)
    assert torch.autograd.gradcheck(chain_weights, arguments, eps=1e-6, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("depleted", [False, True])
def test_other_devices_get_the_same(depleted, monkeypatch):
    arguments = problem((2,), 3, 5, 7, False, depleted)
    wanted = chain_weights(*arguments)
    gradients = torch.autograd.grad(wanted.square().sum(), arguments)
    monkeypatch.setattr(resonance, "_compiled", lambda inputs: False)
    called = []
    real = resonance.plain_weights
    monkeypatch.setattr(resonance, "plain_weights", lambda *given: called.append(1) or real(*given))
    found = chain_weights(*arguments)
    assert called
    assert torch.allclose(found, wanted, rtol=1e-12)
    for one, other in zip(torch.autograd.grad(found.square().sum(), arguments), gradients, strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-9)


@pytest.mark.usefixtures("two_threads")
def test_many_chains_on_all_cores_give_what_one_core_gives():
    arguments = problem((), 64, 31, 96, False, False, dtype=torch.float32)
    assert arguments[1].numel() * 96 >= resonance._PARALLEL
    found, wanted = chain_weights(*arguments), broadcast_weights(*arguments)
    assert torch.allclose(found, wanted, rtol=1e-4, atol=1e-4)
    pulls = torch.autograd.grad(found.sum(), arguments)
    for one, other in zip(pulls, torch.autograd.grad(wanted.sum(), arguments), strict=True):
        assert float((one - other).norm() / other.norm()) < 1e-4


def test_signs_shared_by_all_chains_give_what_signs_of_each_give():
    inputs, centre, width, _ = problem((2,), 3, 5, 7, False, False)
    signs = torch.tensor([1.0, -1, 1, -1, 1], dtype=torch.float64)
    results = []
    for amplitude in (signs, signs.expand(2, 3, 5).contiguous()):
        found = chain_weights(inputs, centre, width, amplitude)
        results.append((found, *torch.autograd.grad(found.square().sum(), (inputs, centre, width))))
    assert all(torch.allclose(one, other, rtol=1e-12) for one, other in zip(*results, strict=True))


@settings(max_examples=20, deadline=None)
@given(
    members=st.sampled_from([(), (1,), (3,)]),
    chains=st.integers(1, 3),
    resonators=st.integers(1, 6),
    inputs=st.integers(1, 9),
    own_inputs=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_a_number_for_the_width_is_the_damping(**shape):
    inputs, centre, _, _ = problem(depleted=False, **shape)
    inputs = inputs.detach()
    signs = 1.0 - 2.0 * (torch.arange(centre.shape[-1]) % 2).double()
    found, wanted = chain_weights(inputs, centre, 0.05, signs), broadcast_weights(inputs, centre, 0.05 * centre, signs)
    assert torch.allclose(found, wanted, rtol=1e-11, atol=1e-12)
    upstream = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    one, other = (torch.autograd.grad(weights, centre, upstream)[0] for weights in (found, wanted))
    assert torch.allclose(one, other, rtol=1e-8, atol=1e-9 * float(other.abs().max()))


def test_a_number_for_the_width_works_with_trained_inputs_and_absorption():
    inputs, centre, _, amplitude, absorption = problem((2,), 3, 5, 7, True, True)
    for rest in ((amplitude, absorption), (amplitude,), (amplitude[0, 0].detach(),)):
        found, wanted = chain_weights(inputs, centre, 0.1, *rest), chain_weights(inputs, centre, 0.1 * centre, *rest)
        assert torch.allclose(found, wanted, rtol=1e-12)
        for one, other in zip(*(torch.autograd.grad(w.sum(), (inputs, centre)) for w in (found, wanted)), strict=True):
            assert torch.allclose(one, other, rtol=1e-9)


def test_a_single_resonator_has_the_properties_of_the_spin_diode():
    """Zero on resonance, extrema of one sensitivity a half width away, odd, falling as one over the distance."""
    width, centre = 0.01, 0.5
    inputs = centre + torch.tensor([0.0, width, -width, 1e4 * width, 2e4 * width], dtype=torch.float64)
    one = torch.ones(1, 1, dtype=torch.float64)
    weights = chain_weights(inputs, centre * one, width * one, one)[0]
    assert torch.allclose(weights[:3], torch.tensor([0.0, 1.0, -1.0]).double(), atol=1e-12)
    assert float(weights[3] / weights[4]) == pytest.approx(2, rel=1e-6)


def test_nan_is_not_hidden():
    inputs, centre, width, amplitude = problem((), 2, 2, 3, False, False)
    with torch.no_grad():
        inputs[1] = torch.nan
    found = chain_weights(inputs, centre, width, amplitude)
    assert bool(found[:, 1].isnan().all())
    assert bool(found[:, 0].isfinite().all())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: (a[0][None, None], *a[1:]), "takes inputs"),
        (lambda a: (a[0], a[1][0, 0], *a[2:]), "takes inputs"),
        (lambda a: (a[0], a[1], a[2][:, :, :1].expand(2, 2, 7), a[3]), "broadcast"),
        (lambda a: (a[0].float(), *a[1:]), "all float32 or all float64"),
        (lambda a: (a[0].detach(), a[1], 0.05, torch.ones(7, dtype=torch.float64)), "broadcast"),
        (lambda a: (a[0].detach().half(), a[1].half(), 0.05, torch.ones(3).half()), "all float32 or all float64"),
    ],
)
def test_wrong_shapes_and_types_are_named(change, message):
    arguments = problem((2,), 2, 3, 4, False, False)
    with pytest.raises(InputError, match=message):
        chain_weights(*change(arguments))
