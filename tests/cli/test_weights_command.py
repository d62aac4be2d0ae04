"""`spinloom weights`, and shipped weights in a study."""

import json
from pathlib import Path

import pytest
import torch

from spinloom.cli import main
from spinloom.data import load_images
from spinloom.devices import Response, save_response
from spinloom.errors import InputError
from spinloom.learning import mlp, read_software, shipped
from spinloom.studies import mtj_transfer


def test_the_list_shows_every_checkpoint_and_how_to_use_one(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["weights"]) == 0
    shown = capsys.readouterr().out
    for name in shipped.names():
        described = shipped.describe(name)
        line = next(line for line in shown.splitlines() if line.split()[:1] == [name])
        for part in (described.network, described.dataset, f"{described.parameters:,}", f"{described.accuracy:.2%}"):
            assert part in line
    assert "spinloom run mtj-transfer --weights NAME" in shown


@pytest.fixture
def digits(tmp_path, monkeypatch):
    """A shipped checkpoint of the packaged digits, and one of clothes; neither is trained."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")
    arguments = {"image": (1, 28, 28), "classes": 10, "hidden": (8,)}
    made = {"network": "mlp", "arguments": arguments, "accuracy": 0.5, "seed": 0, "command": "python train.py"}
    model = mlp(**arguments, seed=5)
    for name, dataset in (("digits", "mnist-5k"), ("clothes", "fashion-mnist")):
        shipped.write(tmp_path / "shipped" / f"{name}.safetensors", model, dataset=dataset, **made)
    return model


def test_a_study_takes_a_name_and_builds_the_network_of_the_checkpoint(digits, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    less = {"noise_seeds": 1, "sweep_instances": 1, "sweep_images": 100, "levels": (0.0, 0.1)}
    for name, value in less.items():
        monkeypatch.setitem(mtj_transfer.SIZES.values, name, (value, value))
    x = torch.linspace(-4, 4, 81)
    value = x.tanh()[None]
    response = Response(x, value, 1 - value**2, torch.zeros_like(value), 1.0, "A")
    save_response(tmp_path / "curve.safetensors", response)
    out = tmp_path / "out"
    line = ["run", "mtj-transfer", "--dataset", "mnist-5k", "--weights", "digits", "--device", "curve.safetensors"]
    assert main([*line, "--instances", "1", "--out", str(out)]) == 0, capsys.readouterr().err
    assert "--weights digits" in json.loads((out / "result.json").read_text())["command"]
    assert "shipped weights digits" in " ".join(capsys.readouterr().err.split())


def test_the_data_set_must_be_that_of_the_checkpoint(digits, tmp_path):
    train = load_images("mnist-5k", "train", limit=10)
    for weights in (Path("clothes"), shipped.path("clothes")):
        with pytest.raises(InputError, match="trained on fashion-mnist, the data set is mnist-5k; add `--dataset fash"):
            read_software(weights, train)
    assert read_software(Path("digits"), train).origin == "shipped weights digits"
    assert read_software(shipped.path("digits"), train).origin == f"weights from {shipped.path('digits')}"


def test_a_misspelt_name_is_one_line_with_status_2(digits, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert main(["run", "mtj-transfer", "--dataset", "mnist-5k", "--weights", "digit", "--out", out]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("spinloom: error: no weights file at digit")
    assert "did you mean 'digits'" in last
