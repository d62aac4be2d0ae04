"""`spinloom device NAME`: simulate a device, draw its curves, print its key figures."""

from importlib import import_module
from typing import TYPE_CHECKING

from spinloom.cli.arguments import Device

if TYPE_CHECKING:
    from spinloom.devices import OperatingCost, Response

DEVICES = {
    "mtj-neuron": (
        "tunnel junction with two polarizers: m_x is a tanh neuron, m_z^2 its gradient",
        "spinloom.devices.mtj_neuron:TwoPolarizerMTJ",
    ),
}
"""By name: what it is, and where its class stands. The class has `simulate` and `cost`."""


def show_device(command: Device) -> None:
    """Simulate, print, and write files where `out` is given. Raises InputError, OutputError."""
    from rich.console import Console

    from spinloom.devices import Spread, with_parameters
    from spinloom.errors import require_non_negative, unknown_name
    from spinloom.quantities import parameters

    if command.name not in DEVICES:
        raise unknown_name("device", command.name, DEVICES)
    require_non_negative("(a fraction, 0.05 is 5 %)", spread=command.spread)
    headline, place = DEVICES[command.name]
    module, _, name = place.partition(":")
    device = with_parameters(getattr(import_module(module), name)(), command.set)
    console = Console()
    spread = Spread.uniform(command.spread) if command.spread else None
    with console.status("simulating"):
        response = device.simulate(
            spread=spread,
            devices=command.devices if spread else 1,
            temperature=command.temperature,
            seed=command.seed,
        )
        cost = device.cost()
    console.print(f"[bold]{command.name}[/]: {headline}", highlight=False)
    for key, value in parameters(device).items():
        console.print(f"  {key:<30} {value}", markup=False)
    _figures(response, cost)
    if command.out:
        _write(response, command)


def _figures(response: "Response", cost: "OperatingCost") -> None:
    import torch
    from rich.console import Console

    from spinloom.quantities import si

    nominal, x = response.nominal(), response.inputs
    ideal = torch.tanh(x)
    off = float((nominal.value[0] - ideal).abs().max())
    off_slope = float((nominal.slope[0] - (1 - ideal.square())).abs().max())
    at_one = int((cost.drive - response.unit_drive).abs().argmin())
    lines = {
        "unit drive": f"{response.unit_drive:.3g} {response.drive_unit} stands for a network input of 1",
        "deviation from tanh": f"{off:.4f} at most; of the gradient {off_slope:.4f}",
        "noise of one read": f"{float(nominal.noise.mean()):.4f} of full scale, mean over the curve",
        "write, reset, read": ", ".join(
            (
                si(float(cost.write_energy[at_one]), "J") + " at input 1",
                si(cost.reset_energy, "J"),
                si(cost.read_energy, "J"),
            )
        ),
        "cycle": si(cost.cycle_time, "s"),
    }
    for name, text in lines.items():
        Console().print(f"  {name:<30} {text}", highlight=False)
    for sentence in cost.assumptions:
        Console().print(f"- {sentence}", highlight=False, markup=False)


def _write(response: "Response", command: Device) -> None:
    from rich.console import Console

    from spinloom.devices import response_files
    from spinloom.report import draw_curves, save

    assert command.out is not None
    save(command.out / "curves.png", draw_curves(response))
    response_files.save(response, command.out / "response.safetensors")
    Console().print(f"written: {command.out / 'curves.png'}, {command.out / 'response.safetensors'}", soft_wrap=True)
