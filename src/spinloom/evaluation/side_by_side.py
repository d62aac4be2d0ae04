"""Accuracy of many fabricated instances of one network, several at a time."""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from spinloom.errors import InputError
from spinloom.evaluation.examples import Examples
from spinloom.nn import can_stand_side_by_side, members, shared_front

TOGETHER = 10
"""Instances per pass: enough that what they share costs little."""
IMAGES = 10
"""Images per pass, whatever the number of instances: with TOGETHER, the 100 rows of `accuracy.BATCH`."""


def accuracies(
    hardware: nn.Module, examples: Examples, seeds: Sequence[int], together: int = TOGETHER, images: int = IMAGES
) -> Iterator[list[float]]:
    """Accuracies (0..1) of the instances that `resample(hardware, seed)` gives, `together` after `together`.

    Each instance has the devices, and with batches of `images` the noise, that it has alone, so that it does not matter
    which ones are measured beside it; a network that could not keep them apart in one batch is measured one after the
    other. `hardware` stays as it is. Raises InputError if it has no device layer or its outputs are not finite.
    """
    network = _fast(hardware)
    if can_stand_side_by_side(network, examples.inputs[:1]):
        first = shared_front(network, examples.inputs[:1])
    else:
        first, together = None, 1
    for start in range(0, len(seeds), together):
        yield _measure(network, examples, seeds[start : start + together], first, images)


def _fast(hardware: nn.Module) -> nn.Module:
    """A copy in evaluation mode with channels last, which convolutions and pools are faster with."""
    network = copy.deepcopy(hardware).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _measure(
    network: nn.Module, examples: Examples, seeds: Sequence[int], first: str | None, images: int
) -> list[float]:
    members(network, seeds, first)
    count = len(seeds)
    correct = torch.zeros(count, dtype=torch.int64)
    with torch.inference_mode():
        for inputs, labels in zip(examples.inputs.split(images), examples.labels.split(images), strict=True):
            logits = network(inputs if first else inputs.repeat_interleave(count, 0))
            if not bool(logits.isfinite().all()):
                raise InputError("the network's outputs are not finite; check its weights and the response")
            correct += (logits.argmax(1).view(-1, count) == labels[:, None]).sum(0)
    return [right / len(examples) for right in correct.tolist()]
