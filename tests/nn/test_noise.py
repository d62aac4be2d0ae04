"""The normals of a read: moments, tails and independence, each within four standard errors."""

import pytest
import torch

from spinloom.nn.activation.kernels import normals, read_key

COUNT = 1 << 20


def draw(seed: int, reads: int) -> torch.Tensor:
    key = torch.tensor(read_key(seed, reads), dtype=torch.int32)
    return normals((1 << 10, 1 << 10), key).double()


@pytest.mark.parametrize("seed", [0, 1, 2**62])
def test_mean_variance_skewness_and_kurtosis_are_those_of_a_normal(seed):
    z = draw(seed, 3)
    assert abs(z.mean()) < 4 * COUNT**-0.5
    assert abs(z.var() - 1) < 4 * (2 / COUNT) ** 0.5
    assert abs((z**3).mean()) < 4 * (15 / COUNT) ** 0.5
    assert abs((z**4).mean() - 3) < 4 * (96 / COUNT) ** 0.5


def test_the_tails_are_there():
    share = (draw(0, 0).abs() > 3).double().mean()
    expected = 2 * torch.special.ndtr(torch.tensor(-3.0, dtype=torch.float64))
    assert abs(share - expected) < 4 * (expected / COUNT) ** 0.5


def test_the_distribution_is_normal_everywhere():
    z = draw(4, 0).flatten().sort().values
    steps = torch.arange(1, COUNT + 1, dtype=torch.float64) / COUNT
    assert (torch.special.ndtr(z) - steps).abs().max() < 1.95 * COUNT**-0.5  # Kolmogorov-Smirnov at p = 0.001


@pytest.mark.parametrize(
    ("first", "second"),
    [((0, 0), (0, 1)), ((0, 0), (1, 0)), ((7, 255), (7, 256)), ((0, 1), (1, 0)), ((2, 5), (2**40 + 2, 5))],
)
def test_reads_and_seeds_are_independent(first, second):
    a, b = draw(*first), draw(*second)
    assert abs((a * b).mean()) < 4 * COUNT**-0.5
    assert len(set(a.flatten()[:4096].tolist()) & set(b.flatten().tolist())) < 400  # 2^24 values: 250 by chance


def test_neighbours_in_the_layer_and_in_the_batch_are_independent():
    z = draw(9, 9)
    for a, b in ((z[:, 1:], z[:, :-1]), (z[1:], z[:-1]), (z[:, 2:], z[:, :-2]), (z[:, ::2], z[:, 1::2])):
        assert abs((a * b).mean()) < 4 * a.numel() ** -0.5
        assert abs((a.square() * b.square()).mean() - 1) < 4 * (8 / a.numel()) ** 0.5


def test_a_key_is_three_signed_words_that_differ_from_read_to_read():
    keys = {read_key(seed, reads) for seed in range(50) for reads in range(50)}
    assert len(keys) == 2500
    assert all(-(2**31) <= word < 2**31 for key in keys for word in key)
