"""Fit a converted network to its devices with unlabelled inputs only: drive scales and batch-norm statistics."""

from collections.abc import Callable

import torch
from scipy.optimize import minimize_scalar
from torch import nn

from spinloom.errors import InputError, require_positive
from spinloom.nn import DeviceActivation, device_layers

LEAST, MOST = 0.1, 10.0
"""Range that a layer's drive scale is sought in."""
IMAGES = 64
"""Inputs that show a layer's drives."""


def calibrate_drive(hardware: nn.Module, software: nn.Module, inputs: torch.Tensor) -> dict[str, float]:
    """Give each device layer the drive scale at which its devices come nearest to the activation they stand for.

    hardware: what `to_hardware(software, ...)` returned; its layers are calibrated in place, from the first to the
    last, each with the drives that reach it through the ones before. software: the network it was made from.
    inputs: (n, ...), unlabelled; the first 64 are used. Minimised is the mean square of (device - activation) over
    the drives of all units, with the devices and the noise that are switched on.

    Returns the scale of each layer by name (1: as it was). Raises InputError if a layer has no counterpart of the same
    name in `software`.
    """
    inputs, scales = inputs[:IMAGES], {}
    for name, layer in device_layers(hardware).items():
        activation = _counterpart(software, name)
        drive = _drive(hardware, layer, inputs).flatten(1)
        with torch.no_grad():
            wanted = activation(drive)
        scales[name] = _best(layer, drive, wanted)
        scale_drive(layer, scales[name])
    return scales


def scale_drive(layer: DeviceActivation, factor: float) -> None:
    """Multiply the drive of all devices of a layer by `factor`: network input 1 then is `factor` unit drives.

    Reads, slopes with respect to the network input, and the full scale of the slope converter follow, and all of it is
    in the state dict. Raises InputError for a factor <= 0.
    """
    require_positive("", factor=factor)
    ends = torch.tensor([1 / factor, factor])
    layer.grid = layer.grid * ends.to(layer.grid)
    layer.curves = layer.curves * torch.tensor([1.0, 1.0, factor, factor]).to(layer.curves)
    layer.slope_noise = layer.slope_noise * factor
    layer.drive_scale *= factor


def refresh_batch_norm(model: nn.Module, inputs: torch.Tensor, batch: int = 100) -> nn.Module:
    """Measure the statistics of all batch norms anew on inputs (n, ...), with the model as it stands, devices and all.

    Give inputs distributed as in training, augmentation included: plain images in place of shifted ones cost a
    ResNet-20 three points on CIFAR-10. Averages over whole batches; weights, modes and everything else stay. Returns
    the model. Raises InputError if there are fewer inputs than a batch.
    """
    if len(inputs) < batch:
        raise InputError(f"{len(inputs)} inputs are fewer than one batch of {batch}; give more or a smaller batch")
    norms = [module for module in model.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    modes = {module: module.training for module in model.modules()}
    momenta = [norm.momentum for norm in norms]
    model.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # a cumulative average
    try:
        with torch.no_grad():
            for part in inputs[: len(inputs) // batch * batch].split(batch):
                model(part)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes.items():
            module.training = mode
    return model


def _counterpart(software: nn.Module, name: str) -> Callable[[torch.Tensor], torch.Tensor]:
    try:
        return software.get_submodule(name)
    except AttributeError as error:
        raise InputError(
            f"the software network has no module {name!r} to compare the devices with; use activation modules"
        ) from error


def _drive(hardware: nn.Module, layer: DeviceActivation, inputs: torch.Tensor) -> torch.Tensor:
    """What reaches the layer, (n, *unit_shape)."""
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].detach()))
    modes = {module: module.training for module in hardware.modules()}
    try:
        with torch.no_grad():
            hardware.eval()(inputs)
    finally:
        hook.remove()
        for module, mode in modes.items():
            module.training = mode
    return seen[0]


def _best(layer: DeviceActivation, drive: torch.Tensor, wanted: torch.Tensor) -> float:
    def missed(logarithm: float) -> float:
        layer.rewind()  # the same noise for every scale
        with torch.no_grad():
            return float((layer.read_value(drive * 2.0**logarithm) - wanted).square().mean())

    ends = [float(torch.tensor(end).log2()) for end in (LEAST, MOST)]
    found = minimize_scalar(missed, bounds=ends, method="bounded", options={"xatol": 1e-3})
    layer.rewind()
    return 1.0 if missed(0.0) <= found.fun else float(2.0**found.x)
