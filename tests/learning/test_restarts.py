"""Restarts of one device, and the best of many starts."""

import torch
from torch import nn

from spinloom.learning import fabricate_restarts, keep_best_start
from spinloom.nn.radio import Imperfections, NineJunctions


def test_restarts_share_a_device_and_devices_differ():
    network = NineJunctions(0.01, (6,))
    fabricate_restarts(network, Imperfections(0.05, 0.05, 0.05, 0.05, 0.05), 2, 0)
    factors = [factor for layer in network.chains for name, factor in layer.named_buffers() if name.endswith("_factor")]
    factors.append(network.reader.power_factor)
    for factor in factors:
        assert torch.equal(factor[0], factor[1])
        assert torch.equal(factor[0], factor[2])
        assert not torch.equal(factor[2], factor[3])


def test_every_member_keeps_its_own_best_start():
    network = nn.Module()
    network.place = nn.Parameter(torch.zeros(2))
    drawn = iter(torch.tensor([[3.0, 1.0], [0.5, 4.0], [2.0, 2.0]]))
    wanted = torch.tensor([0.0, 2.5])
    keep_best_start(
        network,
        lambda: network.place.copy_(next(drawn)),
        lambda: (network.place - wanted).abs(),
        3,
    )
    assert network.place.tolist() == [0.5, 2.0]
