import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinloom.errors import InputError
from spinloom.evaluation import Population, evaluate_instances, on_devices, sweep
from spinloom.report import error_in_percent
from tanh_devices import tanh_devices


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_a_population_is_summed_up_by_its_definition(values):
    population, n = Population(tuple(values)), len(values)
    mean = sum(values) / n
    variance = sum((v - mean) ** 2 for v in values) / (n - 1) if n > 1 else 0.0
    assert population.mean == pytest.approx(mean)
    assert population.deviation == pytest.approx(math.sqrt(variance), abs=1e-9)
    assert population.standard_error == pytest.approx(math.sqrt(variance / n), abs=1e-9)
    assert population.worst == min(values)


def test_no_instance_is_no_population():
    with pytest.raises(InputError, match="at least one"):
        Population(())


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


def test_a_sweep_falls_with_noise_and_reports_all_of_its_work(network, examples):
    reports = []
    points = sweep(
        network,
        tanh_devices().with_read_noise,
        (0.0, 0.3, 1.0),
        examples,
        3,
        report=lambda done, total, note: reports.append((done, total)),
    )
    means = [point.population.mean for point in points]
    assert [point.value for point in points] == [0.0, 0.3, 1.0]
    assert means[0] > means[1] > means[2]
    assert reports[-1] == (9, 9)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)


def test_a_sweep_takes_kept_points_without_making_their_devices(network, examples):
    made = []

    def make(value):
        made.append(value)
        return tanh_devices(noise=value)

    known = Population((0.25,))
    points = sweep(
        network, make, (0.1, 0.2), examples, 1, keep=lambda value, compute: known if value == 0.1 else compute()
    )
    assert made == [0.2]
    assert points[0].population is known


def test_one_instance_says_nothing_of_the_uncertainty():
    assert Population((0.9,)).uncertainty is None
    assert error_in_percent(Population((0.9,))) is None
    assert error_in_percent(Population((0.9, 0.8, 0.7))) == pytest.approx(10 / 3**0.5)
