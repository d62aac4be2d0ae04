"""The study with few devices, starts and points; the physics of its nine junctions in closed form."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from spinloom.errors import InputError
from spinloom.evaluation import radio_cost
from spinloom.studies.mtj_parts.stages import Stages
from spinloom.studies.rf_xor import Settings, measurements, spread, study
from spinloom.studies.rf_xor.network import CURRENT, NineJunctions, imperfections, made, thermal_fluctuation, tuning
from spinloom.studies.rf_xor.plan import FULL, REDUCED, Training, plan_of
from spinloom.studies.rf_xor.points import LAYOUTS, Points, best_line, draw
from spinloom.studies.rf_xor.training import shares, train

SMALL = replace(
    REDUCED,
    training=Training(starts=60, restarts=2, epochs=8),
    seeds=2,
    points=200,
    tests=300,
    devices=2,
    sweep_devices=2,
    reads=2,
    levels=(0.0, 0.05),
    temperatures=(0.0, 300.0),
    noises=(0.0, 0.3),
    pixels=9,
    map_reads=2,
)


def test_both_powers_low_or_high_is_one_class_and_one_high_the_other():
    points = draw("exclusive or", 500, 0)
    high = points.powers >= 0.7
    assert bool((high | (points.powers <= 0.3)).all())
    assert points.labels.tolist() == [int(a != b) for a, b in high.tolist()]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_classes_are_balanced_and_no_line_separates_them(layout):
    points = draw(layout, 1_001, 3)
    assert (len(points.labels), int(points.labels.sum())) == (1_001, 500)
    assert 0 <= float(points.powers.min()) < float(points.powers.max()) <= 1
    assert 0.70 < best_line(points) < 0.80  # a line cuts off one of two parts of a class: 3/4
    again, other = draw(layout, 1_001, 3), draw(layout, 1_001, 4)
    assert torch.equal(points.powers, again.powers)
    assert not torch.equal(points.powers, other.powers)


def test_the_best_line_finds_a_line_where_there_is_one():
    x = torch.rand(200, 2, generator=torch.Generator().manual_seed(0))
    side = (0.8 * x[:, 0] - 0.3 * x[:, 1] - 0.2).sign()
    clear = (0.8 * x[:, 0] - 0.3 * x[:, 1] - 0.2).abs() > 0.02
    for sign in (1, -1):
        assert best_line(Points(x[clear], (sign * side[clear] > 0).long())) == 1.0
    assert (
        best_line(Points(torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), torch.tensor([0, 0, 1, 1])))
        == 0.75
    )


def test_points_that_cannot_be_drawn_are_refused():
    with pytest.raises(InputError, match="exclusive or"):
        draw("exclusive", 10, 0)
    with pytest.raises(InputError, match="2 points"):
        draw("exclusive or", 1, 0)


def test_the_network_has_nine_junctions_and_costs_360_fj_at_20_nm():
    cost = radio_cost(NineJunctions(0.01), draw("exclusive or", 20, 0).powers)
    assert (cost.resonators, cost.oscillators) == (6, 3)
    assert cost.energy == pytest.approx(6 * 10e-15 + 3 * 100e-15)


def test_the_output_power_passes_its_threshold_where_the_voltage_does():
    network = NineJunctions(0.01, (64,), seed=1)
    xi = CURRENT / 10e-6
    assert network.threshold == pytest.approx(1.25 * (xi - 1) / (xi + 2) * 1e3 * CURRENT**2)
    with torch.no_grad():
        for layer in network.chains:
            layer.offset.normal_(0.5, 1, generator=torch.Generator().manual_seed(2))
        x = draw("exclusive or", 400, 0).powers
        distance = network.logits(network.core(x))[..., 1]
        clear = distance.abs() > 1e-3
        assert torch.equal((distance > 0)[clear], network.classes(x).bool()[clear])
        assert 0 < float(network.classes(x).float().mean()) < 1


def test_restarts_share_a_device_and_devices_differ():
    network = made(NineJunctions(0.01, (6,)), imperfections(0.05, 300.0), 2, 0)
    factors = [factor for layer in network.chains for name, factor in layer.named_buffers() if name.endswith("_factor")]
    factors.append(network.reader.power_factor)
    for factor in factors:
        assert torch.equal(factor[0], factor[1])
        assert torch.equal(factor[0], factor[2])
        assert not torch.equal(factor[2], factor[3])


def test_tuning_brings_every_resonance_to_its_place_relative_to_the_lines():
    network = made(NineJunctions(0.01, (4,)), imperfections(0.05, 300.0), 4, 1)
    with torch.no_grad():
        for layer in network.chains:
            layer.shift.copy_(tuning(layer))
            torch.testing.assert_close(
                layer.resonances(),
                layer.input_frequencies().unsqueeze(-2).expand(4, layer.chains, 2),
                rtol=1e-5,
                atol=0,
            )


def test_thermal_fluctuation_is_the_width_of_the_stationary_distribution():
    xi, quality, scale = 2.5, 2.0, 1_000.0
    p = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    excess = 1 - xi * (1 - p) / (1 + quality * p)
    exponent = -scale * torch.cat((p.new_zeros(1), torch.cumulative_trapezoid(excess, p)))
    density = (exponent - exponent.max()).exp()
    density /= density.sum()
    mean = float((p * density).sum())
    deviation = math.sqrt(float(((p - mean) ** 2 * density).sum()))
    assert thermal_fluctuation(300.0) == pytest.approx(deviation / mean, rel=0.02)  # linearised
    assert thermal_fluctuation(75.0) == pytest.approx(thermal_fluctuation(300.0) / 2)
    assert thermal_fluctuation(0.0) == 0


def test_fabricated_devices_learn_what_no_line_can():
    points, test = draw("exclusive or", 300, 0), draw("exclusive or", 1_000, 1)
    trained = train(points, imperfections(0.05, 300.0), Training(300, 3, 30), 2, 0)
    assert min(trained.accuracies(test, 3)) > 0.9 > best_line(test)
    right = shares(trained.network, points, 20).view(2, 3)
    assert (trained.chosen // 3).tolist() == [0, 1]  # one restart of each device
    chosen = right.flatten()[trained.chosen]
    assert bool((chosen > right.amax(1) - 0.02).all())  # the best by its training points, up to the noise of reads


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rf-xor")
    patch = pytest.MonkeyPatch()
    patch.setattr(study, "plan_of", lambda settings: SMALL)
    patch.setattr(measurements, "SWEEPS", ("measured", "tuned"))  # one that trains, one that copies
    try:
        yield SimpleNamespace(folder=folder, result=study.carry_out(Settings(out=folder)))
    finally:
        patch.undo()


def test_the_study_writes_what_it_measured(run):
    result = run.result
    assert [claim.published for claim in result.claims] == [97.7] * 3  # two seeds and the worst device
    for claim, layout in zip(result.claims[:2], result.data["layouts"][:2], strict=True):
        accuracies = layout["accuracies"]
        assert claim.measured == pytest.approx(100 * sum(accuracies) / len(accuracies))
        assert claim.holds == (claim.measured >= 97.7)
    assert result.claims[-1].measured == pytest.approx(
        100 * min(share for layout in result.data["layouts"][:2] for share in layout["accuracies"])
    )
    assert {plot.name for plot in result.plots} == {"decision", "seeds", "spread", "noise", "cost"}
    assert all((run.folder / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert (run.folder / "report.html").exists()
    assert any("our reading" in sentence for sentence in result.assumptions)


def test_a_finished_stage_is_not_computed_again(run, monkeypatch):
    def never(*given, **named):
        raise AssertionError("trained again")

    monkeypatch.setattr(measurements, "train", never)
    monkeypatch.setattr(spread, "train", never)
    settings = Settings(out=run.folder)
    known = {"spread": settings.spread, "temperature": settings.temperature, "damping": settings.damping}
    stages = Stages(run.folder / ".cache", {**known, "version": study.__version__})
    found = measurements.measure(settings, SMALL, stages)
    assert found.layouts[0].devices.accuracies == tuple(run.result.data["layouts"][0]["accuracies"])
    with pytest.raises(AssertionError, match="trained again"):
        measurements.measure(replace(settings, seed=5), SMALL, stages)


def test_sizes_and_settings():
    assert plan_of(Settings()) is REDUCED
    assert plan_of(Settings(full=True)) is FULL
    wrong = ({"spread": -0.1}, {"temperature": -1.0}, {"damping": 0.0}, {"diameter": -20e-9})
    for given in wrong:
        with pytest.raises(InputError, match=next(iter(given))):
            plan_of(Settings(**given))
