"""ResNet and DenseNet with tanh neurons: form, initialisation, and the move onto devices."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from spinloom.devices import Response
from spinloom.errors import InputError
from spinloom.learning import count_parameters, densenet, resnet20
from spinloom.nn import device_layers, to_hardware

SMALL = {
    "pre": lambda: resnet20((2, 9, 8), 5, width=4, blocks=1),
    "post": lambda: resnet20((2, 9, 8), 5, width=4, blocks=2, order="post"),
    "dense": lambda: densenet((2, 9, 8), 5, growth=3, layers=(2, 1, 2)),
}


def images(shape=(3, 32, 32), count=32, seed=0):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(seed))


def tanh_response() -> Response:
    x = torch.linspace(-6, 6, 6001, dtype=torch.float64)
    value = torch.tanh(x)[None]
    return Response(x, value, 1 - value**2, torch.zeros_like(value), unit_drive=1.0)


def with_statistics(model: nn.Module, shape, seed=1) -> nn.Module:
    """Batch norms that have learnt something, with gains and shifts of their own."""
    source = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5, generator=source)
            nn.init.normal_(module.bias, std=0.3, generator=source)
    with torch.no_grad():
        model(images(shape, seed=seed))
    return model


def plain_resnet(state, x, blocks, pre):
    """The forward pass written out from the papers, from a state dict alone, batch norm by its running statistics."""

    def conv(name, h, stride=1):
        return functional.conv2d(h, state[f"{name}.weight"], stride=stride, padding=1)

    def norm(name, h):
        mean, variance, gain, shift = (
            state[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (h - mean) / (variance + 1e-5) ** 0.5 * gain + shift

    h = conv("conv1", x)
    h = h if pre else norm("bn1", h).tanh()
    for stage in (1, 2, 3):
        for block in range(blocks):
            name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            kept = h
            if stride == 2:
                small, channels = h[:, :, ::2, ::2], h.shape[1]
                kept = small.new_zeros(len(h), 2 * channels, *small.shape[2:])
                kept[:, channels // 2 : channels // 2 + channels] = small
            if pre:
                inner = conv(f"{name}.conv1", norm(f"{name}.bn1", h).tanh(), stride)
                h = kept + conv(f"{name}.conv2", norm(f"{name}.bn2", inner).tanh())
            else:
                inner = norm(f"{name}.bn1", conv(f"{name}.conv1", h, stride)).tanh()
                h = (kept + norm(f"{name}.bn2", conv(f"{name}.conv2", inner))).tanh()
    h = norm("bn", h).tanh() if pre else h
    return h.mean((2, 3)) @ state["linear.weight"].T + state["linear.bias"]


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("order", ["pre", "post"])
def test_the_network_computes_what_the_papers_write(order, blocks):
    model = with_statistics(resnet20((2, 9, 8), 5, 6, blocks, order), (2, 9, 8)).double().eval()
    x = images((2, 9, 8), seed=3).double()
    torch.testing.assert_close(model(x), plain_resnet(model.state_dict(), x, blocks, order == "pre"))


def test_a_dense_layer_keeps_its_input_and_sees_all_before_it():
    model = densenet((3, 8, 8), growth=4, layers=(3, 2)).eval()
    x = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    out = model.block1(x)
    assert out.shape == (2, 8 + 3 * 4, 8, 8)
    assert torch.equal(out[:, :8], x)
    assert [layer.conv.in_channels for layer in model.block1] == [8, 12, 16]
    assert model.transition1(out).shape == (2, 10, 4, 4)
    assert model.linear.in_features == 10 + 2 * 4


def test_public_counts_and_the_public_layout_of_names():
    model = resnet20(order="post")
    assert count_parameters(model) == count_parameters(resnet20()) == 269_722
    names = {"conv1.weight", "linear.weight", "linear.bias"}
    parts = ("weight", "bias", "running_mean", "running_var")
    names |= {f"bn1.{part}" for part in parts}
    for stage in (1, 2, 3):
        for block in range(3):
            for n in (1, 2):
                names |= {f"layer{stage}.{block}.conv{n}.weight"}
                names |= {f"layer{stage}.{block}.bn{n}.{part}" for part in parts}
    state = {name: value for name, value in model.state_dict().items() if "num_batches" not in name}
    assert set(state) == names
    resnet20(order="post", seed=1).load_state_dict(state)  # strict, without the counters, as the public file is
    assert 100_000 < count_parameters(densenet()) < 200_000


@pytest.mark.parametrize("blocks", [3, 9])
@pytest.mark.parametrize("order", ["pre", "post"])
def test_gradients_of_first_and_last_layers_are_alike_whatever_the_depth(order, blocks):
    model = resnet20(order=order, blocks=blocks, width=8, seed=2)
    functional.cross_entropy(model(images()), torch.arange(32) % 10).backward()
    norms = [float(p.grad.norm()) for p in model.parameters() if p.ndim > 1]
    assert len(norms) == 6 * blocks + 2
    assert max(norms) / min(norms) < 10


def test_drives_start_in_the_active_range_at_every_depth():
    model, drives = resnet20(blocks=9, width=8), []
    for module in model.modules():
        if isinstance(module, nn.Tanh):
            module.register_forward_pre_hook(lambda _, args: drives.append(args[0].detach()))
    model(images())
    assert len(drives) == 2 * 27 + 1
    assert all(0.95 < drive.std() < 1.05 for drive in drives)


@pytest.mark.parametrize("name", SMALL)
def test_every_activation_becomes_devices_and_no_name_changes(name):
    shape = (2, 9, 8)
    model, x = with_statistics(SMALL[name](), shape), images(shape, 6, seed=2)
    assert not any(isinstance(module, nn.ReLU) for module in model.modules())
    tanh = [name for name, module in model.named_modules() if isinstance(module, nn.Tanh)]
    for mode in (True, False):
        soft = copy.deepcopy(model).train(mode)
        hard = to_hardware(soft, {nn.Tanh: tanh_response()}, example_input=x)
        assert [name for name, _ in hard.named_modules()] == [name for name, _ in soft.named_modules()]
        assert list(device_layers(hard)) == tanh
        assert hard.training is mode
        torch.testing.assert_close(hard(x), soft(x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("make", [resnet20, densenet])
def test_other_images_and_classes_and_the_seed(make):
    model = make((1, 28, 21), 7)
    assert model(torch.zeros(2, 1, 28, 21)).shape == (2, 7)
    again, other = make((1, 28, 21), 7), make((1, 28, 21), 7, seed=1)
    assert torch.equal(again.conv1.weight, model.conv1.weight)
    assert not torch.equal(other.conv1.weight, model.conv1.weight)
    assert make((3, 4, 4))(torch.zeros(2, 3, 4, 4)).shape == (2, 10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resnet20(order="mid"), "'pre', 'post', got 'mid'"),
        (lambda: resnet20(width=0), "width 0"),
        (lambda: resnet20(blocks=0), "blocks 0"),
        (lambda: resnet20((3, 3, 32)), "3x32 is too small"),
        (lambda: densenet((3, 4, 4), layers=(1, 1, 1, 1)), "give >= 8x8"),
        (lambda: densenet(classes=0), "classes 0"),
        (lambda: densenet(layers=(3, 0)), "layers 0"),
        (lambda: densenet(layers=()), "at least one"),
        (lambda: densenet(compression=0.0), "compression"),
        (lambda: densenet(growth=1, layers=(1, 1), compression=0.1), "none of 3 channels"),
    ],
)
def test_wrong_sizes_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call()
