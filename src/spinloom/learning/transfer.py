"""A trained network in software, and how it moves onto devices: from ReLU to tanh, fitted to its devices and tuned.

Swapping the activation at once destroys a ReLU network; sliding from one function to the other while training goes on
(a homotopy) carries what it has learnt across.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from scipy.optimize import minimize_scalar
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from spinloom.data import ImageSet
from spinloom.errors import InputError, require_count, require_finite, require_positive
from spinloom.identity import digest
from spinloom.learning.networks import fashion_cnn, fashion_cnn_like
from spinloom.learning.settings import MIRRORED, Augmentation, Training, require_share
from spinloom.learning.shipped import load_described, load_weights, read_description, read_tensors, weights_for
from spinloom.nn import (
    REPLACEABLE,
    ChannelAffine,
    DeviceActivation,
    device_layers,
    kept_modes,
    on_input,
    resample,
    rewind,
)

LEAST, MOST, IMAGES = 0.1, 10.0, 64
"""Range that a layer's drive scale is sought in, and inputs that show its drives."""


class Sliding(nn.Module):
    """(1 - share) ReLU(x) + share tanh(x), any shape; share 0 is ReLU, 1 is tanh."""

    def __init__(self, share: float = 0.0) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.share >= 1:
            return torch.tanh(x)
        return F.relu(x) if self.share <= 0 else torch.lerp(F.relu(x), torch.tanh(x), self.share)

    def extra_repr(self) -> str:
        return f"share={self.share:g}"


class Slide:
    """A `before_step` of `fit` that moves every `Sliding` from ReLU to tanh during the first part of all steps, evenly.

    Raises InputError for a part outside 0 to 1.
    """

    def __init__(self, part: float = 0.3) -> None:
        require_share(part=part)
        self.part = part

    def __call__(self, model: nn.Module, step: int, steps: int) -> None:
        share = min(1.0, step / (self.part * steps)) if self.part else 1.0
        for module in model.modules():
            if isinstance(module, Sliding):
                module.share = share


def replace_activations(model: nn.Module, kind: type[nn.Module], make: Callable[[], nn.Module]) -> nn.Module:
    """Put a new module of `make` in the place of every module of type `kind`, in the model itself; returns it.

    A module under several names becomes one for each. Weights and names stay. Raises InputError if there is none.
    """
    # of _modules, which has all names, also of one module that has several
    children = ((parent, name, child) for parent in model.modules() for name, child in parent._modules.items())
    places = [(parent, name) for parent, name, child in children if isinstance(child, kind)]
    if not places:
        raise InputError(f"{type(model).__name__} has no {kind.__name__} to replace")
    for parent, name in places:
        setattr(parent, name, make().train(getattr(parent, name).training))
    return model


def calibrate_drive(hardware: nn.Module, software: nn.Module, inputs: torch.Tensor) -> dict[str, float]:
    """Give each device layer the drive scale at which its devices come nearest to the activation they stand for.

    hardware: what `to_hardware(software, ...)` returned; its layers are calibrated in place, in the order in which the
    network calls them, each with the drives that reach it through the ones before. inputs: (n, ...), unlabelled; the
    first 64 are used. Minimised is the mean square of (device - activation) over all drives of the layer, with the
    devices and the noise that are switched on. The next read is the first one again.

    Returns by name the factor that each layer's drive was scaled by, on top of what it had (1 if it is never called).
    Raises InputError for inputs or drives that are none or not finite, if there is no device layer, or one has no
    activation of the same name in `software`.
    """
    inputs, layers = inputs[:IMAGES], device_layers(hardware)
    require_finite("", inputs=inputs)
    activations = dict(software.named_modules(remove_duplicate=False))
    for name in layers:
        if not isinstance(activations.get(name), REPLACEABLE):
            remedy = "give the network that the hardware was made from, with an activation module for every place"
            raise InputError(f"the software network has no activation {name!r} to compare the devices with; {remedy}")
    rewind(hardware)
    scales = dict.fromkeys(layers, 1.0)
    for name in _inputs(hardware, inputs):
        given = _inputs(hardware, inputs)[name]
        scales[name] = _best(layers[name], given, [activations[name](part) for part in given])
        scale_drive(layers[name], scales[name])
    rewind(hardware)
    return scales


def scale_drive(layer: DeviceActivation, factor: float) -> None:
    """Multiply the drive of all devices of a layer by `factor` (see `DeviceActivation.drive`).

    Reads, slopes with respect to the network input, and the full scale of the slope converter follow, and all of it is
    in the state dict. Raises InputError for a factor <= 0.
    """
    require_positive("", factor=factor)
    ends, centre = torch.tensor([1 / factor, factor]), layer.affine.input_centre  # which is no drive and stays
    layer.grid = layer.grid * ends.to(layer.grid) + torch.tensor([centre - centre / factor, 0.0]).to(layer.grid)
    layer.curves = layer.curves * torch.tensor([1.0, 1.0, factor, factor]).to(layer.curves)
    layer.slope_noise = layer.slope_noise * factor
    layer.drive_scale *= factor


def refresh_batch_norm(model: nn.Module, inputs: torch.Tensor, batch: int = 100) -> nn.Module:
    """Measure the statistics of all batch norms anew on inputs (n, ...), with the model as it stands, devices and all.

    Give inputs distributed as in training, augmentation included: plain images in place of shifted ones cost a
    ResNet-20 three points on CIFAR-10. Averages over whole batches; everything else stays, and so do norms without
    running statistics or that are not called, and all of them where it fails. Returns the model. Raises InputError if
    there are fewer inputs than a batch, or something is not finite.
    """
    if not 1 <= batch <= len(inputs):
        raise InputError(f"{len(inputs)} inputs are fewer than one batch of {batch}; give more or a batch of 1 to all")
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    kept = [(norm.momentum, {name: buffer.clone() for name, buffer in norm.named_buffers()}) for norm in norms]
    done = False
    try:
        with kept_modes(model), torch.no_grad():
            model.eval()
            for norm in norms:
                norm.reset_running_stats()
                norm.train()
                norm.momentum = None  # a cumulative average
            for part in inputs[: len(inputs) // batch * batch].split(batch) if norms else ():
                require_finite("", inputs=part)
                model(part)
            for norm in norms:
                require_finite("", **dict(norm.named_buffers()))
        done = True
    finally:
        for norm, (momentum, buffers) in zip(norms, kept, strict=True):
            norm.momentum = momentum
            if not (done and norm.num_batches_tracked):
                norm.load_state_dict(buffers, strict=False)
    return model


@contextmanager
def only_last_layer(model: nn.Module) -> Iterator[nn.Module]:
    """Within the block only the last linear or convolution layer, which it yields, learns; batch norms still follow.

    Afterwards all is as before. Raises InputError if there is none.
    """
    weighted = [module for module in model.modules() if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)]
    if not weighted:
        raise InputError(f"{type(model).__name__} has no linear or convolution layer to train")
    before = {parameter: parameter.requires_grad for parameter in model.parameters()}
    try:
        model.requires_grad_(False)
        weighted[-1].requires_grad_(True)
        yield weighted[-1]
    finally:
        for parameter, learnt in before.items():
            parameter.requires_grad_(learnt)
            if not learnt:
                parameter.grad = None


class FreshInstances:
    """Noise-aware training: a `before_step` of `fit` that fabricates a new instance of all devices every few steps.

    The weights then learn to serve any instance. every: steps between them. Raises InputError for every < 1.
    """

    def __init__(self, every: int = 1, seed: int = 0) -> None:
        require_count(every=every)
        self.every, self.seed = every, seed

    def __call__(self, model: nn.Module, step: int, steps: int) -> None:
        if step % self.every == 0:
            resample(model, self.seed * 1_000_003 + step)


def _inputs(hardware: nn.Module, inputs: torch.Tensor) -> dict[str, list[torch.Tensor]]:
    """What reaches each layer, call by call, (n, *unit_shape); layers in the order of their first calls."""
    seen: dict[str, list[torch.Tensor]] = {}

    def note(name: str, x: torch.Tensor) -> None:
        seen.setdefault(name, []).append(x.detach())

    hooks = [on_input(layer, partial(note, name)) for name, layer in device_layers(hardware).items()]
    try:
        with kept_modes(hardware), torch.no_grad():
            hardware.eval()(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    for name, parts in seen.items():
        require_finite("", **{f"the input of layer {name!r}": torch.cat([part.flatten() for part in parts])})
    return seen


@torch.no_grad()
def _best(layer: DeviceActivation, given: list[torch.Tensor], wanted: list[torch.Tensor]) -> float:
    centre = layer.affine.input_centre

    def missed(logarithm: float) -> float:
        layer.rewind()  # the same noise for every scale
        read = [layer(centre + (x - centre) * 2.0**logarithm) for x in given]
        return float(torch.cat([(a - b).flatten() for a, b in zip(read, wanted, strict=True)]).square().mean())

    ends = [float(torch.tensor(end).log2()) for end in (LEAST, MOST)]
    found = minimize_scalar(missed, bounds=ends, method="bounded", options={"xatol": 1e-3})
    return 1.0 if missed(0.0) <= found.fun else float(2.0**found.x)


@dataclass(frozen=True)
class Software:
    """network: trained, in evaluation mode. origin: how it came about, in words. digest: of its weights."""

    network: nn.Module
    origin: str
    digest: str

    @classmethod
    def of(cls, network: nn.Module, origin: str) -> "Software":
        """A trained network, put in evaluation mode and the layout that convolutions are fastest with."""
        network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(network, origin, digest(dict(network.state_dict())))


def read_software(weights: Path, train: ImageSet) -> Software:
    """The user's weights in a network of this family, or a shipped checkpoint (by file or name) in its own network.

    Raises InputError if there are none, they do not fit, or a checkpoint is of another data set than `train`.
    """
    path = weights_for(weights, train.name)
    described = read_description(path)
    if described:
        origin = f"shipped weights {described.name}" if path != weights else f"weights from {path}"
        return Software.of(load_described(path), origin)
    network = fashion_cnn_like(read_tensors(path), train.shape, len(train.classes))
    load_weights(network, path)
    return Software.of(network, f"weights from {path}")


def plan_software(train: ImageSet, size: Any, seed: int) -> tuple[nn.Sequential, Training]:
    """An untrained network for these images and its training.

    size: channels, hidden, dropout of the network; images_seen, repeats counted, and most_epochs for small data sets.
    Images are mirrored where that keeps their meaning.
    """
    network = fashion_cnn(train.shape, len(train.classes), size.channels, size.hidden, size.dropout, seed)
    epochs = min(max(round(size.images_seen / len(train)), 1), size.most_epochs)
    mirrored = Augmentation(flip=train.name in MIRRORED)
    return network, Training(epochs=epochs, batch=min(128, len(train)), augmentation=mirrored, seed=seed)


def read_relu_teacher(
    path: Path, relu: nn.Module, network: nn.Module, train: ImageSet, pixels: tuple[Sequence[float], Sequence[float]]
) -> nn.Module:
    """A trained ReLU network for inputs that are scaled as `train` is; its weights are put into `network` too.

    path: its weights. relu: a network of its kind, whose tanh become ReLU. pixels: mean and standard deviation, by
    channel, of the pixels (0 to 1) that it was trained with. Raises InputError for weights that do not fit.
    """
    tensors = {name.removeprefix("module."): tensor for name, tensor in read_tensors(path).items()}
    for model in (relu, network):
        try:
            model.load_state_dict(tensors)
        except RuntimeError as error:
            wrong = " ".join(str(error).split())[:300]
            raise InputError(f"{path} does not fit this network for {train.name}: {wrong}") from error
    replace_activations(relu, nn.Tanh, nn.ReLU)
    ours, theirs = torch.tensor([train.mean, train.std]), torch.tensor(pixels)
    return nn.Sequential(ChannelAffine(ours[1] / theirs[1], (ours[0] - theirs[0]) / theirs[1]), relu)
