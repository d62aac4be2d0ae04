"""The study with a tiny network and few images; the packaged digits are its images."""

from dataclasses import replace

import pytest

from spinloom.errors import InputError, OutputError
from spinloom.studies import rf_convolution
from spinloom.studies.rf_convolution import Settings, choose_sets, run

SETTINGS = Settings(dataset="mnist-5k", spread=(0.0, 0.01))


@pytest.fixture(autouse=True)
def small(shrink):
    shrink(rf_convolution, channels=(4, 8), images_seen=12_000, seeds=1, instances=2, sweep_images=200)
    shrink(rf_convolution, spacings=(0.1, 10.0, 1000.0))


def test_both_networks_learn_digits_and_where_nothing_is_disturbed_nothing_is_lost(tmp_path, repeat):
    settings = replace(SETTINGS, out=tmp_path / "out")
    result = run(settings)
    found = result.data["mnist-5k"]
    assert min(found["resonators"] + found["software"]) > 0.85
    few = found["sweep_reference"]
    planned, spread = found["spread"]
    assert planned["made"] == planned["trimmed"] == [few, few]
    assert max(spread["made"]) < few - 0.1  # a spread of three half linewidths
    close, _, far = found["parallel"]
    assert max(far["errors"]) < 0.05 < 1 < min(close["errors"])
    assert far["accuracy"] == pytest.approx(few, abs=0.01)  # 2 of 200 images
    assert close["accuracy"] < few - 0.2
    (claim,) = result.claims
    assert claim.measured == pytest.approx(100 * (found["software"][0] - found["resonators"][0]))
    assert (claim.holds, claim.unjudged) == (None, "set for 2 networks or more; this run had one network")
    assert [plot.name for plot in result.plots] == ["accuracy", "filters", "sneak-paths", "spread"]
    assert (settings.out / "network-mnist-5k.safetensors").exists()
    cache = settings.out / ".cache"
    kept = {path: path.stat().st_mtime_ns for path in cache.glob("*-*")}
    again = repeat(run, settings)
    assert again.resumed
    assert again.data == result.data
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_study_killed_between_losses_and_weights_trains_again(tmp_path, shrink, unwritten):
    shrink(rf_convolution, channels=(1, 1), images_seen=400, train_images=200, sweep_images=50, spacings=(10.0,))
    settings = replace(SETTINGS, out=tmp_path / "out", spread=())
    first = run(settings)
    for path in (tmp_path / "out" / ".cache").glob("resonators-*.safetensors"):
        path.unlink()
    assert run(settings).data == first.data


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"linewidth": 0.01}, "half linewidths of 0.003"),
        ({"layout": "parallel", "spacing": 10.0}, "pixels 10 linewidths apart"),
        ({"layout": "parallel"}, ""),
        ({"seeds": 1}, "set for 2 networks or more; this run had one network"),
    ],
)
def test_claims_are_judged_where_the_bars_are_set(changed, reason, tmp_path, shrink, unwritten):
    shrink(rf_convolution, channels=(1, 1), images_seen=200, train_images=200, sweep_images=20, spacings=(10.0,))
    settings = replace(SETTINGS, out=tmp_path / "out", spread=(), **{"seeds": 2, **changed})
    (claim,) = run(settings).claims
    assert reason in claim.unjudged
    assert claim.holds is (None if reason else claim.measured <= 0.3)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"linewidth": 0.0}, "linewidth"),
        ({"linewidth": 1e-5, "dataset": "mnist-6k"}, "mnist-5k"),
        ({"spread": (0.01, -0.1)}, "spread"),
        ({"layout": "paralel"}, "did you mean 'parallel'"),
        ({"spacing": 0.0}, "spacing"),
        ({"seeds": 0}, "seeds"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_written(wrong, message, tmp_path):
    with pytest.raises(InputError, match=message):
        run(replace(SETTINGS, out=tmp_path / "out", **wrong))
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        run(replace(SETTINGS, out=tmp_path / "file" / "out"))


def test_auto_takes_the_packaged_digits_where_nothing_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("SPINLOOM_DATA", str(tmp_path))
    monkeypatch.setenv("SPINLOOM_CACHE", str(tmp_path))
    monkeypatch.setattr("spinloom.data.places.SYSTEM_FOLDERS", ())
    chosen, reason = choose_sets("auto")
    assert chosen == ("mnist-5k",)
    assert "data fetch" in reason
    assert choose_sets("mnist-5k")[0] == ("mnist-5k",)
