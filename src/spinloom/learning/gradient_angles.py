"""How far the gradient that devices give points away from the exact one, weight tensor by weight tensor."""

import copy
from collections.abc import Callable
from itertools import count

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.data import ImageSet
from spinloom.errors import InputError
from spinloom.learning.settings import Scaling
from spinloom.nn import DeviceActivation, Gradient, device_layers, on_input, use_gradient


def gradient_cosines(
    model: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    kind: Gradient = "device",
    step: float = 0.25,
    batch: int | None = None,
) -> dict[str, float]:
    """Cosine of the angle between the gradient of the cross-entropy and the exact one, by name of weight tensor.

    Both are of the same images and the same forward reads, noise and dropout included: they differ only in where the
    slopes of the devices come from, `kind` with `step` or "exact" (see `DeviceActivation.use_gradient`).

    inputs: (n, ...). labels: (n,). batch: images of one gradient (default: all n); each batch is a read of its own, and
    the cosine is the mean over the whole batches. Tensors of two dimensions and more that need a gradient count, so no
    biases. The cosine of a gradient of zero, as of an unused weight, is 0. The model stays as it is.

    Raises InputError for a network without device layer or weight tensor, fewer images than one batch or another number
    of labels, unknown kinds.
    """
    if len(labels) != len(inputs):
        raise InputError(f"every image needs a label, got {len(inputs)} images and {len(labels)} labels")
    size = len(inputs) if batch is None else batch
    if not 1 <= size <= len(inputs):
        raise InputError(f"batch must be 1 to the {len(inputs)} images given, got {size}")
    if not device_layers(model):
        raise InputError(f"{type(model).__name__} has no device layer; make one with to_hardware(model, response)")
    found = []
    exact = use_gradient(copy.deepcopy(model), "exact", step)
    for number in range(len(inputs) // size):
        part = slice(number * size, (number + 1) * size)
        other = use_gradient(copy.deepcopy(exact), kind, step)  # before `exact` reads: its next read is the same one
        gradients = [_gradients(network, inputs[part], labels[part], number) for network in (exact, other)]
        found.append({name: _cosine(one, gradients[1][name]) for name, one in gradients[0].items()})
    return {name: sum(cosines[name] for cosines in found) / len(found) for name in found[0]}


def layer_cosines(
    model: nn.Module, images: ImageSet, kind: Gradient = "device", step: float = 0.25, batch: int | None = None
) -> dict[str, float]:
    """`gradient_cosines` of these images by layer, named for people: "convolution 1", "linear 1", ... in order.

    batch: images of one gradient; all where there are fewer.
    """
    kinds = (nn.Conv2d, "convolution"), (nn.Linear, "linear")
    words = [word for module in model.modules() for layer, word in kinds if isinstance(module, layer)]
    names = [f"{word} {1 + words[:place].count(word)}" for place, word in enumerate(words)]
    inputs, batch = Scaling.of(images)(images.images), min(batch or len(images), len(images))
    found = gradient_cosines(model, inputs, images.labels, kind=kind, step=step, batch=batch)
    return dict(zip(names, found.values(), strict=True))


def _gradients(model: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, seed: int) -> dict[str, torch.Tensor]:
    weights = {name: p for name, p in model.named_parameters() if p.ndim > 1 and p.requires_grad}
    if not weights:
        raise InputError(f"{type(model).__name__} has no weight tensor that needs a gradient; set requires_grad")
    hooks = [on_input(layer, _numbered(layer)) for layer in device_layers(model).values()]
    with torch.random.fork_rng(devices=[]):  # dropout draws from the global state
        torch.manual_seed(seed)
        loss = F.cross_entropy(model(inputs), labels)
    for hook in hooks:
        hook.remove()
    return dict(zip(weights, torch.autograd.grad(loss, list(weights.values()), materialize_grads=True), strict=True))


def _numbered(layer: DeviceActivation) -> Callable[[torch.Tensor], object]:
    """Begins every call of the layer at a read of its own: finite differences take more of them than others."""
    first, calls = layer.reads, count()
    return lambda _: layer.rewind(first + 3 * next(calls))


def _cosine(one: torch.Tensor, other: torch.Tensor) -> float:
    one, other = one.double().flatten(), other.double().flatten()
    lengths = float(one.norm() * other.norm())
    return float(one @ other) / lengths if lengths else 0.0
