import pytest
import torch
from magnets import magnet, random_states

from spinloom.magnetism import Uniaxial, simulate


def final(seed, batch=(65,), engine="auto", temperature=300.0, dtype=torch.float32):
    thing = magnet(Uniaxial(1e5), damping=0.1)
    m = random_states(*batch, dtype=dtype)
    return simulate(thing, m, 0.02e-9, method="heun", temperature=temperature, seed=seed, engine=engine, records=2).m


@pytest.mark.parametrize("engine", ["auto", "eager"])
def test_same_seed_same_run_other_seed_other_run(engine):
    assert torch.equal(final(3, engine=engine), final(3, engine=engine))
    assert not torch.isclose(final(3, engine=engine), final(4, engine=engine)).all(0).any()


def test_a_generator_goes_on_where_a_seed_begins_anew():
    source = torch.Generator().manual_seed(3)
    first, second = final(source), final(source)
    assert torch.equal(first, final(3))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("engine", ["auto", "eager"])
@pytest.mark.parametrize("batch", [(), (1,), (3,), (63,), (65,), (3, 5, 7)])
def test_odd_and_single_batches_stay_finite_and_of_unit_length(batch, engine):
    m = final(0, batch, engine)
    assert m.shape == (2, 3, *batch)
    assert torch.isfinite(m).all()
    assert (m.norm(dim=1) - 1).abs().max() < 1e-6


def test_every_member_and_every_component_of_the_batch_moves_on_its_own():
    m = final(1, (130,))
    cold = final(1, (130,), "eager", 0.0)
    kick = (m - cold)[0]
    assert (kick.norm(dim=0) > 0).all()
    assert len(kick.T.unique(dim=0)) == 130


def test_members_at_zero_kelvin_feel_no_noise_beside_hot_ones():
    temperature = torch.tensor([0.0, 300.0, 0.0], dtype=torch.float64)
    mixed, cold = final(2, (3,), temperature=temperature), final(2, (3,), "eager", 0.0)
    torch.testing.assert_close(mixed[..., [0, 2]], cold[..., [0, 2]])
    assert (mixed[..., 1] - cold[..., 1]).abs().max() > 1e-3


def test_the_kick_of_one_step_has_the_strength_of_brown():
    """Variance of a component across m after a time t: 2 damping kB T gamma t / (Ms V (1 + damping^2))."""
    from magnets import MS, VOLUME

    from spinloom import units

    lanes, damping, time = 40000, 0.1, 1e-14  # too short for the field
    m = torch.zeros(3, lanes)
    m[2] = 1
    thing = magnet(Uniaxial(1e5), damping=damping)
    kick = simulate(thing, m, time, time, method="heun", temperature=300.0, seed=9).final[:2].double()
    expected = 2 * damping * units.KB * 300.0 * units.GAMMA * time / (MS * VOLUME * (1 + damping**2))
    assert float(kick.var()) == pytest.approx(expected, rel=4 * (2 / kick.numel()) ** 0.5)
