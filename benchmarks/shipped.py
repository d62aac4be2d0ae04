"""Make the trained networks that come with Spinloom again, with their accuracy on the whole test split.

    python benchmarks/shipped.py fashion-cnn
    python benchmarks/shipped.py mnist-mlp
    python benchmarks/shipped.py resnet20-cifar10 out/mtj-deep/network.safetensors --made-by "spinloom run mtj-deep ..."

The first two are trained here (some 8 minutes and 1 on an idle core; a killed run goes on), the third is taken from the
study that trained it. Written are files in src/spinloom/learning/checkpoints.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from spinloom.data import ImageSet, load_images, load_pair
from spinloom.errors import InputError
from spinloom.evaluation import Examples, accuracy
from spinloom.learning import Augmentation, Training, fit, load_weights, read_tensors
from spinloom.learning.shipped import BUILDERS, ENDING, FOLDER, write
from spinloom.progress import bar

CACHE = Path("out/shipped")
CNN = {"image": (1, 28, 28), "classes": 10, "channels": (32, 64, 64), "hidden": 128, "dropout": 0.0}
MLP = {"image": (1, 28, 28), "classes": 10, "hidden": (128, 64)}
TRAINED = {
    "fashion-cnn": (
        "fashion_cnn",
        CNN,
        "fashion-mnist",
        Training(epochs=8, batch=128, augmentation=Augmentation(flip=True)),
    ),
    "mnist-mlp": ("mlp", MLP, "mnist", Training(epochs=20, batch=128, augmentation=Augmentation(shift=1))),
}
"""By name: network, its arguments, data set, and its training."""


def train(name: str, seed: int) -> None:
    network, arguments, dataset, training = TRAINED[name]
    arguments = {**arguments, "seed": seed}
    images, test = load_pair(dataset)
    model = BUILDERS[network](**arguments)
    checkpoint = CACHE / f"{name}.checkpoint"
    with bar(name) as report:
        fit(model, images, replace(training, seed=seed), checkpoint, report)
    command = f"python benchmarks/shipped.py {name}" + f" --seed {seed}" * (seed != 0)
    store(model, name, network, arguments, test, seed, command)
    checkpoint.unlink(missing_ok=True)


def take(name: str, file: Path, seed: int, made_by: str) -> None:
    """A ResNet that `spinloom run mtj-deep` trained on CIFAR-10."""
    arguments = {**resnet_arguments(read_tensors(file)), "seed": seed}
    model = BUILDERS["resnet20"](**arguments)
    load_weights(model, file)
    store(model, name, "resnet20", arguments, load_images("cifar10", "test"), seed, made_by)


def resnet_arguments(tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """What `resnet20` was called with, for images of 32x32."""
    blocks = len({key.split(".")[1] for key in tensors if key.startswith("layer1.")})
    if not blocks or "conv1.weight" not in tensors or "linear.weight" not in tensors:
        raise InputError("these weights are not of a network by resnet20; give network.safetensors of mtj-deep")
    width, planes = tensors["conv1.weight"].shape[:2]
    order = "post" if "bn1.weight" in tensors else "pre"
    classes = len(tensors["linear.weight"])
    return {"image": (planes, 32, 32), "classes": classes, "width": width, "blocks": blocks, "order": order}


def store(
    model: nn.Module, name: str, network: str, arguments: Mapping[str, Any], test: ImageSet, seed: int, command: str
) -> None:
    share = accuracy(model, Examples.of(test))
    made = write(
        FOLDER / f"{name}{ENDING}",
        model,
        network=network,
        arguments=arguments,
        dataset=test.name,
        accuracy=share,
        seed=seed,
        command=command,
    )
    print(f"{name}: {made.parameters:,} parameters, {made.bytes:,} bytes, {share:.2%} of {len(test):,} test images")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("name", choices=[*TRAINED, "resnet20-cifar10"])
    options.add_argument("weights", type=Path, nargs="?", help="for resnet20-cifar10: network.safetensors of mtj-deep")
    options.add_argument("--made-by", default="", help="for resnet20-cifar10: the command that trained it")
    options.add_argument("--seed", type=int, default=0, help="of the training")
    given = options.parse_args()
    if given.name in TRAINED:
        train(given.name, given.seed)
    elif given.weights and given.made_by:
        take(given.name, given.weights, given.seed, given.made_by)
    else:
        options.error("resnet20-cifar10 needs the file of weights and --made-by, the command that trained it")


if __name__ == "__main__":
    main()
