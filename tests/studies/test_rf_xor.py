"""The study with few devices, starts and points; its network and points are tested in their rooms."""

import json

import pytest

from spinloom.data import draw_points
from spinloom.errors import InputError
from spinloom.studies import rf_xor
from spinloom.studies.rf_xor import SIZES, Settings, imperfections, run, shares, train


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(
        rf_xor,
        seeds=2,
        points=200,
        tests=300,
        devices=2,
        sweep_devices=2,
        starts=20,
        restarts=2,
        epochs=4,
        reads=2,
        levels=(0.0, 0.05),
        temperatures=(0.0, 300.0),
        noises=(0.0, 0.3),
        pixels=9,
        map_reads=2,
    )


def test_fabricated_devices_learn_what_no_line_can(shrink):
    shrink(rf_xor, starts=300, restarts=3, epochs=30)
    points, test = draw_points("exclusive or", 300, 0), draw_points("exclusive or", 1_000, 1)
    network, chosen = train(points, imperfections(0.05, 300.0), SIZES.full(), 2, 0, 0.01)
    assert shares(network, test, 3)[chosen].min() > 0.9 > test.best_line()
    right = shares(network, points, 20).view(2, 3)
    assert (chosen // 3).tolist() == [0, 1]  # one restart of each device
    assert bool((right.flatten()[chosen] > right.amax(1) - 0.02).all())  # the best, up to the noise of reads


def test_the_study_writes_what_it_measured_and_a_second_run_measures_nothing(tmp_path, monkeypatch):
    result = run(Settings(out=tmp_path))
    assert [claim.published for claim in result.claims] == [97.7] * 3  # two seeds and the worst device
    layouts = result.data["layouts"]
    for claim, layout in zip(result.claims[:2], layouts[:2], strict=True):
        accuracies = layout["accuracies"]
        assert claim.measured == pytest.approx(100 * sum(accuracies) / len(accuracies))
        assert claim.holds == (claim.measured >= 97.7)
    worst = min(share for layout in layouts[:2] for share in layout["accuracies"])
    assert result.claims[-1].measured == pytest.approx(100 * worst)
    assert [layout["points"] for layout in layouts[1:]] == ["exclusive or", "equal powers", "middle of the sum"]
    assert set(result.data["spread"]) == {"measured", "ideal", "tuned", "copied"}
    assert {plot.name for plot in result.plots} == {"decision", "seeds", "spread", "noise", "cost"}
    assert all((tmp_path / f"{plot.name}.png").stat().st_size > 10_000 for plot in result.plots)
    assert (tmp_path / "report.html").exists()
    assert any("our reading" in sentence for sentence in result.assumptions)

    def never(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr(rf_xor, "train", never)
    again = run(Settings(out=tmp_path))
    assert again.resumed
    assert json.dumps(again.as_dict()["data"]) == json.dumps(result.as_dict()["data"])
    with pytest.raises(AssertionError, match="trained again"):
        run(Settings(out=tmp_path, spread=0.02))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"spread": 0.0}, "set for 5 % spread; this run had 0 % spread"),
        ({"temperature": 0.0}, "set for 300 K; this run had 0 K"),
        (
            {"linewidth": 0.5},
            "set for half linewidths of 0.01 of the frequency; this run had half linewidths of 0.5 of",
        ),
    ],
)
def test_other_devices_than_those_of_the_bars_are_not_judged(changed, reason, tmp_path, shrink, unwritten, monkeypatch):
    shrink(rf_xor, starts=1, restarts=1, epochs=1, levels=(0.0,), temperatures=(0.0,), noises=(0.0,), seeds=1)
    monkeypatch.setattr(rf_xor, "WAYS", {"ideal": "trained, by an ideal twin"})
    result = run(Settings(out=tmp_path, **changed))
    assert [claim.holds for claim in result.claims] == [None, None]
    assert all(claim.unjudged.startswith(reason) for claim in result.claims)


@pytest.mark.parametrize("wrong", [{"spread": -0.1}, {"temperature": -1.0}, {"linewidth": 0.0}, {"diameter": -20e-9}])
def test_wrong_settings_are_refused_before_anything_is_written(wrong, tmp_path):
    with pytest.raises(InputError, match=next(iter(wrong))):
        run(Settings(out=tmp_path / "out", **wrong))
    assert not (tmp_path / "out").exists()
