import pytest
import torch

from spinloom.devices import Spread, TwoPolarizerMTJ
from spinloom.errors import InputError


def test_a_wide_spread_of_polarization_at_fixed_current_can_be_simulated():
    """At a polarization of 1 the torque diverges where m is opposite to the polarizer: no step is short enough."""
    device = TwoPolarizerMTJ(source="current", operation="single", reset=20e-12, read=8e-12)
    spread = Spread(polarization=0.6)
    assert float(device.fabricate(64, spread, 1).polarization.max()) == 0.95
    drive = device.drives(5).requires_grad_()  # eager: no compiled loop for this variant
    response = device.simulate(drive, spread=spread, devices=64, temperature=0.0, seed=1)
    assert response.value.abs().max() <= 1.0001


def test_a_half_metal_is_for_a_voltage_source_only():
    assert TwoPolarizerMTJ(polarization=1.0, source="voltage").fabricate(2, None).polarization.eq(1).all()
    for name in ("polarization", "reset_polarization"):
        for value in (1.0, torch.tensor([[0.5], [0.99]])):
            with pytest.raises(InputError, match=f"^{name} must be at most 0.95 with source='current', got"):
                TwoPolarizerMTJ(source="current", **{name: value})
