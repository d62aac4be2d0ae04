"""Weights in files, and trainings that are kept."""

import copy
import pickle
from functools import partial

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from toy_images import quarters

from spinloom.devices import Response
from spinloom.errors import InputError, OutputError
from spinloom.identity import digest
from spinloom.learning import Training, fit, load_weights, mlp, resnet20, save_weights, train_once
from spinloom.nn import to_hardware


def small(seed=0):
    return mlp((1, 4, 4), 3, (5,), seed)


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_weights_come_back_from_every_kind_of_file(tmp_path):
    model = small(1)
    save_weights(tmp_path / "w.safetensors", model)
    torch.save(model.state_dict(), tmp_path / "w.pt")
    torch.save({"epoch": 3, "state_dict": model.state_dict()}, tmp_path / "nested.pt")
    for name in ("w.safetensors", "w.pt", "nested.pt"):
        other = small(2)
        load_weights(other, tmp_path / name)
        assert equal(model, other), name


def refused(path, message):
    model = small()
    before = small()
    with pytest.raises(InputError, match=message) as caught:
        load_weights(model, path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert equal(model, before)


def test_a_missing_file_is_named(tmp_path):
    refused(tmp_path / "none.pt", "no weights file")


def test_missing_and_foreign_tensors_are_named(tmp_path):
    state = small().state_dict()
    save_file({k: v for k, v in state.items() if k != "1.bias"}, tmp_path / "less")
    save_file({**state, "9.gain": torch.ones(1)}, tmp_path / "more")
    refused(tmp_path / "less", "lacks '1.bias'")
    refused(tmp_path / "more", "'9.gain'")


def test_a_wrong_shape_is_named_with_both_shapes(tmp_path):
    save_file({**small().state_dict(), "3.bias": torch.ones(7)}, tmp_path / "w")
    refused(tmp_path / "w", r"3\.bias is \(7,\), the network needs \(3,\)")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    save_file({**small().state_dict(), "3.bias": torch.full((3,), float("nan"))}, tmp_path / "w")
    refused(tmp_path / "w", r"3\.bias holds NaN")


class Evil:
    def __reduce__(self):
        return (print, ("code ran",))


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys):
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil()))
    torch.save({"0.weight": Evil()}, tmp_path / "evil2.pt")
    refused(tmp_path / "evil.pt", "not a whole safetensors or state-dict file")
    refused(tmp_path / "evil2.pt", "not a whole safetensors or state-dict file")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
def test_a_truncated_file_is_refused(tmp_path, name):
    model = small()
    save_weights(tmp_path / "w.safetensors", model)
    torch.save(model.state_dict(), tmp_path / "w.pt")
    content = (tmp_path / name).read_bytes()
    for size in (0, 5, len(content) // 2, len(content) - 1):
        (tmp_path / name).write_bytes(content[:size])
        refused(tmp_path / name, "not a whole")


def test_other_content_is_refused(tmp_path):
    torch.save([1, 2, 3], tmp_path / "list.pt")
    (tmp_path / "text.pt").write_text("weights, honestly")
    refused(tmp_path / "list.pt", "no state dict")
    refused(tmp_path / "text.pt", "not a whole")


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"w\.safetensors"):
        save_weights(tmp_path / "file" / "w.safetensors", small())


@pytest.mark.parametrize("content", [b".", b"M\x00", b"c1( hq}\xffm}t\x00", b"# ResNet-20\n", b""])
def test_a_text_is_no_weights_file_whatever_it_says(tmp_path, content):
    (tmp_path / "w.txt").write_bytes(content)
    refused(tmp_path / "w.txt", "not a whole safetensors or state-dict file")


def test_the_error_for_a_deep_network_stays_readable(tmp_path):
    save_weights(tmp_path / "w", small())
    with pytest.raises(InputError, match=r"in all\)") as caught:
        load_weights(resnet20(width=2), tmp_path / "w")
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


def test_tied_weights_are_saved_and_half_precision_has_a_digest(tmp_path):
    def tied() -> nn.Sequential:
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        model[1].weight = model[0].weight
        return model

    model, other = tied(), tied()
    save_weights(tmp_path / "w.safetensors", model)
    load_weights(other, tmp_path / "w.safetensors")
    assert equal(model, other)
    first, second, half = (digest(dict(one.state_dict())) for one in (model, other, copy.deepcopy(model).bfloat16()))
    assert first == second != half


def test_a_network_on_devices_comes_back_whatever_its_layers_have_met(tmp_path):
    x, file = torch.linspace(-3, 3, 41), tmp_path / "w.safetensors"
    curve = torch.tanh(x)[None]
    response = Response(x, curve.repeat(5, 1), 1 - curve.repeat(5, 1) ** 2, torch.full((5, 41), 0.1), 1.0, "A")
    images = torch.randn(2, 1, 4, 4)
    model = to_hardware(small(1), response, example_input=images)
    save_weights(file, model)
    wanted = model(images)
    for other in (to_hardware(small(2), response, seed=3), to_hardware(small(2), response.nominal(), seed=3)):
        load_weights(other, file)
        assert torch.equal(other(images), wanted)
    shared = to_hardware(small(2), response, sharing="shared", example_input=images)
    before = {name: tensor.clone() for name, tensor in shared.state_dict().items()}
    with pytest.raises(InputError, match="not sharing='shared'"):
        load_weights(shared, file)
    assert all(torch.equal(before[name], tensor) for name, tensor in shared.state_dict().items())


@pytest.fixture
def once(tmp_path):
    """Trains a fresh network once for all; returns it and whether it was trained now."""
    path, images = tmp_path / "network.safetensors", quarters(100)

    def make():
        network = mlp(images.shape, len(images.classes), (4,))
        now = train_once(path, network, "training", partial(fit, network, images, Training(epochs=1, batch=10)))
        return network[1].weight, now

    make.path = path
    return make


def test_a_training_is_done_once_and_leaves_no_checkpoint(once):
    first, now = once()
    again, then = once()
    assert (now, then) == (True, False)
    assert torch.equal(first, again)
    assert not once.path.with_suffix(".checkpoint").exists()


@pytest.mark.parametrize("damage", [lambda c: c[:-5], lambda c: c[:-1] + bytes([c[-1] ^ 1]), lambda c: b""])
def test_weights_that_are_not_as_they_were_written_are_trained_again(once, damage):
    first, _ = once()
    once.path.write_bytes(damage(once.path.read_bytes()))
    again, now = once()
    assert now
    assert torch.equal(first, again)
    assert not once()[1]


def test_a_damaged_seal_costs_time_and_not_the_run(once):
    first, _ = once()
    once.path.with_suffix(".sha256").write_bytes(b"\xff\0")
    again, now = once()
    assert now
    assert torch.equal(first, again)
