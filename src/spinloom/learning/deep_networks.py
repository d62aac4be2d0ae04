"""The deep image networks with tanh-type neurons."""

from spinloom.learning.dense_network import densenet
from spinloom.learning.resnet import resnet20

__all__ = ["densenet", "resnet20"]
