"""The page that adds a study does what it says, in a package outside ours."""

import json
import sys

import pytest
from pages import blocks, entry_points

from plugin_packages import install
from spinloom.cli import main

PAGE = "docs/add-a-study.md"
(FILE,) = blocks(PAGE, "python")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    install(tmp_path / "site", "my-studies", {"tanh_distance.py": FILE}, entry_points(PAGE))
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("tanh_distance", None)


def test_the_study_is_one_file_of_less_than_80_lines():
    assert FILE.count("\n") < 80


def test_it_is_listed_has_help_and_writes_a_result_and_a_page(installed, tmp_path, capsys):
    assert main(["list"]) == 0
    assert "How far a device is from tanh" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["run", "tanh-distance", "--help"])
    assert "--most" in capsys.readouterr().out
    assert main(["run", "tanh-distance", "--out", "out"]) == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["name"] == "tanh-distance"
    assert result["claims"][0]["holds"] is True
    (cold, _), (warm, noise) = result["data"]["found"]
    assert cold < warm < 0.05
    assert noise > 0
    assert (tmp_path / "out" / "report.html").read_text().count("<img") == 1
    assert main(["run", "tanh-distance", "--out", "out"]) == 0
    assert json.loads((tmp_path / "out" / "result.json").read_text())["data"] == result["data"]


def test_its_mistakes_are_one_line(installed, capsys):
    assert main(["run", "tanh-distance", "--most", "-1"]) == 2
    assert "most must be finite and > 0" in capsys.readouterr().err
