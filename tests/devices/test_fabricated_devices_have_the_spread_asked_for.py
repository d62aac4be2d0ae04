import math

import pytest
import torch

from spinloom.devices import Spread, TwoPolarizerMTJ
from spinloom.errors import InputError

DEVICES = 20000
SPREAD = Spread(diameter=0.03, thickness=0.05, anisotropy=0.07, damping=0.2, polarization=0.04, polarizer_angle=0.06)


@pytest.fixture(scope="module")
def made() -> TwoPolarizerMTJ:
    return TwoPolarizerMTJ().fabricate(DEVICES, SPREAD, 1)


@pytest.mark.parametrize(
    ("name", "nominal", "sigma"),
    [
        ("diameter", 120e-9, 0.03),
        ("thickness", 1.6e-9, 0.05),
        ("interface_anisotropy", None, 0.07),
        ("damping", 0.01, 0.2),
        ("polarization", 0.6, 0.04),
        ("reset_polarization", 0.6, 0.04),
    ],
)
def test_every_parameter_has_its_mean_and_standard_deviation(name, nominal, sigma, made):
    nominal = nominal or float(TwoPolarizerMTJ().anisotropy)
    relative = getattr(made, name) / nominal
    assert relative.shape == (DEVICES, 1)
    assert float(relative.mean()) == pytest.approx(1, abs=4 * sigma / DEVICES**0.5)
    assert float(relative.std()) == pytest.approx(sigma, rel=4 * (0.5 + 4 * sigma**2) ** 0.5 / DEVICES**0.5)
    assert (relative > 0).all()


def test_tilts_are_centred_with_a_share_of_a_right_angle_as_deviation(made):
    for tilt in (*made.in_plane_tilt, *made.perpendicular_tilt):
        sigma = 0.06 * math.pi / 2
        assert float(tilt.mean()) == pytest.approx(0, abs=4 * sigma / DEVICES**0.5)
        assert float(tilt.std()) == pytest.approx(sigma, rel=4 / (2 * DEVICES) ** 0.5)


def test_parameters_vary_independently_of_each_other(made):
    columns = [made.diameter, made.thickness, made.damping, made.polarization, made.reset_polarization]
    columns += [made.anisotropy, *made.in_plane_tilt, *made.perpendicular_tilt]
    correlation = torch.corrcoef(torch.cat(columns, 1).T) - torch.eye(len(columns))
    assert correlation.abs().max() < 5 / DEVICES**0.5


def test_references_stay_unit_vectors(made):
    for reference in made.references():
        length = torch.stack(torch.broadcast_tensors(*reference)).norm(dim=0)
        torch.testing.assert_close(length, torch.ones_like(length))


def test_fabricated_devices_share_one_reset_supply(made):
    torch.testing.assert_close(made.reset_density, TwoPolarizerMTJ().reset_density)


def test_without_spread_every_device_is_the_design():
    made = TwoPolarizerMTJ().fabricate(3, None)
    torch.testing.assert_close(made.thickness, torch.full((3, 1), 1.6e-9, dtype=torch.float64))
    torch.testing.assert_close(made.anisotropy, TwoPolarizerMTJ().anisotropy.expand(3, 1))


def test_a_thicker_device_is_not_compensated_again():
    design = TwoPolarizerMTJ()
    made = design.fabricate(50, Spread(thickness=0.1), 3)
    torch.testing.assert_close(made.anisotropy, design.anisotropy.expand(50, 1))


def test_the_tilt_of_the_design_is_kept():
    made = TwoPolarizerMTJ(in_plane_tilt=(0.2, 0.0)).fabricate(2000, Spread(polarizer_angle=0.02), 4)
    assert float(made.in_plane_tilt[0].mean()) == pytest.approx(0.2, abs=4 * 0.02 * math.pi / 2 / 2000**0.5)


def test_same_seed_same_devices():
    first, again, other = (TwoPolarizerMTJ().fabricate(5, SPREAD, seed).diameter for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert (first != other).all()


def test_uniform_sets_every_part_and_negative_spread_is_refused():
    named = Spread(dict.fromkeys(TwoPolarizerMTJ.spreads(), 0.05))
    every, fraction, each = (
        TwoPolarizerMTJ().fabricate(3, spread, 1) for spread in (Spread.uniform(0.05), 0.05, named)
    )
    for name in ("diameter", "damping", "in_plane_tilt"):
        assert str(getattr(every, name)) == str(getattr(fraction, name)) == str(getattr(each, name))
    assert every.diameter.std() > 0
    with pytest.raises(InputError, match="unknown parameter of the spread 'diametre': did you mean 'diameter'"):
        TwoPolarizerMTJ().fabricate(3, Spread(diametre=0.1))
    with pytest.raises(InputError, match=r"thickness must be finite and >= 0, got -0.1"):
        Spread(thickness=-0.1)
