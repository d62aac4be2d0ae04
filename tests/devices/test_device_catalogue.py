import sys

import pytest

from plugin_packages import install
from spinloom.devices import TwoPolarizerMTJ, catalogue
from spinloom.errors import InputError

FILE = '"""Rings."""\n\nclass Ring:\n    """A ring of spins as neuron."""\n'


@pytest.fixture
def rings(tmp_path, monkeypatch):
    """A package that registers the device `ring`; its module is forgotten afterwards."""
    install(tmp_path, "rings", {"ring_devices.py": FILE}, {catalogue.GROUP: {"ring": "ring_devices:Ring"}})
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("ring_devices", None)


def test_ours_and_those_of_other_packages_have_names(rings):
    assert catalogue.names() == ["mtj-neuron", "ring"]
    assert catalogue.headline("ring") == "A ring of spins as neuron."
    assert "ring_devices" not in sys.modules
    assert catalogue.find("ring") is catalogue.find("ring_devices:Ring")
    assert catalogue.find("mtj-neuron") is TwoPolarizerMTJ


def test_what_is_no_device_is_named(rings):
    with pytest.raises(InputError, match="unknown device 'rong': did you mean 'ring'"):
        catalogue.find("rong")
    with pytest.raises(InputError, match="device 'ring_devices:Rong' cannot be loaded: ring_devices holds no Rong"):
        catalogue.find("ring_devices:Rong")
    with pytest.raises(InputError, match="importing nothing_here ends with ModuleNotFoundError"):
        catalogue.find("nothing_here:Ring")


def test_two_devices_of_one_name_are_refused(rings):
    install(rings, "hoops", {}, {catalogue.GROUP: {"ring": "hoop_devices:Hoop", "mtj-neuron": "hoop_devices:Hoop"}})
    assert catalogue.names() == ["mtj-neuron", "ring"]
    for ask in (catalogue.find, catalogue.headline):
        with pytest.raises(InputError, match=r"two packages register a device 'ring': hoops .* and rings"):
            ask("ring")
        with pytest.raises(InputError, match="hoops registers a device 'mtj-neuron', which Spinloom has itself"):
            ask("mtj-neuron")
