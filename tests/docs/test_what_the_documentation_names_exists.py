import re
import shlex
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from spinloom.devices import Response, TunnelJunction, TwoPolarizerMTJ, with_parameters
from spinloom.magnetism.engine.schemes import ADAPTIVE, STEPS
from spinloom.studies import registry

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {page.name: page.read_text() for page in PAGES}
COMMANDS = sorted({match for text in TEXT.values() for match in re.findall(r"spinloom run ([a-z]+-[^`\n|]*)", text)})
COMMANDS = [command for command in COMMANDS if not command.startswith("tanh-distance")]  # of add-a-study.md


def names(kind: type) -> set[str]:
    return {part.name for part in fields(kind)}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_study_and_setting_of_a_command(command):
    words = shlex.split(re.split(r" {2,}", command)[0])
    settings = names(registry.study(words[0]).Settings)
    for word in words[1:]:
        if word.startswith("--"):
            assert word[2:].replace("-", "_") in settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_of_a_junction(page):
    text = "" if page.name == "add-a-device.md" else TEXT[page.name]  # that page sets a device of its own
    for assignment in re.findall(r"--set ((?:[\w.]+=[\w.+-]+ ?)+)", text):
        with_parameters(TwoPolarizerMTJ(), assignment.split())
    for given in re.findall(r"TwoPolarizerMTJ\((.*?)\)", text):
        assert set(re.findall(r"(\w+)=", given)) <= names(TwoPolarizerMTJ)
    for name in re.findall(r"`Response\.(\w+)", text):
        assert hasattr(Response, name) or name in names(Response)


def test_every_parameter_from_a_data_sheet():
    table = TEXT["your-device.md"].partition("| you have |")[2].partition("\n\n")[0]
    rows = table.split("\n")[2:]
    assert len(rows) >= 6
    for row in rows:
        for name in re.findall(r"`([\w.]+)`", row.split("|")[-2]):
            owner, _, own = name.rpartition(".")
            assert own in names(TunnelJunction if owner else TwoPolarizerMTJ)


def test_every_stepper_has_its_line():
    listed = re.findall(r"^\| `(\w+)` \|", TEXT["physics.md"].partition("## Steppers")[2], re.MULTILINE)
    assert sorted(listed) == sorted([*STEPS, *ADAPTIVE])


@pytest.mark.parametrize("name", re.findall(r"^::: (\S+)", TEXT["reference.md"], re.MULTILINE))
def test_every_entry_of_the_reference(name):
    outer, _, inner = name.rpartition(".")
    try:
        import_module(name)
    except ModuleNotFoundError:
        assert hasattr(import_module(outer), inner)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file(page):
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", TEXT[page.name]):
        assert (page.parent / target).exists(), target
