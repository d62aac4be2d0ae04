"""Share of images that a network classifies correctly, also over many fabricated instances of it."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import Conv2d, Module, Tanh

from spinloom import nn
from spinloom.data import ImageSet
from spinloom.devices import Response
from spinloom.errors import InputError, require_count
from spinloom.evaluation.populations import Population
from spinloom.learning import Scaling
from spinloom.progress import Report, silent
from spinloom.seeding import child_seed, generator

BATCH = 100
"""Images per forward pass. Larger ones are slower: the allocator gives their memory back and asks for it again."""
TOGETHER = 10
"""Instances per pass: enough that what they share costs little."""
IMAGES = 10
"""Images per pass, whatever the number of instances: with TOGETHER, the 100 rows of BATCH."""


@dataclass(frozen=True)
class Examples:
    """Test images as the network takes them, converted once. inputs: (n, ...) float32. labels: (n,) int64.

    Raises InputError without images, or for another number of labels.
    """

    inputs: torch.Tensor
    labels: torch.Tensor

    def __post_init__(self) -> None:
        if not 0 < len(self.inputs) == len(self.labels):
            given = f"{len(self.inputs)} images and {len(self.labels)} labels"
            raise InputError(f"examples are at least one image, each with its label, got {given}")

    @classmethod
    def of(cls, data: ImageSet) -> "Examples":
        """All images of a split, scaled as in training."""
        return cls(Scaling.of(data)(data.images), data.labels)

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: int) -> "Examples":
        """The first `count` examples (all, if there are fewer)."""
        return Examples(self.inputs[:count], self.labels[:count])


def accuracy(model: Module, examples: Examples, batch: int = BATCH) -> float:
    """Correct share in 0..1, in evaluation mode, which is left again; devices stay noisy, as `eval()` keeps them.

    Raises InputError if the network's outputs are not finite, or for a batch < 1.
    """
    require_count(batch=batch)
    correct = 0
    with nn.kept_modes(model), torch.inference_mode():
        model.eval()
        for inputs, labels in zip(examples.inputs.split(batch), examples.labels.split(batch), strict=True):
            correct += int((_classify(model, inputs) == labels).sum())
    return correct / len(examples)


def _classify(model: Module, inputs: torch.Tensor) -> torch.Tensor:
    """The class of every image, (n,). Raises InputError for outputs that are not finite."""
    logits = model(inputs)
    if not bool(logits.isfinite().all()):
        raise InputError("the network's outputs are not finite; check its weights and the response")
    return logits.argmax(1)


def evaluate_instances(
    hardware: Module, examples: Examples, instances: int, seed: int = 0, report: Report = silent
) -> Population:
    """Fabricate a converted network `instances` times and measure each. The same seed gives the same list.

    hardware: what `to_hardware` returned; it stays as it is. Instance number k has the devices of
    `resample(hardware, k-th child seed of seed)`, however many are asked for, and the read noise of that instance in
    batches of IMAGES. Several are evaluated at a time, see `accuracies`.
    Raises InputError for instances < 1.
    """
    require_count(instances=instances)
    source = generator(seed)
    seeds = [child_seed(source) for _ in range(instances)]
    results: list[float] = []
    for measured in accuracies(hardware, examples, seeds):
        results += measured
        report(len(results), instances, f"worst {100 * min(results):.2f} %")
    return Population(tuple(results))


def accuracies(
    hardware: Module, examples: Examples, seeds: Sequence[int], together: int = TOGETHER, images: int = IMAGES
) -> Iterator[list[float]]:
    """Accuracies (0..1) of the instances that `resample(hardware, seed)` gives, `together` after `together`.

    Each instance has the devices, and with batches of `images` the noise, that it has alone, so that it does not matter
    which ones are measured beside it; a network that could not keep them apart in one batch is measured one after the
    other. `hardware` stays as it is. Raises InputError if it has no device layer or its outputs are not finite.
    """
    network = copy.deepcopy(hardware).eval()
    for module in network.modules():
        if isinstance(module, Conv2d):  # which are faster so, as pools are
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if not all(isinstance(layer, nn.DeviceActivation) for layer in nn.hardware_layers(network).values()):
        yield from ([accuracy(nn.resample(network, seed), examples)] for seed in seeds)
        return
    if nn.can_stand_side_by_side(network, examples.inputs[:1]):
        first = nn.shared_front(network, examples.inputs[:1])
    else:
        first, together = None, 1
    for start in range(0, len(seeds), together):
        yield _measure(network, examples, seeds[start : start + together], first, images)


def _measure(network: Module, examples: Examples, seeds: Sequence[int], first: str | None, images: int) -> list[float]:
    nn.members(network, seeds, first)
    count = len(seeds)
    correct = torch.zeros(count, dtype=torch.int64)
    with torch.inference_mode():
        for inputs, labels in zip(examples.inputs.split(images), examples.labels.split(images), strict=True):
            classes = _classify(network, inputs if first else inputs.repeat_interleave(count, 0))
            correct += (classes.view(-1, count) == labels[:, None]).sum(0)
    return [right / len(examples) for right in correct.tolist()]


def on_devices(
    network: Module, response: Response, examples: Examples, seed: int = 0, converters: nn.Converters = nn.PLAIN
) -> Module:
    """A copy of `network` with every tanh a junction of its own, drawn from the rows of `response`.

    converters: resolution of the reads of every junction.
    """
    first = examples.inputs[:1]
    return nn.to_hardware(
        network, {Tanh: response}, sharing="unit", example_input=first, seed=seed, converters=converters
    )
