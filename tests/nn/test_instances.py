"""Instances side by side give exactly what one after the other gives."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from populations import population
from torch import nn

from spinloom.errors import InputError
from spinloom.nn import Converters, DeviceActivation, device_layers, members, resample, shared_front, to_hardware

shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@settings(deadline=None, max_examples=40)
@given(
    batch=st.integers(1, 4),
    count=st.integers(1, 4),
    units=shapes,
    sharing=st.sampled_from(["unit", "channel", "shared"]),
    shared_input=st.booleans(),
    noisy=st.booleans(),
    spread=st.booleans(),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
def test_values_and_noise_are_those_of_each_instance_alone(
    batch, count, units, sharing, shared_input, noisy, spread, dtype
):
    layer = DeviceActivation(population(), sharing=sharing, converters=Converters(value=8 if spread else None))
    layer.real(read_noise=noisy, spread=spread)
    seeds = range(5, 5 + count)
    x = random(batch, 1 if shared_input else count, *units).to(dtype)
    alone = []
    for k, seed in enumerate(seeds):
        layer.resample(seed)
        alone.append([layer(x[:, 0 if shared_input else k]) for _ in range(2)])  # the second read has other noise
    layer.fabricate_members(seeds, shared_input=shared_input)
    for read in range(2):
        y = layer(x.flatten(0, 1))
        assert y.shape == (batch * count, *units)
        assert y.dtype == dtype
        wanted = torch.stack([reads[read] for reads in alone], dim=1).flatten(0, 1)
        torch.testing.assert_close(y, wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])  # the compiled loop, and PyTorch's operations
@pytest.mark.parametrize("shared_input", [False, True])
def test_the_order_in_memory_changes_neither_devices_nor_noise(shared_input, dtype):
    layer = DeviceActivation(population(devices=50)).fabricate_members((3, 4), shared_input=shared_input)
    x = random(6, 5, 3, 2).to(dtype)
    y = layer(x)
    layer.fabricate_members((3, 4), shared_input=shared_input)
    last = layer(x.to(memory_format=torch.channels_last))
    assert last.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(last, y)


def test_nan_stays_visible_in_its_own_instance_only():
    layer = DeviceActivation(population()).fabricate_members((1, 2))
    assert layer(torch.tensor([[torch.nan], [0.0]])).isnan().flatten().tolist() == [True, False]


def test_a_large_layer_is_split_into_blocks_and_threads(two_threads):
    layer = DeviceActivation(population(devices=20))
    x = random(4, 9000)
    wanted = torch.stack([resample(layer, seed)(x) for seed in (1, 2)], dim=1)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        assert torch.equal(members(layer, (1, 2), "")(x).view(4, 2, -1), wanted)


def test_noise_of_different_instances_is_independent_and_has_the_width_of_the_response():
    response = population(devices=1, spread=0.0, noise=0.05)
    layer = DeviceActivation(response, sharing="shared").fabricate_members((1, 2), shared_input=True)
    reads = layer(torch.zeros(200, 100)).view(200, 2, 100)
    first, second = reads[:, 0].flatten(), reads[:, 1].flatten()
    assert abs(float(torch.corrcoef(torch.stack([first, second]))[0, 1])) < 4 / 20_000**0.5
    assert float(first.std()) == pytest.approx(0.05, rel=4 / 40_000**0.5)


def chain() -> nn.Module:
    torch.manual_seed(0)
    body = (nn.Conv2d(1, 3, 3), nn.Tanh(), nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Tanh())
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(16, 5))


class AroundTheFirst(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.second, self.first = nn.Tanh(), nn.Tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(x + self.first(x))


class AroundTheSecond(AroundTheFirst):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(2 * x)
        return x + self.second(x)


class TwoBranches(AroundTheFirst):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.first(x), self.second(x)


class Averaging(AroundTheFirst):
    """Not image by image: repeated input gives something else."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x - x[:1]) + len(x))


@pytest.mark.parametrize(
    ("make", "first", "shape"),
    [
        (chain, "1", (1, 8, 8)),
        (AroundTheFirst, None, (7,)),
        (AroundTheSecond, "first", (7,)),
        (TwoBranches, None, (7,)),
        (Averaging, None, (7,)),
    ],
)
def test_the_front_is_shared_where_that_gives_the_same(make, first, shape):
    hardware = to_hardware(make(), population(devices=30), seed=1)
    assert shared_front(hardware, random(1, *shape)) == first


@pytest.mark.parametrize(("make", "shape"), [(chain, (1, 8, 8)), (AroundTheFirst, (7,)), (AroundTheSecond, (7,))])
@pytest.mark.parametrize("count", [1, 3])
def test_whole_networks_give_what_instance_after_instance_gives(make, shape, count):
    hardware, seeds = to_hardware(make(), population(devices=30), seed=1), range(count)
    batches = [random(5, *shape, seed=1), random(5, *shape, seed=2)]
    first = shared_front(hardware, batches[0])
    members(hardware, seeds, first)
    with torch.inference_mode():
        got = [hardware(x if first else x.repeat_interleave(count, 0)).unflatten(0, (5, count)) for x in batches]
    for read, wanted in zip(got, zip(*(alone(hardware, seed, batches) for seed in seeds), strict=True), strict=True):
        torch.testing.assert_close(read, torch.stack(wanted, dim=1), atol=2e-5, rtol=0)


def alone(hardware: nn.Module, seed: int, batches: list[torch.Tensor]) -> list[torch.Tensor]:
    resample(hardware, seed)
    with torch.inference_mode():
        return [hardware(x) for x in batches]


def test_without_seeds_the_instance_and_the_noise_of_before_go_on():
    x = random(4, 1, 8, 8)
    one, other = (to_hardware(chain(), population(), seed=1, example_input=x) for _ in range(2))
    assert torch.equal(one(x), other(x))
    shared_front(one, x)
    with torch.no_grad():
        members(one, (1, 2))(x)
    assert torch.equal(members(one, ())(x), other(x))
    assert torch.equal(resample(members(one, (1, 2)), 3)(x), resample(other, 3)(x))


def test_misuse_is_named():
    hardware = to_hardware(chain(), population(), example_input=random(1, 1, 8, 8))
    with pytest.raises(InputError, match="unknown device layer '2'"):
        members(hardware, (1, 2), "2")
    with pytest.raises(InputError, match="no device layer"):
        members(chain(), (1, 2))
    members(hardware, (1, 2))
    with torch.no_grad(), pytest.raises(InputError, match=r"batch x 2 rows.*got 3"):
        hardware(random(3, 1, 8, 8))
    with pytest.raises(InputError, match="inference"):
        hardware(random(4, 1, 8, 8))
    layer = device_layers(hardware)["1"]
    with pytest.raises(InputError, match="units of shape"):
        layer(random(2, 3, 6, 5))
