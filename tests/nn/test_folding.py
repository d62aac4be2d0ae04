"""Folding of batch norm: the same function, in fewer parts."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from populations import population
from torch import nn
from torch.nn import functional

from spinloom.errors import InputError
from spinloom.learning import densenet, resnet20
from spinloom.nn import ChannelAffine, device_layers, fold_batch_norm, to_hardware

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
DEEP = {
    "pre": lambda: resnet20((3, 12, 12), width=4, blocks=2),
    "post": lambda: resnet20((3, 12, 12), width=4, blocks=2, order="post"),
    "dense": lambda: densenet((3, 12, 12), growth=3, layers=(2, 2, 2)),
}


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def trained(model: nn.Module, seed: int = 1) -> nn.Module:
    """Batch norms with statistics, gains and shifts of their own."""
    source = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, NORMS) and module.running_mean is not None:
            module.running_mean.normal_(generator=source).mul_(0.3)
            module.running_var.uniform_(0.2, 2.0, generator=source)
            if module.affine:
                nn.init.uniform_(module.weight, -1.5, 1.5, generator=source)
                nn.init.normal_(module.bias, std=0.3, generator=source)
    return model


def require_same(model: nn.Module, x: torch.Tensor) -> nn.Module:
    folded = fold_batch_norm(model, x)
    wanted = copy.deepcopy(model).eval()(x)
    torch.testing.assert_close(folded(x), wanted, atol=1e-5 * float(wanted.detach().abs().max()), rtol=1e-5)
    exact = copy.deepcopy(model).double().eval()
    wanted = copy.deepcopy(exact)(x.double())
    got = fold_batch_norm(exact, x.double())(x.double())
    torch.testing.assert_close(got, wanted, atol=1e-10 * float(wanted.detach().abs().max()), rtol=1e-10)
    assert not folded.training
    assert not any(isinstance(module, NORMS) for module in folded.modules())
    return folded


def kinds(model: nn.Module) -> dict[str, type[nn.Module]]:
    return {name: type(module) for name, module in model.named_modules()}


@pytest.mark.parametrize("name", DEEP)
def test_deep_networks_compute_the_same_and_keep_their_names(name):
    model = trained(DEEP[name]())
    before, mode = copy.deepcopy(model.state_dict()), model.training
    folded = require_same(model, images(3, 3, 12, 12))
    old, new = kinds(model), kinds(folded)
    assert list(old) == list(new)
    assert {old[n] for n in old if old[n] is not new[n]} == {nn.BatchNorm2d}
    assert all(torch.equal(before[n], t) for n, t in model.state_dict().items())
    assert model.training is mode


def test_what_folds_is_what_follows_a_convolution_directly():
    pre, post, dense = (
        {n for n, kind in kinds(fold_batch_norm(make(), images(2, 3, 12, 12))).items() if kind is ChannelAffine}
        for make in DEEP.values()
    )
    blocks = {f"layer{stage}.{block}.bn1" for stage in (1, 2, 3) for block in (0, 1)}
    assert pre == blocks | {"bn"}  # bn2 stands behind conv1
    assert post == set()
    assert len(dense) == 3 * 2 + 2 + 1  # all of them stand behind a concatenation, a pool or a shared output


@pytest.mark.parametrize("name", DEEP)
def test_networks_on_devices_are_folded_too(name):
    x = images(3, 3, 12, 12)
    hard = to_hardware(trained(DEEP[name]()), population(), example_input=x, seed=4)
    wanted = copy.deepcopy(hard).eval()(x)
    for network in (hard, to_hardware(trained(DEEP[name]()), population(), seed=4)):  # met an input or not
        folded = fold_batch_norm(network, x)
        assert list(device_layers(folded)) == list(device_layers(hard))
        torch.testing.assert_close(folded(x), wanted, atol=1e-4, rtol=1e-4)
    again = to_hardware(fold_batch_norm(trained(DEEP[name]()), x), population(), example_input=x, seed=4)
    torch.testing.assert_close(again(x), wanted, atol=1e-4, rtol=1e-4)


class Awkward(nn.Module):
    """Every reason not to fold, once."""

    def __init__(self) -> None:
        super().__init__()
        self.shared, self.once = nn.Linear(6, 6), nn.Linear(6, 6)
        self.own, self.tied, self.hooked = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.norms = nn.ModuleList(nn.BatchNorm1d(6) for _ in range(6))
        self.twice = nn.BatchNorm1d(6)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(6, 6))
        self.hooked.register_forward_hook(lambda module, args, out: 2 * out)

    def forward(self, x):
        x = self.norms[0](self.shared(torch.tanh(self.shared(x))))
        y = self.once(x)
        x = self.norms[1](y) + y
        x = self.norms[2](self.hooked(x)) + functional.linear(x, self.own.weight)
        x = self.norms[3](self.own(x))
        x = self.norms[4](self.normed(x))
        return self.twice(self.tied(self.twice(self.norms[5](x))))


def test_layers_that_are_used_otherwise_are_left_alone():
    model = trained(Awkward())
    folded = require_same(model, images(5, 6))
    assert sum(isinstance(module, ChannelAffine) for module in folded.modules()) == 7
    assert torch.equal(folded.own.weight, model.own.weight)


def test_user_networks_of_all_dimensions_fold():
    flat = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3, bias=False), nn.BatchNorm1d(3))
    line = nn.Sequential(nn.Conv1d(2, 4, 3, groups=2), nn.BatchNorm1d(4, affine=False), nn.Tanh())
    room = nn.Sequential(nn.Conv3d(2, 3, 2, padding=1, padding_mode="circular"), nn.BatchNorm3d(3, eps=0.1))
    for model, x in ((flat, images(4, 5)), (line, images(4, 2, 6)), (room, images(2, 2, 3, 3, 3))):
        folded = require_same(trained(model), x)
        assert not any(isinstance(module, ChannelAffine) for module in folded.modules())


def test_channels_that_are_not_the_layers_own_are_not_folded():
    model = trained(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)))  # on (n, 4, 5): batch norm along dimension 1
    assert isinstance(require_same(model, images(3, 4, 5))[1], ChannelAffine)


def test_a_tied_weight_is_not_scaled_in_its_other_place():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 4))
    model[3].weight = model[0].weight
    folded = require_same(trained(model), images(3, 4))
    assert torch.equal(folded[3].weight, model[3].weight)
    assert isinstance(folded[1], nn.Identity)


def test_a_norm_in_two_places_goes_from_both():
    norm = nn.BatchNorm1d(4)
    require_same(trained(nn.Sequential(nn.Linear(4, 4), norm, nn.Tanh(), nn.Linear(4, 4), norm)), images(3, 4))


def test_a_network_that_is_one_batch_norm_becomes_an_affine():
    assert isinstance(require_same(trained(nn.BatchNorm2d(3)), images(2, 3, 4, 4)), ChannelAffine)


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(x) if x.sum() > 0 else x


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.Tanh()), "no batch norm"),
        (Branching(), "torch.fx cannot follow Branching"),
        (nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False)), "'1' keeps no running"),
    ],
)
def test_what_cannot_be_folded_is_said_in_one_line(model, message):
    with pytest.raises(InputError, match=message) as caught:
        fold_batch_norm(model, images(3, 4))
    assert "\n" not in str(caught.value)


def test_gain_and_offset_must_agree():
    with pytest.raises(InputError, match=r"\(3,\) and \(2,\)"):
        ChannelAffine(torch.ones(3), torch.ones(2))


class Keyed(nn.Module):
    """Convolutions and norms in every order and use, called by keyword or not."""

    def __init__(self, uses: list[tuple[int, int]], keyword: bool, bias: bool, affine: bool, alias: bool) -> None:
        super().__init__()
        self.uses, self.keyword = uses, keyword
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1, bias=bias) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm2d(3, affine=affine) for _ in range(2))
        if alias:
            self.convs.append(self.convs[0])
            self.norms.append(self.norms[0])

    def forward(self, x):
        for conv, norm in self.uses:
            x = self.convs[conv % len(self.convs)](x)
            norm = self.norms[norm % len(self.norms)]
            x = torch.tanh(norm(input=x) if self.keyword else norm(x))
        return x


@settings(max_examples=30, deadline=None)
@given(
    uses=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=3),
    keyword=st.booleans(),
    bias=st.booleans(),
    affine=st.booleans(),
    alias=st.booleans(),
    training=st.booleans(),
)
def test_whatever_is_shared_and_however_it_is_called_the_function_is_the_same(
    uses, keyword, bias, affine, alias, training
):
    torch.manual_seed(0)
    model = trained(Keyed(uses, keyword, bias, affine, alias).train(training))
    require_same(model, images(3, 3, 5, 5))


def test_a_norm_called_by_keyword_goes_into_the_weights_too():
    model = trained(Keyed([(0, 0)], True, False, True, False))
    assert isinstance(require_same(model, images(3, 3, 5, 5)).norms[0], nn.Identity)
