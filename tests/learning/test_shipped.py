"""Checkpoints that come with the package, whichever there are, and files written in the same form."""

import json
import struct
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import nn

from spinloom.data import find, load_images
from spinloom.data.places import locate
from spinloom.errors import InputError
from spinloom.evaluation import Examples, accuracy
from spinloom.learning import fashion_cnn, load_weights, mlp, read_tensors, save_weights, shipped

LARGEST = 2_000_000
"""Bytes of one file."""
SHOWN = 2_000
"""Test images that the stated accuracy is checked on."""

SMALL = {"image": (1, 4, 4), "classes": 3, "hidden": (5,)}
ORIGIN = {"dataset": "mnist", "accuracy": 0.5, "seed": 7, "command": "python train.py"}

every = pytest.mark.parametrize("name", shipped.names())


def small(path, **changes):
    """A file of a small network; the network."""
    model = mlp(**SMALL, seed=1)
    shipped.write(path, model, **{"network": "mlp", "arguments": SMALL, **ORIGIN, **changes})
    return model


def rewrite(path, change):
    """Change the description in a file and leave everything else."""
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    outer = json.loads(content[8 : 8 + size])
    inner = json.loads(outer["__metadata__"]["spinloom"])
    change(inner)
    outer["__metadata__"]["spinloom"] = json.dumps(inner)
    text = json.dumps(outer).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + size :])


def test_checkpoints_are_shipped():
    assert shipped.names()


@every
def test_a_shipped_checkpoint_is_small_and_fully_described(name):
    described = shipped.describe(name)
    assert described.name == name
    assert described.bytes == shipped.path(name).stat().st_size < LARGEST
    assert described.network in shipped.BUILDERS
    assert described.dataset == find(described.dataset).name
    assert described.command.startswith(("python ", "spinloom "))
    assert described.spinloom
    assert len(described.digest) == 64
    chance = 1 / len(find(described.dataset).classes)
    assert 2 * chance < described.accuracy <= 1


@every
def test_a_shipped_checkpoint_loads_with_its_own_tensors(name):
    model = shipped.load(name)  # checks the digest
    assert not any(module.training for module in model.modules())
    assert any(isinstance(module, nn.Tanh) for module in model.modules())
    assert sum(p.numel() for p in model.parameters()) == shipped.describe(name).parameters
    stored = read_tensors(shipped.path(name))
    assert all(torch.equal(tensor, stored[key]) for key, tensor in model.state_dict().items())


@every
def test_a_shipped_checkpoint_reaches_its_stated_accuracy(name):
    described = shipped.describe(name)
    spec = find(described.dataset)
    if locate(spec) is None:
        pytest.skip(f"NOT TESTED: accuracy of {name}: needs `spinloom data fetch {described.dataset}`")
    examples = Examples.of(load_images(described.dataset, "test")).first(SHOWN)
    # Standard error of a mean over SHOWN of the test images, three times.
    error = 3 * (described.accuracy * (1 - described.accuracy) / len(examples)) ** 0.5
    assert accuracy(shipped.load(name), examples) == pytest.approx(described.accuracy, abs=error)


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "mine.safetensors"
    model = small(path)
    described = shipped.read_description(path)
    assert described is not None
    told = asdict(described)
    assert {key: told[key] for key in ORIGIN} == ORIGIN
    assert (described.name, described.network, described.arguments) == ("mine", "mlp", SMALL)
    assert described.parameters == 16 * 5 + 5 + 5 * 3 + 3
    x = torch.randn(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(shipped.load_described(path)(x), model(x))
    other = mlp(**SMALL, seed=2)
    load_weights(other, path)  # plain weights to whoever wants no description
    assert torch.equal(other(x), model(x))


@pytest.mark.parametrize("network", ["resnet20", "densenet"])
def test_deep_networks_come_back_with_their_running_statistics(network, tmp_path):
    arguments = {"image": (1, 8, 8), "classes": 2, "seed": 3}
    arguments |= {"width": 2, "blocks": 1, "order": "post"} if network == "resnet20" else {"growth": 2, "layers": (1,)}
    model = shipped.BUILDERS[network](**arguments)
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model.train()(x)
    shipped.write(tmp_path / "deep.safetensors", model, network=network, arguments=arguments, **ORIGIN)
    assert torch.equal(shipped.load_described(tmp_path / "deep.safetensors")(x), model.eval()(x))


def test_a_description_that_does_not_fit_the_model_is_not_written(tmp_path):
    path = tmp_path / "w.safetensors"
    for changes, message in (
        ({"arguments": {**SMALL, "hidden": (6,)}}, "other tensors"),
        ({"arguments": {"depth": 3}}, "cannot be built"),
        ({"network": "mpl"}, "'mlp'"),
        ({"accuracy": 97.0}, "share from 0 to 1"),
    ):
        with pytest.raises(InputError, match=message):
            small(path, **changes)
    assert not path.exists()


def test_a_flipped_bit_that_means_the_same_number_is_noticed(tmp_path):
    path = tmp_path / "w.safetensors"
    small(path, accuracy=5e-05)
    assert path.read_bytes().count(b"5e-05") == 1
    path.write_bytes(path.read_bytes().replace(b"5e-05", b"5E-05"))
    with pytest.raises(InputError, match=r"w\.safetensors is damaged"):
        shipped.load_described(path)


def test_every_flipped_bit_and_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "w.safetensors"
    small(path)
    content = path.read_bytes()
    places = torch.randint(len(content), (60,), generator=torch.Generator().manual_seed(0)).tolist()
    for place in [*places, len(content) - 1]:
        flipped = bytearray(content)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(InputError, match=r"w\.safetensors"):
            shipped.load_described(path)
    for size in (0, 7, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(InputError, match=r"w\.safetensors is damaged"):
            shipped.load_described(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header: header.update(accuracy=0.99), "checksum differs"),
        (lambda header: header["arguments"].update(seed=2), "checksum differs"),
        (lambda header: header.pop("command"), "lacks command"),
        (lambda header: header.update(arguments=[1]), "lacks arguments"),
        (lambda header: header.update(version=2), "version 2, this Spinloom reads 1"),
        (lambda header: header.update(format="other"), "no description"),
    ],
)
def test_a_changed_description_is_noticed(change, message, tmp_path):
    path = tmp_path / "w.safetensors"
    small(path)
    rewrite(path, lambda header: None)
    shipped.load_described(path)
    rewrite(path, change)
    with pytest.raises(InputError, match=message):
        shipped.load_described(path)


def test_a_damaged_shipped_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    (tmp_path / "broken.safetensors").write_bytes(b"not tensors")
    for read in (shipped.describe, shipped.load):
        with pytest.raises(InputError, match=r"broken\.safetensors is damaged.*install Spinloom again"):
            read("broken")


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder of checkpoints with `fashion` and `digits` in it."""
    monkeypatch.setattr(shipped, "FOLDER", tmp_path / "shipped")
    for name in ("fashion", "digits"):
        small(tmp_path / "shipped" / f"{name}.safetensors")
    return tmp_path / "shipped"


def test_an_unknown_name_is_refused_with_the_nearest(own):
    assert shipped.names() == ["digits", "fashion"]
    for read in (shipped.describe, shipped.load, shipped.path, shipped.resolve_weights):
        with pytest.raises(InputError, match="did you mean 'fashion'"):
            read("fashon")
    with pytest.raises(InputError, match="unknown shipped checkpoint"):
        shipped.path("../shipped/digits")


def test_weights_are_a_file_first_and_a_name_then(own, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shipped.resolve_weights("fashion") == own / "fashion.safetensors"
    assert shipped.resolve_weights(Path("digits")) == own / "digits.safetensors"
    Path("fashion").write_bytes(b"mine")
    assert shipped.resolve_weights("fashion") == Path("fashion")
    with pytest.raises(InputError, match=r"no weights file at nowhere\.pt"):
        shipped.resolve_weights("nowhere.pt")


def test_other_weights_have_no_description(tmp_path):
    model = fashion_cnn((1, 8, 8), 2, (2,), 3)
    save_weights(tmp_path / "plain.safetensors", model)
    torch.save(model.state_dict(), tmp_path / "plain.pt")
    assert shipped.read_description(tmp_path / "plain.safetensors") is None
    assert shipped.read_description(tmp_path / "plain.pt") is None
