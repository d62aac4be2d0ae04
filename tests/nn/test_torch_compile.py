"""Device layers in networks that torch.compile compiles: the reads of the plain network, to the bit."""

import pytest
import torch
from populations import population
from torch import nn
from torch._dynamo.testing import CompileCounter

from spinloom.nn import rewind, to_hardware

X = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))


class Plain(nn.Sequential):
    """Without the loop of nn.Sequential, which torch.compile gives up where it holds a layer that it leaves out."""

    def forward(self, x):
        return self[2](self[1](self[0](x)))


def network(kind: type[nn.Sequential], noise: float) -> nn.Module:
    torch.manual_seed(0)
    model = kind(nn.Linear(6, 13), nn.Tanh(), nn.Linear(13, 3))
    return to_hardware(model, population(noise=noise).with_read_noise(0.0, noise), example_input=X)


def reads(model: nn.Module) -> list[torch.Tensor]:
    """Outputs and weight gradients of one forward and backward pass after the other."""
    found = []
    for _ in range(12):
        out = model(X)
        found += [out.detach(), *torch.autograd.grad(out.square().sum(), list(model.parameters()))]
    return found


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize(("kind", "parts"), [(Plain, 2), (nn.Sequential, 0)])  # before and behind the devices
def test_a_compiled_network_reads_as_the_plain_one_and_is_compiled_once(kind, parts, noise):
    torch._dynamo.reset()
    model, graphs = network(kind, noise), CompileCounter()
    compiled = torch.compile(model, backend=graphs)
    got = reads(compiled)
    assert all(torch.equal(a, b) for a, b in zip(got, reads(rewind(model)), strict=True))
    assert torch.equal(got[0], got[5]) == (noise == 0)
    assert graphs.frame_count == parts
