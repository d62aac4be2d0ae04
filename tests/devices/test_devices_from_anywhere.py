"""A package of a stranger on disk, with an entry point: found by name, by module:Class, and refused by its mistakes."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from spinloom.devices import Response, TwoPolarizerMTJ, catalogue, device_source
from spinloom.errors import InputError

CODE = '''
"""A superparamagnetic junction whose mean state follows tanh."""
from dataclasses import dataclass, field
from typing import ClassVar
import torch
from spinloom.devices import Device, OperatingCost, Parameter, Response

@dataclass(frozen=True)
class Wavering(Device):
    """Its mean state follows tanh.

    More."""
    scale: float = 1e-5
    noise: float = 0.01
    parameters: ClassVar = {
        "scale": Parameter("A", 1e-7, 1e-3, spread="scale"), "noise": Parameter(sign="non-negative", single=True),
    }

    def simulate(self, drive=None, *, spread=None, devices=1, temperature=300.0, realizations=None, seed=0):
        made = self.fabricate(devices, spread, seed)
        drive = torch.linspace(-4, 4, 41, dtype=torch.float64) * self.scale if drive is None else drive
        value = torch.tanh(drive / made.scale)
        return Response(drive, value, 1 - value**2, self.noise + 0 * value, self.scale, "A")

    def cost(self, drive=None):
        drive = torch.linspace(-4, 4, 41) * self.scale if drive is None else drive
        return OperatingCost(drive, 1e3 * drive**2 * 1e-9, 0.0, 1e-15, 2e-9, ("1 kohm for 1 ns",))

class Plain: pass

@dataclass(frozen=True)
class NoCost:
    parameters = {}
    def simulate(self, drive=None, **settings): return 1

@dataclass(frozen=True)
class Seedless(Wavering):
    def simulate(self, drive=None, *, spread=None, devices=1, temperature=300.0, realizations=None): pass

@dataclass(frozen=True)
class WrongResult(Wavering):
    def simulate(self, drive=None, **settings): return [1.0]

@dataclass(frozen=True)
class Needs(Wavering):
    gain: float = field(kw_only=True)
'''


def register(folder: Path, package: str, points: str) -> None:
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    lines = ("Metadata-Version: 2.1", f"Name: {package}", "Version: 1.0", f"Summary: {package} devices", "")
    (info / "METADATA").write_text("\n".join(lines))
    (info / "entry_points.txt").write_text(f"[spinloom.devices]\n{points}\n")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    (tmp_path / "wavering_lab.py").write_text(CODE)
    (tmp_path / "broken_lab.py").write_text("raise RuntimeError('no licence')")
    register(tmp_path, "wavering-lab", "wavering = wavering_lab:Wavering")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("wavering_lab", None)


def test_the_catalogue_lists_it_beside_ours():
    assert catalogue.names()[0] == "mtj-neuron"
    assert "wavering" in catalogue.names()
    assert catalogue.headline("wavering") == "Its mean state follows tanh."
    assert catalogue.find("mtj-neuron") is TwoPolarizerMTJ


@pytest.mark.parametrize("name", ["wavering", "wavering_lab:Wavering"])
def test_a_source_simulates_it_as_it_does_ours(name):
    source = device_source(name, ("scale=2e-5",), temperature=77.0, devices=8, seed=1)
    assert source.simulated
    assert source.nominal().unit_drive == 2e-5
    assert source.fabricated(0.1).devices == 8
    assert float(source.fabricated(0.1).value.std(0).max()) > 0.01
    assert source.fabricated(0.1) is source.fabricated(0.1)
    assert source.at_diameter is None  # it has none
    assert source.cost(None).cycle_time == 2e-9
    assert source.noun in ("wavering", "Wavering")
    assert source.population(0.1) == "8 devices, simulated at 77 K"
    assert source.parameters["scale"] == "2e-05"


def test_another_text_of_the_class_is_another_device(elsewhere):
    before = device_source("wavering").identity
    (elsewhere / "wavering_lab.py").write_text(CODE + "\n# changed\n")
    assert device_source("wavering").identity != before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("waverin", "unknown device 'waverin': did you mean 'wavering'"),
        ("nowhere.lab:Device", r"the module 'nowhere.lab' does not import \(ModuleNotFoundError"),
        ("broken_lab:Device", r"'broken_lab' does not import \(RuntimeError: no licence\)"),
        ("wavering_lab:Waveringg", "wavering_lab has no 'Waveringg', only .*Wavering"),
        ("wavering_lab:Plain", "breaks a promise: it is a frozen dataclass"),
        ("wavering_lab:NoCost", "breaks a promise: it has a method `cost`"),
        ("wavering_lab:Seedless", "breaks a promise: `simulate` takes `seed`"),
        ("wavering_lab:Needs", "breaks a promise: every parameter has a default"),
    ],
)
def test_what_cannot_be_a_device_is_named(name, message):
    with pytest.raises(InputError, match=message):
        device_source(name)


def test_what_simulate_must_return_is_named():
    with pytest.raises(InputError, match="WrongResult breaks a promise: simulate returns a Response, got list"):
        device_source("wavering_lab:WrongResult").nominal()


def test_two_packages_of_one_name_are_an_error_that_names_both(elsewhere):
    register(elsewhere, "other-lab", "wavering = wavering_lab:Plain\nmtj-neuron = wavering_lab:Wavering")
    with pytest.raises(InputError, match=r"'wavering' is registered twice, by .*-lab \(.* and .*-lab"):
        catalogue.find("wavering")
    with pytest.raises(InputError, match="'mtj-neuron' is registered twice, by Spinloom"):
        device_source("mtj-neuron")


def test_a_response_and_files_are_sources_too(tmp_path):
    x = torch.linspace(-3, 3, 31)
    response = Response(x, x.tanh()[None], 1 - x.tanh()[None] ** 2, 0 * x[None], 1.0, "A")
    assert device_source(response).fabricated(0.3) is response
    with pytest.raises(InputError, match="scale=1: the curves of a file or a Response are fixed"):
        device_source(response, ("scale=1",))
    with pytest.raises(InputError, match=r"cannot read .*nowhere.csv"):
        device_source(str(tmp_path / "nowhere.csv"))


def test_names_and_headlines_load_no_torch():
    code = "import sys; from spinloom.devices import catalogue as c; list(map(c.headline, c.names())); "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)
