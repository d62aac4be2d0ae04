"""The data sets Spinloom knows by name."""

from spinloom.data.cifar_sets import CIFAR10, CIFAR100
from spinloom.data.idx_sets import FASHION_MNIST, MNIST
from spinloom.data.packaged import MNIST_5K
from spinloom.data.spec import DatasetSpec
from spinloom.data.spectra_sets import DRONE_RF
from spinloom.errors import unknown_name

CATALOGUE = {spec.name: spec for spec in (FASHION_MNIST, MNIST, CIFAR10, CIFAR100, MNIST_5K, DRONE_RF)}


def names() -> tuple[str, ...]:
    """The names of all known data sets."""
    return tuple(CATALOGUE)


def find(name: "str | DatasetSpec") -> DatasetSpec:
    """The data set of that name, or the given specification itself. Raises InputError for an unknown name."""
    if isinstance(name, DatasetSpec):
        return name
    if not isinstance(name, str) or name not in CATALOGUE:
        raise unknown_name("data set", name, (*CATALOGUE, "auto"))
    return CATALOGUE[name]
