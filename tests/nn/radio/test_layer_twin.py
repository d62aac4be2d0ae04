"""The twin of a fabricated network layer by layer."""

import torch

from spinloom.nn.radio import Imperfections, fabricate, multilayer, radio_layers, through_layers, through_twin


def test_it_gives_the_devices_value_and_the_ideal_gradient():
    x = torch.rand(45, 16, generator=torch.Generator().manual_seed(0))
    network = multilayer((16, 8, 3), members=(2,), readout=300.0, transconductance=0.5e-3, bias=40e-3)

    def by_layer(network, x):
        return through_layers(network, x, wider=1.0)

    def slopes(forward):
        network.zero_grad()
        forward(network, x).square().sum().backward()
        return [parameter.grad.clone() for parameter in network.parameters()]

    assert torch.equal(by_layer(network, x), network(x))
    for one, two in zip(slopes(by_layer), slopes(lambda network, x: network(x)), strict=True):
        torch.testing.assert_close(one, two)
    fabricate(network, Imperfections.spread(0.02), 1)
    torch.testing.assert_close(by_layer(network, x), network(x), rtol=0, atol=0)
    by_layers, whole = slopes(by_layer), slopes(through_twin)
    # the last bias acts behind all devices: there both are exact; in front of hidden ones they differ
    torch.testing.assert_close(by_layers[-1], whole[-1])
    assert not torch.allclose(by_layers[0], whole[0])
    assert all(layer.spread and layer.read_noise for layer in radio_layers(network).values())


def test_a_wider_twin_keeps_the_value_and_the_linewidths_of_the_devices():
    x = torch.rand(5, 16, generator=torch.Generator().manual_seed(0))
    network = fabricate(multilayer((16, 3), members=(1,)), Imperfections.spread(0.02), 1)
    torch.testing.assert_close(through_layers(network, x), network(x), rtol=0, atol=0)
    assert [layer.linewidth for layer in radio_layers(network).values()] == [0.01]
