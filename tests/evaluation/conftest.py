"""What evaluation is tried on: a tiny network and inputs that it classifies without a mistake."""

import pytest
import torch
from torch import nn

from spinloom.evaluation import Examples


@pytest.fixture
def network() -> nn.Sequential:
    """16 inputs, 12 tanh neurons, 3 classes, random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 3))


@pytest.fixture
def examples(network: nn.Sequential) -> Examples:
    """250 inputs labelled by the network itself, so that it is right on all of them."""
    inputs = torch.randn(250, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return Examples(inputs, network(inputs).argmax(1))
