import sys

import pytest

from plugin_packages import install
from spinloom.errors import InputError
from spinloom.plugins import GROUPS, find_names, find_place, load_object, read_headline

FILE = '"""Curves of others.\n\nMore."""\n\nclass Ring:\n    """A ring of spins."""\n'


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package `rings` that registers a device; its modules are forgotten afterwards."""
    install(tmp_path, "rings", {"ring_devices.py": FILE}, {GROUPS["device"]: {"ring": "ring_devices:Ring"}})
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("ring_devices", "broken_devices"):
        sys.modules.pop(name, None)


def test_a_registered_device_is_found_described_and_loaded(shelf):
    assert "ring" in find_names("device")
    place = find_place("device", "ring", {})
    assert read_headline(place) == "A ring of spins."
    assert read_headline("ring_devices") == "Curves of others."
    assert "ring_devices" not in sys.modules
    assert load_object(place, "a device").__name__ == "Ring"


def test_a_name_of_ours_and_a_name_of_two_packages_are_refused(shelf):
    install(shelf, "hoops", {}, {GROUPS["device"]: {"ring": "hoop_devices:Hoop", "own": "hoop_devices:Own"}})
    twice = r"'ring' is registered twice, by (hoops|rings) \(.*\) and (hoops|rings) \(.*\); uninstall one"
    with pytest.raises(InputError, match=twice):
        find_place("device", "ring", {})
    with pytest.raises(
        InputError, match=r"'own' is registered twice, by Spinloom \(here\) and hoops \(hoop_devices:Own\)"
    ):
        find_place("device", "own", {"own": "here"})
    with pytest.raises(InputError, match="unknown device 'rin': did you mean 'ring'"):
        find_place("device", "rin", {})


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("broken_devices:Ring", r"a ring: the module 'broken_devices' does not import \(ZeroDivisionError"),
        ("no_such_devices", r"does not import \(ModuleNotFoundError: No module named 'no_such_devices'\)"),
        ("ring_devices:Rong", "a ring: ring_devices has no 'Rong', only Ring"),
        ("", r"the module '' does not import \(ValueError"),
        ("..:x", r"does not import \(TypeError"),
    ],
)
def test_what_cannot_be_loaded_says_why(shelf, place, message):
    (shelf / "broken_devices.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match=message):
        load_object(place, "a ring")


def test_the_headline_of_what_is_not_there_is_an_error_and_of_what_has_none_its_place(shelf):
    for place in ("no_such_devices", "no_such_package.devices"):
        with pytest.raises(InputError, match="no_such"):
            read_headline(place)
    assert read_headline("ring_devices:Rong") == "ring_devices:Rong"
