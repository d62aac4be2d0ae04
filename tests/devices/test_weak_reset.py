"""HfOx weak RESET: the compiled pulses against plain arithmetic, the noises against closed forms, the population."""

from dataclasses import replace

import pytest
import torch

from spinloom.devices import LinearMemory, Spread, WeakResetMemory
from spinloom.errors import InputError

QUIET = WeakResetMemory(cycle_to_cycle=False)
PUBLISHED = {
    0: (7032, 6247, 7917),
    100: (7479, 6515, 8919),
    300: (8138, 6758, 12537),
    1_000: (9041, 7007, 26219),
    3_000: (9703, 7260, 34420),
    10_000: (11958, 7719, 44174),
}
"""Pulses: median, 5 % and 95 % of the resistance of 200,000 devices, ohm, mean model of the published code."""


def pulses(shape, count) -> torch.Tensor:
    return torch.full(shape, -float(count))


@pytest.fixture(scope="module")
def population() -> WeakResetMemory:
    return QUIET.fabricate(200_000, seed=3)


@pytest.mark.parametrize("count", PUBLISHED)
def test_the_population_has_the_published_quantiles(population, count):
    state = population.program(population.fresh((200_000, 1), 1), pulses((200_000, 1), count), 2)
    found = torch.quantile(1 / population.conductance(state), torch.tensor([0.5, 0.05, 0.95]).double())
    torch.testing.assert_close(found, torch.tensor(PUBLISHED[count]).double(), rtol=0.02, atol=0)


def word(place: int) -> int:
    """32 random bits of a place, in whole numbers of Python."""
    return ((place ^ (place >> 15)) * 0x846CA68B) % 2**32


def signed(bits: int) -> float:
    return (bits - 2**32 if bits >= 2**31 else bits) * 2.0**-32


def plain_pulse(memory, device, state, count, word_of_event):
    """(pulses, stream, ln R) of one device after `count` pulses, one step after the other.

    device: its five parameters. word_of_event: the place of the event's random numbers.
    """
    first, early, late, knee, amplitude = device
    total, stream, _ = state
    total += count
    chain = torch.tensor([[1 - memory.rise, memory.rise], [memory.fall, 1 - memory.fall]], dtype=torch.float64)
    likely = torch.linalg.matrix_power(chain, int(count))[int(stream < 0), 1]
    high = signed(word(word_of_event)) + 0.5 < float(likely)
    bits = word((word_of_event + 0x85EBCA6B) % 2**32)
    value = amplitude * (bits >> 16) * (bits & 0xFFFF) / 2**32 if high else 0.0
    mean = first + early * total if total < knee else first + late * total + knee * (early - late)
    flicker, tap = 0.0, 1.0
    for k in range(15):
        tap *= (k - 0.5) / k if k else 1.0
        innovation = signed(word((int(abs(stream)) * 0x85EBCA6B + (int(total) - k) * 0x9E3779B1) % 2**32)) + 0.5
        flicker += tap * innovation
    noise = value + memory.flicker * flicker if memory.cycle_to_cycle else 0.0
    return total, abs(stream) * (-1 if high else 1), mean + noise


@pytest.mark.parametrize("memory", [QUIET, WeakResetMemory(rise=0.05, fall=0.1)], ids=["quiet", "noisy"])
def test_pulses_agree_with_plain_arithmetic_device_by_device(memory, monkeypatch):
    """Of single devices and of pairs, over several events; the probability is a power of the matrix."""
    count = 700  # more than a block, and not a whole number of them
    made = memory.fabricate(2 * count, seed=5)
    names = ("early_slope", "late_slope", "knee", "telegraph")
    parts = [made.resistance.double().log() + made.offset.double(), *(getattr(made, name).double() for name in names)]
    devices = torch.cat(parts, 1)
    source = torch.Generator().manual_seed(1)
    seeds = torch.randint(0, 2**32, (4,), generator=source).tolist()
    given = iter(seeds)
    monkeypatch.setattr("spinloom.devices.memory.weak_reset.child_seed", lambda _: next(given))
    start = torch.stack(
        [torch.zeros(2 * count, 1), torch.randint(1, 2**24, (2 * count, 1), generator=source), parts[0]]
    )
    state, expected, signs = start.float(), start.squeeze(-1).double().T.tolist(), torch.empty(count)
    for seed in seeds:
        events = torch.randint(-400, 401, (count,), generator=source).float()
        before, told = made.conductance(state).squeeze(-1), events.abs()
        halves = torch.where(events < 0, torch.arange(count), torch.arange(count) + count)
        state, pulsed, total, energy = made.program_pairs(state, events, signs, 0)
        for i in torch.nonzero(events).flatten().tolist():
            at, place = int(halves[i]), (i * 0x9E3779B1 % 2**32) ^ seed
            expected[at] = plain_pulse(made, devices[at].tolist(), expected[at], float(told[i]), place)
        found, wanted = state.squeeze(-1).double().T, torch.tensor(expected).double()
        assert torch.equal(found[:, :2], wanted[:, :2])
        # parameters are rounded to 16 bits of their range, and multiplied by up to 2,000 pulses
        torch.testing.assert_close(found[:, 2], wanted[:, 2], atol=3e-4, rtol=0)
        assert (pulsed, total) == (int(torch.count_nonzero(events)), int(told.sum()))
        assert energy == pytest.approx(float((told * before[halves]).sum()) * 1e-6, rel=1e-3)
        plus, minus = state[2].reshape(2, -1)
        assert torch.equal(signs, torch.where(plus <= minus, 1.0, -1.0))


def test_single_devices_and_pairs_take_the_same_pulses():
    """A pair whose events are all negative is a device of its own, and the minus one stays as it was."""
    memory = WeakResetMemory().fabricate(1200, seed=1)
    state, told = memory.fresh((1200, 1), 2), -(torch.arange(600.0) % 15)
    alone = replace(memory, **{name: getattr(memory, name)[:600] for name in memory.spreads()})
    expected = alone.program(state[:, :600], told.unsqueeze(1), 7)
    found = memory.program_pairs(state.clone(), told, torch.empty(600), 7)[0]
    torch.testing.assert_close(found[:, :600], expected, atol=3e-4, rtol=0)
    assert torch.equal(found[:, 600:], state[:, 600:])


def test_one_core_and_all_give_the_same_devices(monkeypatch):
    memory, told = WeakResetMemory().fabricate(60_000, seed=1), torch.randint(-14, 15, (30_000,))
    state, threads = memory.fresh((60_000, 1), 2), torch.get_num_threads()
    found = []
    for cores in (1, 2):
        torch.set_num_threads(cores)
        try:
            found.append(memory.program_pairs(state.clone(), told.float(), torch.empty(30_000), 3))
        finally:
            torch.set_num_threads(threads)
    assert torch.equal(found[0][0], found[1][0])
    assert found[0][1:] == found[1][1:]


def test_flicker_has_its_stationary_mean_deviation_and_correlation():
    """Mean 0.054 and standard deviation 0.010 before the first pulse and after any; the correlation is the filter's."""
    count = 200_000
    memory = WeakResetMemory(rise=0.0)
    taps = torch.ones(15).double()
    for k in range(1, 15):
        taps[k] = taps[k - 1] * (k - 0.5) / k
    mean, deviation = 0.025 * float(taps.sum()) / 2, 0.025 * float(taps.square().sum().div(12).sqrt())
    assert (round(mean, 3), round(deviation, 3)) == (0.054, 0.010)
    state, noises = memory.fresh((count,), 1), []
    for step in range(4):
        noises.append(state[2].double() - memory._mean(state[0]))
        assert float(noises[-1].mean()) == pytest.approx(mean, abs=5 * deviation / count**0.5)
        assert float(noises[-1].std()) == pytest.approx(deviation, rel=5 / (2 * count) ** 0.5)
        state = memory.program(state, pulses((count,), 3), step)
    for step in range(1, 4):
        expected = float((taps[: 15 - 3 * step] * taps[3 * step :]).sum() / taps.square().sum())
        found = float(torch.corrcoef(torch.stack([noises[0], noises[step]]))[0, 1])
        assert found == pytest.approx(expected, abs=5 / count**0.5)


def test_pulses_one_by_one_give_the_same_flicker_as_all_at_once():
    """The innovations belong to the pulses, not to the events."""
    memory = WeakResetMemory(rise=0.0)
    state = memory.fresh((500,), 1)
    once = memory.program(state, pulses((500,), 9), 2)
    for step in range(9):
        state = memory.program(state, pulses((500,), 1), step)
    assert torch.equal(once, state)


@pytest.mark.parametrize("count", [1, 14, 300, 5000])
def test_the_telegraph_is_high_as_often_as_its_chain_says(count):
    """From low: the closed form, and the matrix power of the published code; value A U1 U2, mean A / 4."""
    number, memory = 400_000, WeakResetMemory(flicker=0.0, telegraph=0.4)
    state = memory.program(memory.fresh((number,), 1), pulses((number,), count), 2)
    high = state[1] < 0
    chain = torch.tensor([[1 - 8e-4, 8e-4], [2e-3, 1 - 2e-3]], dtype=torch.float64)
    expected = float(torch.linalg.matrix_power(chain, count)[0, 1])
    assert expected == pytest.approx(8e-4 / 2.8e-3 * (1 - (1 - 2.8e-3) ** count))
    error = (expected * (1 - expected) / number) ** 0.5
    assert float(high.double().mean()) == pytest.approx(expected, abs=4 * error)
    noise = state[2].double() - memory._mean(state[0])
    assert float(noise[~high].abs().max()) < 1e-4
    value = noise[high]
    deviation = 0.4 * (1 / 9 - 1 / 16) ** 0.5
    assert float(value.mean()) == pytest.approx(0.1, abs=4 * deviation / len(value) ** 0.5)
    again = memory.program(state[:, high], pulses((len(value),), count), 3)
    stays = float(torch.linalg.matrix_power(chain, count)[1, 1])
    error = (stays * (1 - stays) / len(value)) ** 0.5
    assert float((again[1] < 0).double().mean()) == pytest.approx(stays, abs=4 * error)


def test_each_law_is_cut_off_where_it_says(population):
    for name, (low, high) in {
        "early_slope": (3.74e-5, 0.0076),
        "knee": (41, 2000),
        "offset": (-0.15, 0.15),
        "late_slope": (0, 1.3e-4),
        "resistance": (6252, 7897),
    }.items():
        drawn = getattr(population, name)
        assert drawn.shape == (200_000, 1)
        assert low * (1 - 1e-6) - 1e-12 <= float(drawn.min()) <= low + 0.01 * (high - low)
        assert high - 0.1 * (high - low) <= float(drawn.max()) <= high * (1 + 1e-6)
    # the exponential ones hardly reach their upper end: mean of a truncated exponential law, a standard error of 0.2 %
    scale, top = 2.8890516951651312e-05, 1.3e-4
    ratio = torch.tensor(top / scale).double()
    mean = scale - top / float(torch.expm1(ratio))
    assert float(population.late_slope.double().mean()) == pytest.approx(mean, rel=0.01)


def test_imperfections_are_switched_one_by_one():
    alike = WeakResetMemory(device_to_device=False).fabricate(1000, seed=1)
    assert all(len(getattr(alike, name).unique()) == 1 for name in ("resistance", "knee", "early_slope"))
    ideal = WeakResetMemory(device_to_device=False, cycle_to_cycle=False).fabricate(1000, seed=1)
    state = ideal.program(ideal.fresh((1000, 1), 1), pulses((1000, 1), 700), 2)
    assert len(state[2].unique()) == 1
    assert float(alike.program(alike.fresh((1000, 1), 1), pulses((1000, 1), 700), 2)[2].std()) > 0.005
    given = WeakResetMemory().fabricate(50_000, Spread(resistance=0.1), 1)
    assert float(given.resistance.std()) == pytest.approx(698.8, rel=0.05)
    assert float(torch.as_tensor(given.knee).std(correction=0)) == 0


def test_a_generic_memory_programs_pairs_by_its_own_events():
    """The contract's way, pulse by pulse, gives what the memory's own events give."""
    memory, events, signs = LinearMemory(cycle_noise=0.0), torch.tensor([3.0, -2.0, 0.0]), torch.empty(3)
    state = memory.fresh((6, 1), 1) + 50 * memory.step
    after, pulsed, total, energy = memory.program_pairs(state, events, signs, 1)
    moved = ((after - state) / memory.step).reshape(2, 3)
    torch.testing.assert_close(moved, torch.tensor([[3.0, -2, 0], [-3, 2, 0]]).double())
    assert (pulsed, total, signs.tolist()) == (4, 10, [1.0, -1.0, 1.0])
    assert energy == pytest.approx(10 * 5.5e-6 * 1e-8)


def test_mistakes_are_named():
    memory = WeakResetMemory()
    with pytest.raises(InputError, match="3 events do not fit a state of 4 devices"):
        memory.program(memory.fresh((4,), 1), pulses((3,), 1))
    with pytest.raises(InputError, match="5 events do not fit a state of 4 devices"):
        memory.program_pairs(memory.fresh((4,), 1), pulses((5,), 1), torch.empty(5))
    with pytest.raises(InputError, match="late_slope"):
        WeakResetMemory(late_slope=-1e-5)
