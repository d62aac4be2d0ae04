"""Mistakes that a type checker would find, for those who run none: never a traceback from inside PyTorch."""

from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from spinloom.devices import (
    AutoOscillator,
    Response,
    SimulatedDiode,
    SimulatedOscillator,
    SpinDiode,
    Spread,
    TunnelJunction,
    TwoPolarizerMTJ,
    design_curves,
    load_response,
    read_curve,
    save_response,
    with_parameters,
)
from spinloom.errors import InputError
from spinloom.magnetism import Applied, Constant, Demagnetization, EllipticCylinder, Magnet, Material

WRONG = ("x", (1.0, 2.0), [1.0], object(), {}, b"x", torch.ones(2, 3).tolist())
X = torch.linspace(-3, 3, 7, dtype=torch.float64)
CURVE = {"drive": X, "value": X.tanh()[None], "slope": 1 / X.cosh()[None] ** 2, "noise": 0 * X[None], "unit_drive": 1.0}
FIELDS = (Demagnetization(EllipticCylinder(1e-7, 1e-7, 1.6e-9)), Applied(Constant(5e5), (0.0, 0.0, 1.0)))
LAYER = {"magnet": Magnet(Material(8e5, 0.01), 1e-23, FIELDS), "thickness": 1.6e-9}
MTJ, BARRIER, DIODE, NEURON = TwoPolarizerMTJ(), TunnelJunction(), SpinDiode(), AutoOscillator()
MADE = {
    TwoPolarizerMTJ: {},
    TunnelJunction: {},
    SpinDiode: {},
    AutoOscillator: {},
    Response: CURVE,
    SimulatedDiode: LAYER,
    SimulatedOscillator: LAYER,
}
CALLS = {
    "simulate": (
        MTJ.simulate,
        {"drive": MTJ.drives(2), "devices": 1, "temperature": 300, "realizations": 2, "seed": 0},
    ),
    "simulate as": (MTJ.simulate, {"spread": None, "dtype": torch.float32}),
    "fabricate": (MTJ.fabricate, {"devices": 1, "spread": None, "seed": 0}),
    "drives": (MTJ.drives, {"points": 3, "largest": 2.0}),
    "cost": (MTJ.cost, {"drive": MTJ.drives(2)}),
    "write_voltage": (MTJ.write_voltage, {"current_density": 1e11}),
    "conductance": (BARRIER.conductance, {"cosine": X}),
    "read_noise": (BARRIER.read_noise, {"area": 1e-14, "voltage": 0.1, "length": 1e-9, "temperature": 300}),
    "uniform": (Spread.uniform, {"sigma": 0.1}),
    "spread": (Spread, {"diameter": 0.1, "gain": 0.2}),
    "with_read_noise": (Response(**CURVE).with_read_noise, {"sigma": 0.1, "slope": 0.1}),
    "with_stuck": (Response(**CURVE).with_stuck, {"fraction": 0.1, "rows": 10}),
    "diode": (DIODE.voltage, {"power": 1e-6, "frequency": 1e8}),
    "oscillator": (NEURON.full_width, {"current": 2e-5, "temperature": 300}),
    "transient": (NEURON.transient, {"current": 2e-5, "duration": 1e-8, "start": 0.1, "steps": 2}),
    "design_curves": (design_curves, {"device": MTJ, "drive": X, "starts": X, "step": 1e-12}),
    "save": (save_response, {"response": Response(**CURVE), "path": Path()}),
    "with_parameters": (with_parameters, {"device": MTJ, "assignments": []}),
}


@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
@pytest.mark.parametrize("made", MADE, ids=lambda made: made.__name__)
def test_in_a_parameter_of_a_device_is_an_input_error_or_converted(made):
    for part in fields(made):
        for wrong in WRONG:
            with suppress(InputError):
                made(**{**MADE[made], part.name: wrong})


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
def test_in_a_call_is_an_input_error_or_converted(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where "x" is a path to save to
    function, given = CALLS[call]
    for name in given.keys() - {"device"}:
        for wrong in WRONG:
            with suppress(InputError):
                function(**{**given, name: wrong})


@pytest.mark.parametrize("made", [TwoPolarizerMTJ, TunnelJunction, SpinDiode, AutoOscillator])
@pytest.mark.parametrize("wrong", ["1e-9", (1.0, 2.0), [1e-9]])
def test_in_the_first_parameter_is_named(made, wrong):
    name = fields(made)[0].name
    with pytest.raises(InputError, match=f"{name} must be"):
        made(**{name: wrong})


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, float("nan"), None, "3"])
def test_in_a_count(wrong):
    for call in (
        lambda n: MTJ.fabricate(n, None),
        MTJ.drives,
        lambda n: MTJ.simulate(devices=n),
        lambda n: NEURON.transient(1e-5, 1e-8, steps=n),
    ):
        with pytest.raises(InputError, match="must be a whole number >= "):
            call(wrong)


@pytest.mark.parametrize("seed", [None, "1", 1.5, True, 2**63, [1]])
def test_in_a_seed(seed):
    with pytest.raises(InputError, match="seed must be a whole number of at most 63 bits or"):
        MTJ.fabricate(1, None, seed)


@pytest.mark.parametrize("path", [None, 5, [1.0], object()])
def test_in_a_path(path):
    for read in (load_response, read_curve):
        with pytest.raises(InputError, match="a path must be a text"):
            read(path)


@pytest.mark.parametrize("name", ["diameter", "damping", "reset_drive", "field_like", "residual_field"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (1,), (2, 2, 1)])
def test_in_the_shape_of_a_parameter(name, shape):
    given = torch.full(shape, getattr(MTJ, name), dtype=torch.float64)
    with pytest.raises(InputError, match=rf"{name} must be one number or a tensor \(devices, 1\), got shape"):
        TwoPolarizerMTJ(**{name: given})


@pytest.mark.parametrize("name", ["pulse", "reset", "read", "read_voltage", "amplifier_noise", "resolution"])
def test_in_what_all_devices_share(name):
    with pytest.raises(InputError, match=f"{name} must be one number in|{name} must be one number"):
        TwoPolarizerMTJ(**{name: torch.full((2, 1), 1e-9)})


def test_in_the_number_of_devices():
    three = TwoPolarizerMTJ(diameter=torch.full((3, 1), 1e-7))
    assert three.fabricate(3, None).area.shape == (3, 1)
    with pytest.raises(InputError, match="diameter is that of 3 devices, 2 are asked for; pass devices=3"):
        three.simulate(devices=2)
    with pytest.raises(InputError, match="the cost is that of one design; these hold several devices: diameter"):
        three.cost()
    with pytest.raises(InputError, match=r"different numbers of devices: \[2, 3\]"):
        TwoPolarizerMTJ(diameter=torch.full((3, 1), 1e-7), damping=torch.full((2, 1), 0.01))
