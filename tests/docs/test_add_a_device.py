"""The page that adds a device does what it says: a file outside ours, by module:Class and by entry point."""

import json
import os
import subprocess
import sys

import pytest
from pages import blocks, entry_points

from plugin_packages import install
from spinloom.cli import main
from spinloom.devices import device_source
from spinloom.learning import fashion_cnn, save_weights
from spinloom.studies import mtj_robustness, mtj_transfer

PAGE = "docs/add-a-device.md"
FILE, CONTRACT = blocks(PAGE, "python")
NAMES = ("telegraph:TelegraphMTJ", "telegraph")
SMALL = {
    "noise_seeds": 1, "instances": 2, "sweep_instances": 1, "sweep_images": 50, "devices": 4, "levels": (0.0, 0.1),
    "temperatures": (300.0,), "images": 50, "spreads": (0.0, 0.05), "noises": (0.1,), "bits": (4,), "stuck": (0.1,),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Of a user: the file, installed as a package too, and an untrained network."""
    install(tmp_path / "site", "telegraph", {"telegraph.py": FILE}, entry_points(PAGE))
    monkeypatch.syspath_prepend(tmp_path / "site")
    save_weights(tmp_path / "weights.safetensors", fashion_cnn((1, 28, 28), 10, (4, 4), 8))
    for study in (mtj_transfer, mtj_robustness):
        for name, value in SMALL.items():
            if name in study.SIZES.values:
                monkeypatch.setitem(study.SIZES.values, name, (value, value))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("telegraph", None)


def test_the_device_is_one_file_of_less_than_80_lines():
    assert FILE.count("\n") < 80


@pytest.mark.parametrize("name", NAMES)
def test_it_is_shown_and_written(folder, name, capsys):
    assert main(["device", name, "--set", "dwell=1e-9", "--out", "out"]) == 0
    shown = capsys.readouterr().out
    for part in ("barrier", "unit drive", "write, reset, read"):
        assert part in shown
    assert {path.name for path in (folder / "out").iterdir()} == {"curves.png", "response.safetensors"}
    assert main(["list"]) == 0
    assert "telegraph" in capsys.readouterr().out


@pytest.mark.parametrize("study", ["mtj-transfer", "mtj-robustness"])
@pytest.mark.parametrize("name", NAMES)
def test_studies_take_it(folder, study, name):
    line = ["run", study, "--device", name, "--dataset", "mnist-5k", "--weights", "weights.safetensors", "--out", "out"]
    assert main(line) == 0
    result = json.loads((folder / "out" / "result.json").read_text())
    assert result["settings"]["device"] == name
    assert "spread" in result["data"]["sweeps"]
    assert (folder / "out" / "report.html").exists()


def test_it_follows_its_closed_form(folder):
    source = device_source("telegraph")
    response = source.nominal()
    assert float((response.value[0] - response.inputs.tanh()).abs().max()) < 1e-12
    cold = source.at_temperature(150.0)
    assert float((cold.value[0] - (2 * cold.inputs).tanh()).abs().max()) < 1e-12
    assert float(response.noise.max()) == pytest.approx((2 * 20e-9 / 20e-6) ** 0.5)


def test_it_passes_the_suite_of_devices_as_the_page_says(folder):
    (folder / "test_telegraph.py").write_text(f"from telegraph import TelegraphMTJ\n{CONTRACT}")
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_telegraph.py"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "site"), *filter(None, sys.path)])}
    done = subprocess.run(line, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stdout
