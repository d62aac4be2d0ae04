"""`spinloom evaluate`: a user's network in a file, a measured curve, a report; each mistake is one line."""

from pathlib import Path

import pytest
import torch
from torch import nn

from spinloom.cli import main
from spinloom.learning import save_weights

CURVE = str(Path(__file__).parents[2] / "docs" / "examples" / "measured_junction.csv")
FILE = """
from torch import nn
from beside import HIDDEN

def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 10))

made = net()
number = 3

def broken():
    raise RuntimeError("no licence")
"""
QUICK = ("--data", "mnist-5k", "--images", "50", "--instances", "2")


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text(FILE)
    (tmp_path / "beside.py").write_text("HIDDEN = 8\n")
    (tmp_path / "bad.py").write_text("1 / 0\n")
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.Tanh(), nn.Linear(8, 10))
    save_weights(tmp_path / "w.safetensors", net)
    save_weights(tmp_path / "other.safetensors", nn.Linear(2, 2))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["net", "made"])
def test_a_network_and_a_curve_give_accuracies_and_a_page(here, name, capsys):
    line = ["evaluate", f"model.py:{name}", "--weights", "w.safetensors", "--device", CURVE, *QUICK]
    assert main([*line, "--out", "report.html"]) == 0
    shown = capsys.readouterr().out
    for part in ("measured_junction.csv", "accuracy: software", "2 fabricated", "loss:", "written: report.html"):
        assert part in shown
    assert (here / "report.html").read_text().startswith("<!DOCTYPE html>")
    main(line)
    assert capsys.readouterr().out in shown  # the same figures again


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["model.py"], "the network must be given as FILE.py:NAME"),
        (["no_model.py:net"], "there is no file no_model.py"),
        (["bad.py:net"], "running bad.py ends with ZeroDivisionError"),
        (["model.py:nett"], "has no 'nett', only nn, HIDDEN, net"),
        (["model.py:number"], "must be a torch.nn.Module or a function that returns one, got int"),
        (["model.py:broken"], "calling broken() ends with RuntimeError: no licence"),
        (["no_package.model:net"], "'no_package.model' does not import"),
        (["model.py:net", "--weights", "other.safetensors"], "other.safetensors lacks"),
        (["model.py:net", "--weights", "none.safetensors"], "none.safetensors"),
        (["model.py:net", "--data", "mnits"], "unknown data set 'mnits': did you mean 'mnist'"),
        (["model.py:net", "--data", "drone-rf"], "drone-rf holds spectra, not images"),
        (["model.py:net", "--device", "none.csv"], "none.csv"),
        (["model.py:net", "--device", CURVE, "--spread", "0.1"], "--spread is of a simulated device"),
        (["model.py:net", "--instances", "0"], "instances"),
        (["model.py:net", "--out", "report.pdf"], "report.pdf"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(here, arguments, named, capsys):
    quick = [] if "--data" in arguments else ["--data", "mnist-5k"]
    assert main(["evaluate", *arguments, *quick]) == 2
    shown = capsys.readouterr()
    last = shown.err.splitlines()[-1]
    assert last.startswith("spinloom: error: ")
    assert named in last
    assert shown.out == ""
    assert not (here / "report.pdf").exists()
