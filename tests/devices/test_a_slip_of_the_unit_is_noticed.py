import warnings
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spinloom.devices import AutoOscillator, SpinDiode, Spread, TunnelJunction, TwoPolarizerMTJ, with_parameters
from spinloom.devices.parameters import KNOWN, require_plausible
from spinloom.errors import InputError, SpinloomWarning

IMPOSSIBLE = {
    "diameter": (80, r"diameter must be at most 0.001 m, got 80 m; did you mean 8e-08 m \(80 nm\)"),
    "thickness": (1.6, r"1.6e-09 m \(1.6 nm\)"),
    "polarization": (60, r"polarization must be at most 1, got 60; did you mean 0.6 \(60 %\)"),
    "pulse": (0.125, r"1.25e-10 s \(0.125 ns\)"),
    "read_voltage": (100, r"0.1 V \(100 mV\)"),
    "interface_anisotropy": (1.2, r"0.0012 J/m\^2 \(1.2 mJ/m\^2\)"),
    "exchange_stiffness": (13, r"1.3e-11 J/m \(13 pJ/m\)"),
    "resolution": (10, r"1e-08 m \(10 nm\)"),
}
UNUSUAL = {
    "damping": (1.5, r"damping is usually 0 to 0.5, got 1.5; did you mean 0.015 \(1.5 %\)"),
    "saturation_magnetization": (1000, r"1e\+06 A/m \(1000 emu/cm\^3 or kA/m\)"),
    "residual_field": (5, r"0.005 T \(5 mT\)"),
    "reset_current_density": (5, r"5e\+10 A/m\^2 \(5 MA/cm\^2\)"),
    "in_plane_tilt": ((0.0, 4.5), r"0.07854 rad \(4.5 degrees\)"),
    "amplifier_noise": (2, r"0.02 of full scale \(2 %\)"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_no_junction_can_have_is_refused_with_what_was_meant(name):
    value, message = IMPOSSIBLE[name]
    with pytest.raises(InputError, match=message):
        TwoPolarizerMTJ(**{name: value})
    with pytest.raises(InputError, match=message):
        replace(TwoPolarizerMTJ(), **{name: torch.tensor(float(value))})


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_few_junctions_have_is_a_warning_at_the_line_that_makes_it(name):
    value, message = UNUSUAL[name]
    with pytest.warns(SpinloomWarning, match=message) as caught:
        TwoPolarizerMTJ(**{name: value})
    assert caught[0].filename == __file__


def test_barriers_and_the_command_line_go_the_same_way():
    with pytest.raises(InputError, match=r"5e-12 ohm m\^2 \(5 ohm um\^2\)"):
        TunnelJunction(resistance_area=5)
    with pytest.raises(InputError, match=r"did you mean 1 \(100 %\)"):
        TunnelJunction(tmr=100)
    with pytest.warns(SpinloomWarning, match=r"did you mean 0.2 \(20 %\)"):
        TunnelJunction(tmr=20)
    with pytest.raises(InputError, match="did you mean 8e-08 m"):
        with_parameters(TwoPolarizerMTJ(), ["diameter=80"])
    with pytest.warns(SpinloomWarning, match=r"1e-05 A \(10 uA\)"):
        AutoOscillator(threshold=10.0, largest_current=torch.tensor([40.0]))
    with pytest.warns(SpinloomWarning, match=r"2.4e\+09 Hz \(2.4 GHz\)"):
        SpinDiode(frequency=2.4)
    with pytest.warns(SpinloomWarning, match=r"did you mean 0.05 \(5 %\)"):
        Spread.uniform(5)


def test_a_drive_and_a_temperature_out_of_scale_are_a_warning():
    device = TwoPolarizerMTJ()
    meant = r"got 5 A/m\^2; did you mean 5e\+10 A/m\^2 \(5 MA/cm\^2\)"
    with pytest.warns(SpinloomWarning, match=meant), pytest.raises(InputError, match="one of them in another unit"):
        device.simulate(torch.linspace(-5, 5, 3), temperature=0)
    with pytest.warns(SpinloomWarning, match="temperature is usually 0 to 1500 K, got 4000 K"):
        device.simulate(device.drives(2), temperature=4000, realizations=2)


def test_fabricated_devices_of_a_usual_design_never_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TwoPolarizerMTJ(diameter=4e-9, damping=0.4).fabricate(1000, Spread.uniform(0.5), seed=1)


@given(name=st.sampled_from(sorted(KNOWN)), part=st.floats(0, 1), sign=st.sampled_from([-1, 1]))
def test_everything_between_the_bounds_passes_in_silence(name, part, sign):
    known = KNOWN[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        require_plausible(**{name: sign * (known.low + part * (known.high - known.low))})
