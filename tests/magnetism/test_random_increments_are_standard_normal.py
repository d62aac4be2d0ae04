import numpy as np
import pytest
import torch
from numba import njit
from scipy import stats

from spinloom.magnetism.compiled import pieces as normals
from spinloom.magnetism.compiled.pieces import FAST, next_word, normal_pair

COUNT, LANES = 2000, 1000
N = COUNT * LANES


@njit(fastmath=FAST)
def fill(state, out):
    for lane in range(state.shape[1]):
        s0, s1, s2, s3 = state[0, lane], state[1, lane], state[2, lane], state[3, lane]
        for k in range(0, out.shape[0] - 1, 2):
            a, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            b, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            out[k, lane], out[k + 1, lane] = normal_pair(a, b)
        state[0, lane], state[1, lane], state[2, lane], state[3, lane] = s0, s1, s2, s3


def draw(seed=1, count=COUNT, lanes=LANES) -> np.ndarray:
    """`count` (even) successive numbers of `lanes` streams, (count, lanes)."""
    out = np.empty((count, lanes), dtype=np.float32)
    fill(normals.seed_lanes(lanes, torch.Generator().manual_seed(seed)), out)
    return out.astype(np.float64)


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    return draw()


def test_moments_agree_within_four_standard_errors(numbers):
    x = numbers.ravel()
    errors = {"mean": (x.mean(), 1), "variance": (x.var() - 1, 2), "skew": (stats.skew(x), 6)}
    errors["kurtosis"] = (stats.kurtosis(x), 24)
    for name, (value, variance) in errors.items():
        print(f"{name}: {value / (variance / N) ** 0.5:+.1f} standard errors")
        assert abs(value) < 4 * (variance / N) ** 0.5, name


def test_the_distribution_passes_kolmogorov_and_smirnov(numbers):
    assert stats.kstest(numbers.ravel(), "norm").pvalue > 1e-3


def test_tails_hold_what_they_should(numbers):
    for edge in (3.0, 4.0):
        expected = N * 2 * stats.norm.sf(edge)
        assert abs((abs(numbers) > edge).sum() - expected) < 4 * expected**0.5


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(("rows", "lanes"), [(1, 0), (2, 0), (0, 1), (0, 64), (1, 1)])
def test_successive_numbers_and_neighbouring_lanes_are_uncorrelated(numbers, power, rows, lanes):
    x = numbers**power - (power == 2)
    a, b = x[: COUNT - rows, : LANES - lanes].ravel(), x[rows:, lanes:].ravel()
    spread = np.var(a)
    assert abs((a * b).mean() / spread) < 4 / len(a) ** 0.5


def test_the_two_numbers_of_a_pair_fill_the_plane_evenly(numbers):
    angle = np.arctan2(numbers[0::2], numbers[1::2]).ravel()
    counts, _ = np.histogram(angle, bins=64, range=(-np.pi, np.pi))
    assert stats.chisquare(counts).pvalue > 1e-3


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    assert (draw(7, 10, 5) == draw(7, 10, 5)).all()
    assert (draw(7, 10, 5) != draw(8, 10, 5)).mean() > 0.99


def test_every_pair_of_words_gives_finite_numbers_also_at_the_ends():
    words = [np.uint32(w) for w in (0, 1, 255, 256, 0x7FFFFFFF, 0x80000000, 0xFFFFFEFF, 0xFFFFFF00, 0xFFFFFFFF)]
    pairs = np.array([normals.normal_pair(a, b) for a in words for b in words])
    assert np.isfinite(pairs).all()
    assert abs(pairs).max() < 6


def test_a_lane_never_starts_in_the_dead_state():
    assert (normals.seed_lanes(1000, torch.Generator().manual_seed(0)).any(axis=0)).all()
