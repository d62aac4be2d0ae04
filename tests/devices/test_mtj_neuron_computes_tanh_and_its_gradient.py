import pytest
import torch

from spinloom.devices import Response, Spread, TunnelJunction, TwoPolarizerMTJ
from spinloom.devices.mtj import simulation
from spinloom.errors import InputError

IDEAL = {"residual_field": 0.0, "damping": 0.0, "field_like": 0.0}


def cold(device: TwoPolarizerMTJ, drive: torch.Tensor | None = None, **settings) -> Response:
    """At 0 K by operations of PyTorch: no compiled loop for every variant of the device."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spinloom.magnetism.dynamics._compiled", lambda *_: False)
        return device.simulate(drive, temperature=0.0, dtype=torch.float64, **settings)


def test_an_ideal_junction_at_zero_kelvin_gives_tanh_and_its_derivative():
    response = cold(TwoPolarizerMTJ(**IDEAL))
    assert (response.value - response.inputs.tanh()).abs().max() <= 1e-6
    assert (response.slope - (1 - response.inputs.tanh() ** 2)).abs().max() <= 1e-6
    assert response.noise.max() == 0


def test_the_default_junction_stays_close_to_tanh():
    response = cold(TwoPolarizerMTJ())
    value = (response.value - response.inputs.tanh()).abs().max()
    slope = (response.slope - (1 - response.inputs.tanh() ** 2)).abs().max()
    print(f"default junction at 0 K: value off by {value:.4f}, slope by {slope:.4f}")
    assert value < 0.02
    assert slope < 0.03


def test_the_torque_at_fixed_current_skews_the_curve_as_its_closed_form():
    """dm_x/dt = a (1 - m_x^2) / (1 + eta^2 m_x): atanh(m) - eta^2 / 2 log(1 - m^2) = a tau."""
    response = cold(TwoPolarizerMTJ(**IDEAL, source="current", operation="single"))
    m = response.value[0]
    inside = m.abs() < 0.99
    expected = m.atanh() - 0.36 / 2 * torch.log(1 - m**2)
    torch.testing.assert_close(expected[inside], response.inputs[inside], rtol=0, atol=1e-5)


def test_reading_the_resistance_bends_the_curve_as_the_junction_does():
    barrier = TunnelJunction(tmr=1.0)
    straight, bent = (
        cold(TwoPolarizerMTJ(**IDEAL, readout=readout, operation="single")) for readout in ("conductance", "resistance")
    )
    torch.testing.assert_close(bent.value, barrier.read(straight.value, "resistance"), rtol=0, atol=1e-9)
    assert (bent.value - straight.value).abs().max() > 0.3


def test_a_tilted_polarizer_reads_and_writes_along_its_own_direction():
    response = cold(TwoPolarizerMTJ(**IDEAL, in_plane_tilt=(0.1, 0.0), operation="single"))
    torch.testing.assert_close(response.value[0, 60], torch.tensor(0.1).double().sin(), rtol=0, atol=1e-6)
    start = torch.tensor(0.1).double().sin().atanh()
    torch.testing.assert_close(response.value[0], (response.inputs + start).tanh(), rtol=0, atol=1e-6)


def test_a_bipolar_operation_cancels_the_shift_of_a_tilted_polarizer():
    """The mean of tanh(u + s) and -tanh(-u + s) is odd; its error is of second order in the shift s."""
    response = cold(TwoPolarizerMTJ(**IDEAL, in_plane_tilt=(0.1, 0.0), operation="bipolar"))
    start = torch.tensor(0.1).double().sin().atanh()
    expected = ((response.inputs + start).tanh() + (response.inputs - start).tanh()) / 2
    torch.testing.assert_close(response.value[0], expected, rtol=0, atol=1e-6)
    assert (response.value[0] - response.inputs.tanh()).abs().max() < 0.01


@pytest.mark.parametrize("devices", [1, 3])
def test_a_population_has_a_row_for_each_device(devices):
    drive = TwoPolarizerMTJ().drives(9)
    response = TwoPolarizerMTJ().simulate(drive, spread=Spread.uniform(0.05), devices=devices, realizations=4)
    assert response.value.shape == response.slope.shape == response.noise.shape == (devices, 9)
    assert response.value.dtype == response.drive.dtype == torch.float32
    assert response.metadata["realizations"] == "4"
    assert len(response.value[:, 4].unique()) == devices


def test_a_design_may_hold_several_devices_itself():
    diameters = torch.tensor([[60e-9], [120e-9]], dtype=torch.float64)
    response = cold(TwoPolarizerMTJ(diameter=diameters, interface_anisotropy=2e-5), devices=2)
    alone = cold(TwoPolarizerMTJ(diameter=120e-9, interface_anisotropy=2e-5))
    torch.testing.assert_close(response.value[1], alone.value[0], rtol=0, atol=1e-9)


def test_the_same_seed_gives_the_same_response_and_another_seed_another():
    def simulated(seed):
        drive = TwoPolarizerMTJ().drives(5)
        return TwoPolarizerMTJ().simulate(drive, spread=Spread.uniform(0.05), devices=2, realizations=4, seed=seed)

    first, again, other = simulated(3), simulated(3), simulated(4)
    for name in ("value", "slope", "noise"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert (getattr(first, name) != getattr(other, name)).all()


def test_halving_the_step_moves_the_curves_by_less_than_1e_3(monkeypatch):
    devices = {"devices": 8, "spread": Spread.uniform(0.1), "seed": 2}
    coarse = cold(TwoPolarizerMTJ(), **devices)
    monkeypatch.setattr(simulation, "STEP", simulation.STEP / 2)
    fine = cold(TwoPolarizerMTJ(), **devices)
    assert (coarse.value - fine.value).abs().max() < 1e-3
    assert (coarse.slope - fine.slope).abs().max() < 1e-3


def test_the_unit_drive_turns_m_by_one():
    device = TwoPolarizerMTJ(**IDEAL)
    response = cold(device, drive=torch.stack([-device.unit_drive, device.unit_drive]))
    torch.testing.assert_close(response.value[0, 1], torch.tensor(1.0).double().tanh(), rtol=0, atol=1e-9)


WRONG = {
    "thickness must be finite and > 0, got -1e-09 m": {"thickness": -1e-9},
    "diameter must be finite and > 0, got 0 m": {"diameter": 0.0},
    "polarization must be at most 1": {"polarization": 1.2},
    "reset_polarization must be at most 1": {"reset_polarization": 1.01},
    "damping must be finite and >= 0, got -0.1": {"damping": -0.1},
    "saturation_magnetization must be finite and > 0": {"saturation_magnetization": 0.0},
    "pulse must be finite and > 0, got 0 s": {"pulse": 0.0},
    "read_voltage must be finite and > 0": {"read_voltage": -0.1},
    "residual_field must be finite": {"residual_field": float("nan")},
    "source must be 'voltage' or 'current', got 'power'": {"source": "power"},
    "readout must be 'conductance' or 'resistance', got 'ohm'": {"readout": "ohm"},
}


@pytest.mark.parametrize("message", WRONG)
def test_impossible_designs_are_refused(message):
    with pytest.raises(InputError, match=message):
        TwoPolarizerMTJ(**WRONG[message])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"devices": 0}, "devices must be a whole number >= 1, got 0"),
        ({"realizations": 1}, "realizations must be a whole number >= 2 at 300 K"),
        ({"temperature": -1.0}, "temperature must be finite and >= 0, got -1 K"),
    ],
)
def test_impossible_populations_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        TwoPolarizerMTJ().simulate(**settings)


def test_a_design_with_several_thicknesses_is_refused():
    with pytest.raises(InputError, match="must be single numbers"):
        cold(TwoPolarizerMTJ(thickness=torch.tensor([[1e-9], [2e-9]])), devices=2)
