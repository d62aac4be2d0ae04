"""Every layer of ours keeps the contract of hardware layers; the same verbs work on a network of all of them."""

import torch
from populations import population
from torch import nn

from spinloom.nn import (
    Affine,
    Converters,
    DeviceActivation,
    count_devices,
    hardware_layers,
    ideal,
    members,
    planned,
    real,
    resample,
    rewind,
)
from spinloom.nn.radio import Band, Imperfections, Oscillators, ResonatorChains, RFConv2d, plan
from spinloom.testing import HardwareLayerContract

SPREAD = Imperfections(0.01, 0.02, 0.03, 0.04, 0.05, temperature=300.0, power_noise=0.02)


def uniform(*shape: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.rand(shape, generator=torch.Generator().manual_seed(3))


class TestDeviceActivation(HardwareLayerContract):
    derives = False

    def layer(self):
        return DeviceActivation(population(), seed=4)

    def inputs(self):
        return 4 * uniform(5, 3, 2, 2) - 2

    def wrong_inputs(self):
        return torch.ones(5, 3).long(), torch.tensor(1.0)


class TestDeviceActivationByExactGradients(TestDeviceActivation):
    derives = True

    def layer(self):
        layer = DeviceActivation(population(), sharing="channel", affine=Affine(0.5, 0.1, 2.0), seed=4)
        return layer.use_gradient("exact")


class TestDeviceActivationBehindConverters(TestDeviceActivation):
    def layer(self):
        return DeviceActivation(population(), sharing="shared", converters=Converters(8, 6))


class TestResonatorChains(HardwareLayerContract):
    def layer(self):
        return ResonatorChains(plan("geometric", 6, Band()), 3, linewidth=0.05).fabricate(SPREAD)

    def inputs(self):
        return uniform(5, 6, scale=1e-6)

    def wrong_inputs(self):
        return -self.inputs(), self.inputs()[:, 1:]


class TestChainsThatTakePowerAndTrainTheirInputs(TestResonatorChains):
    def layer(self):
        chains = ResonatorChains(
            plan("geometric", 6, Band()),
            3,
            plan("linear", 4, Band()),
            linewidth=0.05,
            absorption=0.3,
            train_inputs=True,
        )
        return chains.fabricate(SPREAD)


class TestRFConv2d(HardwareLayerContract):
    def layer(self):
        return RFConv2d(2, 3, 3, linewidth=0.02).fabricate(SPREAD)

    def inputs(self):
        return uniform(4, 2, 5, 5, scale=1e-6)

    def wrong_inputs(self):
        return -self.inputs(), self.inputs()[:, 1:], self.inputs()[..., :2]


class TestRFConv2dInParallel(TestRFConv2d):
    def layer(self):
        made = RFConv2d(2, 3, 3, padding=1, layout="parallel", image=(5, 5), linewidth=1e-3, band=Band(1e7, 1e9))
        return made.fabricate(SPREAD)


class TestOscillators(HardwareLayerContract):
    def layer(self):
        return Oscillators(6).fabricate(SPREAD)

    def inputs(self):
        return uniform(5, 6, scale=6e-3) - 6e-3

    def wrong_inputs(self):
        return (self.inputs()[:, 1:],)


class Mixed(nn.Sequential):
    """Data through chains and oscillators in watts, volts and watts, then junctions."""

    def __init__(self) -> None:
        chains = ResonatorChains(plan("geometric", 6, Band()), 4, linewidth=0.05).fabricate(SPREAD)
        super().__init__(chains, Oscillators(4).fabricate(SPREAD), DeviceActivation(population(), seed=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        chains, oscillators, junctions = self
        return junctions(1e6 * oscillators(chains(1e-6 * x)))


def test_a_mixed_network_is_fabricated_switched_and_rewound_as_one():
    network, x = Mixed(), uniform(5, 6)

    def run(times=1):
        with torch.no_grad():
            return torch.stack([network(x) for _ in range(times)])

    resample(network, 3)
    first = run(3)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(run(3), first) is False
    rewind(network)
    assert torch.equal(run(3), first)
    with planned(network):
        flat = run(2)
        assert torch.equal(flat[0], flat[1])
    assert torch.equal(run(3), first) is False, "after the block the devices are real again"
    assert torch.equal(ideal(network)(x), flat[0])
    assert not torch.equal(real(network, read_noise=False)(x), flat[0])
    assert torch.equal(resample(real(network), 3)(x), first[0])
    assert count_devices(network) == {"0": 24, "1": 4, "2": 4}
    assert list(hardware_layers(network)) == ["0", "1", "2"]
    members(network, [3])
    assert torch.equal(run()[0], first[0]), "one instance, as resample gives it"
