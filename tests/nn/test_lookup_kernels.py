"""The compiled loop against PyTorch's own operations."""

import pytest
import torch
from populations import population

from spinloom.nn import DeviceActivation
from spinloom.nn.activation.kernels import add_noise, look_up, plain_look_up, read_key


def case(shape: tuple[int, int], dtype: torch.dtype, seed: int = 1):
    layer = DeviceActivation(population())
    x = 2 * torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    layer(x)
    key = torch.tensor(read_key(seed, 2), dtype=torch.int32)
    return x, layer.rows, layer.curves, layer.grid, layer.noise, key


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (1, 1), (3, 1001), (129, 65), (8, 9001)])
def test_value_slope_and_noise_equal_the_plain_ones(shape, dtype):
    arguments = case(shape, dtype)
    for fast, plain in zip(
        look_up(*arguments, want_slope=True), plain_look_up(*arguments, want_slope=True), strict=True
    ):
        assert fast.dtype == dtype
        torch.testing.assert_close(fast, plain, atol=2e-6, rtol=1e-5)


def test_the_slope_is_left_out_and_changes_nothing():
    arguments = case((5, 40), torch.float32)
    value, slope = look_up(*arguments, want_slope=False)
    assert slope.numel() == 0
    assert torch.equal(value, look_up(*arguments, want_slope=True)[0])


def test_one_core_and_two_give_the_same_to_the_bit(two_threads):
    arguments = case((70, 1000), torch.float32)
    made = []
    for number in (1, 2):
        torch.set_num_threads(number)
        made.append(look_up(*arguments, want_slope=True))
    assert torch.equal(made[0][0], made[1][0])
    assert torch.equal(made[0][1], made[1][1])


def test_noise_alone_is_the_same_on_one_core_and_two(two_threads):
    x, row, _, grid, noise, key = case((70, 1000), torch.float32)
    made = []
    for number in (1, 2):
        torch.set_num_threads(number)
        made.append(add_noise(torch.zeros_like(x), x, row, grid, noise, key))
    assert torch.equal(*made)
    assert made[0].std() > 0


def test_a_transposed_input_is_read_in_its_own_order():
    x, *tables = case((40, 40), torch.float32)
    quiet = (*tables[:-1], tables[-1][:0])
    torch.testing.assert_close(look_up(x.t(), *quiet, want_slope=True), plain_look_up(x.t(), *quiet, want_slope=True))
