import sys
from pathlib import Path

import pytest

from plugin_packages import install
from spinloom import studies
from spinloom.errors import InputError
from spinloom.plugins import GROUPS
from spinloom.studies import registry
from spinloom.studies.mtj_transfer import Settings


def test_every_study_has_a_headline_settings_and_run():
    assert "mtj-transfer" in registry.names()
    for name in registry.names():
        module = registry.study(name)
        assert registry.headline(name).endswith(".")
        assert callable(module.run)
        module.Settings()


@pytest.mark.parametrize("name", registry.names())
def test_no_study_writes_over_the_result_of_another(name, tmp_path):
    foreign = '{"name": "another", "claims": [], "versions": {}}'
    (tmp_path / "result.json").write_text(foreign)
    study = registry.study(name)
    refused = f"a result of another, which {name} would replace; choose another --out|spinloom data fetch drone-rf"
    with pytest.raises(InputError, match=refused):  # rf-drones reads its spectra first, where there are any
        study.run(study.Settings(out=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
    assert (tmp_path / "result.json").read_text() == foreign


def test_a_new_file_is_a_new_study(tmp_path, monkeypatch):
    (tmp_path / "spin_magic.py").write_text(
        '"""Magic with spins."""\nfrom dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Settings:\n'
        "    seed: int = 0\n\ndef run(settings):\n    return settings.seed\n"
    )
    before = registry.names()
    monkeypatch.setattr(studies, "__path__", [*studies.__path__, str(tmp_path)])
    assert registry.names() == sorted([*before, "spin-magic"])
    assert registry.headline("spin-magic") == "Magic with spins."
    assert registry.study("spin-magic").run(registry.study("spin-magic").Settings(7)) == 7
    sys.modules.pop("spinloom.studies.spin_magic")


@pytest.mark.parametrize("given", ["mtj-tranfer", "registry", "", "../x"])
def test_an_unknown_name_is_refused_with_the_known_ones(given):
    with pytest.raises(InputError, match=r"known are .*mtj-robustness, .*mtj-transfer"):
        registry.study(given)


def test_the_command_repeats_settings_that_are_not_the_defaults():
    assert registry.command("mtj-transfer", Settings()) == "spinloom run mtj-transfer"
    given = Settings(dataset="mnist", full=True, weights=Path("my weights.pt"), spread=0.1)
    assert registry.command("mtj-transfer", given) == (
        "spinloom run mtj-transfer --full --dataset mnist --weights 'my weights.pt' --spread 0.1"
    )


STUDY = '''"""Magic from elsewhere."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    seed: int = 0


def run(settings):
    return settings.seed
'''


@pytest.mark.parametrize(
    ("name", "file", "message"),
    [
        ("elsewhere", STUDY, None),
        ("mtj-transfer", STUDY, "the study name 'mtj-transfer' is registered twice, by Spinloom .* and magic"),
        (
            "elsewhere",
            "import nothing_of_the_kind",
            "study 'elsewhere': the module 'magic_study' does not import .*nothing_of_the_kind",
        ),
        ("elsewhere", '"""Not a study."""', "study 'elsewhere' has no Settings"),
    ],
)
def test_a_study_of_another_package(name, file, message, tmp_path, monkeypatch):
    install(tmp_path, "magic", {"magic_study.py": file}, {GROUPS["study"]: {name: "magic_study"}})
    monkeypatch.syspath_prepend(tmp_path)
    assert name in registry.names()
    if message is None:
        assert registry.headline(name) == "Magic from elsewhere."
        assert "magic_study" not in sys.modules
        module = registry.study(name)
        assert module.run(module.Settings(7)) == 7
    else:
        with pytest.raises(InputError, match=message):
            registry.study(name)
    sys.modules.pop("magic_study", None)


def test_two_studies_of_one_name_are_refused(tmp_path, monkeypatch):
    for package in ("magic", "wonder"):
        install(tmp_path, package, {f"{package}_study.py": STUDY}, {GROUPS["study"]: {"spell": f"{package}_study"}})
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.names().count("spell") == 1
    for ask in (registry.study, registry.headline):
        with pytest.raises(InputError, match=r"'spell' is registered twice, by magic .* and wonder"):
            ask("spell")
