"""Batch norm of a trained network: folded into weights, or turned into drive scale and bias of neurons."""

import copy
from collections import Counter

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from spinloom.errors import InputError
from spinloom.nn.activation.layer import DeviceActivation
from spinloom.nn.activation.tables import ChannelAffine
from spinloom.nn.convert.transfer import trace
from spinloom.nn.hardware import on_input

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def fold_batch_norm(model: nn.Module, example_input: Tensor) -> nn.Module:
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
    norms = {module: _affine(name, module) for name, module in twin.named_modules() if _is_batch_norm(module)}
    if not norms:
        raise InputError(f"{type(model).__name__} has no batch norm to fold; use the network as it is")
    pairs = _foldable_pairs(twin, example_input)
    replaced: dict[nn.Module, nn.Module] = {}
    for norm, (gain, offset) in norms.items():
        if norm in pairs:
            _scale(pairs[norm], gain, offset)
            replaced[norm] = nn.Identity().eval()
        else:
            dtype = norm.running_mean.dtype
            replaced[norm] = ChannelAffine(gain.to(dtype), offset.to(dtype)).eval()
    for name, module in list(twin.named_modules(remove_duplicate=False)):  # under all names that it has
        if name and module in replaced:
            twin.set_submodule(name, replaced[module])
    return replaced.get(twin, twin)


def _affine(name: str, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Gain and offset per channel that a batch norm applies in evaluation mode, float64."""
    mean, variance, weight, bias = norm.running_mean, norm.running_var, norm.weight, norm.bias
    if not isinstance(mean, Tensor) or not isinstance(variance, Tensor):
        remedy = "train it with track_running_stats=True"
        raise InputError(f"batch norm {name!r} keeps no running statistics and so depends on each batch; {remedy}")
    gain = (variance.double() + norm.eps).rsqrt()  # type: ignore[operator]
    if isinstance(weight, Tensor):
        gain = gain * weight.detach().double()
    offset = -mean.double() * gain
    return gain, offset + bias.detach().double() if isinstance(bias, Tensor) else offset


def _scale(layer: nn.Module, gain: Tensor, offset: Tensor) -> None:
    """layer(x) -> gain * layer(x) + offset. With new parameters, as other layers may be tied to the old ones."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, nn.Parameter)
    scaled = weight.detach().double() * gain.view(-1, *[1] * (weight.ndim - 1))
    moved = offset + gain * bias.detach().double() if isinstance(bias, nn.Parameter) else offset
    layer.weight = nn.Parameter(scaled.to(weight), requires_grad=weight.requires_grad)
    layer.bias = nn.Parameter(moved.to(weight), requires_grad=weight.requires_grad)


def _is_batch_norm(module: nn.Module) -> bool:
    """Whether it is a batch norm that computes as PyTorch's own (a subclass may have a forward of its own)."""
    return isinstance(module, _BatchNorm) and type(module).forward in (_BatchNorm.forward, nn.SyncBatchNorm.forward)


def _foldable_pairs(model: nn.Module, example: Tensor) -> dict[nn.Module, nn.Module]:
    """Batch norm -> convolution or linear layer whose output it alone uses, both called once. `model` is untouched.

    Left out are layers with hooks, parametrizations or a forward of their own, or whose weight is used elsewhere.
    example: one batch. Raises InputError if torch.fx cannot follow the network.
    """
    if isinstance(model, _BatchNorm):
        return {}  # nothing stands before it
    graph = trace(model, (DeviceActivation, ChannelAffine, _BatchNorm))
    if isinstance(graph, str):
        raise InputError(
            f"torch.fx cannot follow {type(model).__name__} ({graph}), so what stands before its batch norms is not "
            "known; write its forward without branches on values, or fold the parts that can be followed"
        )
    dimensions: dict[nn.Module, set[int]] = {}  # of the inputs of each batch norm, in one pass of a copy of the model
    probe = copy.deepcopy(model)
    for copied, module in zip(probe.modules(), model.modules(), strict=True):
        if isinstance(copied, _BatchNorm):
            seen = dimensions.setdefault(module, set())
            on_input(copied, lambda x, seen=seen: seen.add(x.ndim))  # type: ignore[misc]
    with torch.no_grad():
        probe(example)
    calls = Counter(model.get_submodule(str(node.target)) for node in graph.nodes if node.op == "call_module")
    own = dict(model.named_parameters())
    used = {id(own.get(str(node.target))) for node in graph.nodes if node.op == "get_attr"} - {id(None)}
    pairs = {}
    for after, before in [(node, one) for node in graph.nodes for one in node.all_input_nodes]:
        if not after.op == before.op == "call_module" or len(before.users) > 1:
            continue
        norm, layer = (model.get_submodule(str(node.target)) for node in (after, before))
        hooked = any(one._forward_hooks or one._forward_pre_hooks for one in (norm, layer))
        if not _is_batch_norm(norm) or type(layer) not in _WEIGHTED or hooked or max(calls[norm], calls[layer]) > 1:
            continue
        reused = id(layer.weight) in used or id(layer.bias) in used
        # a linear layer has its channels last, batch norm second: the same only in two dimensions
        if dimensions.get(norm) == {layer.weight.ndim} and not reused:
            pairs[norm] = layer
    return pairs
