import sys

import pytest

from plugin_packages import install
from spinloom.errors import InputError
from spinloom.plugins import choose_plugin, find_plugins, load_object, load_plugin, read_headline

GROUP = "spinloom.devices"
FILE = '"""Curves of others.\n\nMore."""\n\nclass Ring:\n    """A ring of spins."""\n'


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package `rings` that registers a device; its modules are forgotten afterwards."""
    install(tmp_path, "rings", {"ring_devices.py": FILE}, {GROUP: {"ring": "ring_devices:Ring"}})
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("ring_devices", "broken_devices"):
        sys.modules.pop(name, None)


def test_a_registered_device_is_found_described_and_loaded(shelf):
    (entry,) = find_plugins(GROUP)["ring"]
    assert "ring_devices" not in sys.modules
    assert read_headline(entry.value) == "A ring of spins."
    assert read_headline("ring_devices") == "Curves of others."
    assert "ring_devices" not in sys.modules
    assert load_plugin("device", choose_plugin("device", "ring", (entry,), ())).__name__ == "Ring"


def test_a_name_of_ours_and_a_name_of_two_packages_are_refused(shelf):
    install(shelf, "hoops", {}, {GROUP: {"ring": "hoop_devices:Hoop"}})
    entries = find_plugins(GROUP)["ring"]
    two = r"two packages register a device 'ring': hoops \(hoop_devices:Hoop\) and rings \(ring_devices:Ring\)"
    with pytest.raises(InputError, match=two):
        choose_plugin("device", "ring", entries, ())
    with pytest.raises(InputError, match="hoops registers a device 'ring', which Spinloom has itself"):
        choose_plugin("device", "ring", entries, ("ring",))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("broken_devices:Ring", "device 'x' cannot be loaded: importing broken_devices ends with ZeroDivisionError"),
        (
            "no_such_devices",
            "importing no_such_devices ends with ModuleNotFoundError: No module named 'no_such_devices'",
        ),
        ("ring_devices:Rong", "ring_devices holds no Rong, only Ring"),
        ("", "importing  ends with ValueError"),
        ("..:x", "importing .. ends with TypeError"),
    ],
)
def test_what_cannot_be_loaded_says_why(shelf, place, message):
    (shelf / "broken_devices.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match=message):
        load_object(place, "device 'x'")


def test_the_headline_of_what_is_not_there_is_an_error_and_of_what_has_none_is_empty(shelf):
    for place in ("no_such_devices", "no_such_package.devices"):
        with pytest.raises(InputError, match="no_such"):
            read_headline(place)
    assert read_headline("ring_devices:Rong") == ""
