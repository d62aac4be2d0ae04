"""Batch norm of a trained network: folded into weights, or turned into drive scale and bias of neurons."""

import copy

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.nn.channel_affine import ChannelAffine
from spinloom.nn.norm_pairs import foldable_pairs, is_batch_norm

__all__ = ["ChannelAffine", "fold_batch_norm"]


def fold_batch_norm(model: nn.Module, example_input: torch.Tensor) -> nn.Module:
    """A copy of `model` in evaluation mode without batch norms that computes the same. `model` stays as it is.

    A batch norm that alone uses the output of one convolution or linear layer goes into its weights and bias, and an
    nn.Identity stays in its place; any other becomes a fixed `ChannelAffine`. So does one behind a layer that has
    hooks, parametrizations or a forward of its own, that is called twice, or whose weight is used elsewhere. Subclasses
    of batch norm with a forward of their own stay. Names of everything else stay. Works on networks of `to_hardware`
    too, whose devices and noise stay the same.
    example_input: one batch (n, ...) of at least one input; shows the shapes inside the network.

    Raises InputError if there is no batch norm, one keeps no running statistics, or torch.fx cannot follow the network.
    """
    twin = copy.deepcopy(model).eval()
    norms = {module: _affine(name, module) for name, module in twin.named_modules() if is_batch_norm(module)}
    if not norms:
        raise InputError(f"{type(model).__name__} has no batch norm to fold; use the network as it is")
    pairs = foldable_pairs(twin, example_input)
    replaced: dict[nn.Module, nn.Module] = {}
    for norm, (gain, offset) in norms.items():
        if norm in pairs:
            _scale(pairs[norm], gain, offset)
            replaced[norm] = nn.Identity().eval()
        else:
            dtype = norm.running_mean.dtype
            replaced[norm] = ChannelAffine(gain.to(dtype), offset.to(dtype)).eval()
    return _replace(twin, replaced)


def _affine(name: str, norm: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Gain and offset per channel that a batch norm applies in evaluation mode, float64."""
    mean, variance, weight, bias = norm.running_mean, norm.running_var, norm.weight, norm.bias
    if not isinstance(mean, torch.Tensor) or not isinstance(variance, torch.Tensor):
        raise InputError(
            f"batch norm {name!r} keeps no running statistics and so depends on each batch; train it with "
            "track_running_stats=True"
        )
    gain = (variance.double() + norm.eps).rsqrt()  # type: ignore[operator]
    if isinstance(weight, torch.Tensor):
        gain = gain * weight.detach().double()
    offset = -mean.double() * gain
    return gain, offset + bias.detach().double() if isinstance(bias, torch.Tensor) else offset


def _scale(layer: nn.Module, gain: torch.Tensor, offset: torch.Tensor) -> None:
    """layer(x) -> gain * layer(x) + offset. With new parameters, as other layers may be tied to the old ones."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, nn.Parameter)
    scaled = weight.detach().double() * gain.view(-1, *[1] * (weight.ndim - 1))
    moved = offset + gain * bias.detach().double() if isinstance(bias, nn.Parameter) else offset
    layer.weight = nn.Parameter(scaled.to(weight), requires_grad=weight.requires_grad)
    layer.bias = nn.Parameter(moved.to(weight), requires_grad=weight.requires_grad)


def _replace(model: nn.Module, replaced: dict[nn.Module, nn.Module]) -> nn.Module:
    """Put the new modules in the place of the old ones, under all names that these have."""
    for name, module in list(model.named_modules(remove_duplicate=False)):
        if module in replaced and not name:
            return replaced[module]
        if module in replaced:
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, replaced[module])
    return model
