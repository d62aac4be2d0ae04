import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from spinloom.errors import InputError
from spinloom.evaluation import Examples, Population, accuracy, evaluate_instances, on_devices
from spinloom.evaluation.robustness import IMAGES, accuracies
from spinloom.learning import fashion_cnn
from spinloom.nn import Converters, resample, to_hardware
from spinloom.report import error_in_percent
from spinloom.seeding import child_seed, generator
from tanh_devices import tanh_devices


def test_same_seed_same_accuracy_to_the_last_image_and_another_seed_another_instance(network, examples):
    hardware = on_devices(network, tanh_devices(0.5, 0.1, devices=20), examples)
    first = evaluate_instances(hardware, examples, 5, seed=1)
    assert evaluate_instances(hardware, examples, 5, seed=1) == first
    fresh = on_devices(network, tanh_devices(0.5, 0.1, devices=20), examples)
    assert evaluate_instances(fresh, examples, 5, seed=1) == first
    assert evaluate_instances(hardware, examples, 5, seed=2) != first
    assert len(set(first.accuracies)) > 1


def test_more_instances_begin_with_the_same_ones(network, examples):
    hardware = on_devices(network, tanh_devices(0.5, devices=20), examples)
    few = evaluate_instances(hardware, examples, 2, seed=3)
    assert evaluate_instances(hardware, examples, 4, seed=3).accuracies[:2] == few.accuracies


def test_ideal_devices_lose_nothing(network, examples):
    hardware = on_devices(network, tanh_devices(), examples)
    assert evaluate_instances(hardware, examples, 2).worst >= 0.996  # the table's own error may tip a single image


def test_the_software_network_stays_untouched(network, examples):
    before = [type(module) for module in network]
    on_devices(network, tanh_devices(), examples)
    assert [type(module) for module in network] == before


def test_no_instances_are_refused(network, examples):
    with pytest.raises(InputError, match="instances must be a whole number >= 1, got 0"):
        evaluate_instances(on_devices(network, tanh_devices(), examples), examples, 0)


def test_accuracy_falls_with_noise_and_all_of_the_work_is_reported(network, examples):
    reports = []

    def mean(noise):
        hardware = on_devices(network, tanh_devices().with_read_noise(noise), examples)
        return evaluate_instances(
            hardware, examples, 12, report=lambda done, total, note: reports.append((done, total))
        ).mean

    assert mean(0.0) > mean(0.3) > mean(1.0)
    assert reports == 3 * [(10, 12), (12, 12)]


def test_one_instance_says_nothing_of_the_uncertainty():
    assert Population((0.9,)).uncertainty is None
    assert error_in_percent(Population((0.9,))) is None
    assert error_in_percent(Population((0.9, 0.8, 0.7))) == pytest.approx(10 / 3**0.5)


def images(count: int = 37) -> Examples:
    source = torch.Generator().manual_seed(0)
    return Examples(torch.randn(count, 1, 8, 8, generator=source), torch.randint(3, (count,), generator=source))


class Skipping(nn.Module):
    """Carries its input around its first neurons."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.wide, self.tanh, self.end = nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3)
        self.last = nn.Tanh()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        return self.last(self.end(x + self.tanh(self.wide(x))))


def networks() -> list[nn.Module]:
    return [fashion_cnn((1, 8, 8), 3, (4, 5), 12).eval(), Skipping()]


@pytest.mark.parametrize("which", [0, 1])
@settings(deadline=None, max_examples=10)
@given(count=st.integers(1, 5), together=st.integers(1, 4), batch=st.integers(1, 40), noise=st.sampled_from([0.0, 0.2]))
def test_every_instance_is_as_accurate_as_alone(which, count, together, batch, noise):
    data = images()
    hardware = on_devices(networks()[which], tanh_devices(0.5, noise, devices=40), data)
    chunks = list(accuracies(hardware, data, range(count), together, batch))
    assert [len(chunk) for chunk in chunks[:-1]] == [together] * (len(chunks) - 1)
    side_by_side = [value for chunk in chunks for value in chunk]
    alone = [accuracy(resample(hardware, seed), data, batch) for seed in range(count)]
    # rounding may tip an image whose two best classes are as good
    assert side_by_side == pytest.approx(alone, abs=1.01 / len(data))
    assert sum(abs(a - b) > 1e-9 for a, b in zip(side_by_side, alone, strict=True)) <= 1


class Rows(nn.Module):
    """Every row of an image goes through the same neurons, all rows of all images in one batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.tanh, self.end = nn.Linear(8, 9), nn.Tanh(), nn.Linear(9, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.flatten(0, 2)
        return self.end(self.tanh(self.first(rows))).view(len(x), -1, 3).mean(1)


def batch_statistics() -> nn.Module:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(9, track_running_stats=False)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 9), nn.Tanh(), norm, nn.Linear(9, 3))


@pytest.mark.parametrize("make", [Rows, batch_statistics])
def test_networks_that_mix_the_rows_of_a_batch_are_measured_one_after_the_other(make):
    data = images()
    hardware = to_hardware(make(), tanh_devices(0.5, 0.2, devices=40), example_input=data.inputs[:2])
    found = list(accuracies(hardware, data, range(4)))
    assert found == [[accuracy(resample(hardware, seed), data, IMAGES)] for seed in range(4)]


def test_more_instances_begin_with_the_same_ones_noise_and_all():
    data = images(300)
    hardware = on_devices(networks()[0], tanh_devices(0.3, 0.2, devices=40), data)
    many = evaluate_instances(hardware, data, 13, seed=3).accuracies
    assert evaluate_instances(hardware, data, 2, seed=3).accuracies == many[:2]
    assert len(set(many)) > 3


def test_instances_are_those_of_the_child_seeds():
    data, source = images(), generator(3)
    hardware = on_devices(networks()[0], tanh_devices(0.5, devices=40), data)
    wanted = [accuracy(resample(hardware, child_seed(source)), data) for _ in range(4)]
    assert evaluate_instances(hardware, data, 4, seed=3).accuracies == pytest.approx(wanted, abs=1.01 / len(data))


def test_the_hardware_stays_as_it_is_in_instance_noise_and_mode():
    data = images()
    hardware = on_devices(networks()[0], tanh_devices(0.5, 0.1, devices=40), data).train()
    twin = copy.deepcopy(hardware)
    evaluate_instances(hardware, data, 3)
    assert hardware.training
    assert torch.equal(hardware(data.inputs), twin(data.inputs))
    assert hardware[0].weight.stride() == twin[0].weight.stride()


def test_progress_ends_at_the_number_of_instances():
    data, seen = images(), []
    hardware = on_devices(networks()[0], tanh_devices(), data)
    evaluate_instances(hardware, data, 12, report=lambda done, total, note: seen.append((done, total)))
    assert seen == [(10, 12), (12, 12)]


def test_outputs_that_are_not_finite_are_refused():
    data = images()
    network = networks()[0]
    nn.init.constant_(network[-1].bias, float("inf"))
    with pytest.raises(InputError, match="not finite"):
        list(accuracies(on_devices(network, tanh_devices(), data), data, (1,)))


def test_converters_reach_every_junction_and_may_be_swept():
    data, network = images(), networks()[0]
    hardware = on_devices(network, tanh_devices(), data, converters=Converters(value=1))
    with torch.inference_mode():
        assert hardware[:3](data.inputs).unique().tolist() == [-1.0, 1.0]
        labels = network(data.inputs).argmax(1)
    right = Examples(data.inputs, labels)
    coarse, fine = (
        evaluate_instances(on_devices(network, tanh_devices(), right, converters=Converters(bits)), right, 1).mean
        for bits in (1, 12)
    )
    assert coarse < fine == 1.0
