"""`spinloom device NAME`: simulate a device or read its curves, draw them, print its key figures."""

from typing import TYPE_CHECKING

from spinloom.cli.arguments import Device

if TYPE_CHECKING:
    from spinloom.devices import OperatingCost, Response


def show_device(command: Device) -> None:
    """Simulate or read, print, and write files where `out` is given. Raises InputError, OutputError."""
    from rich.console import Console

    from spinloom.devices import catalogue, device_source, require_free
    from spinloom.errors import require_non_negative

    require_non_negative("(a fraction, 0.05 is 5 %)", spread=command.spread)
    require_free(command.device, command, "temperature", "spread", "devices")
    source = device_source(command.device, command.set, command.temperature, command.devices, command.seed)
    console = Console()
    with console.status("simulating"):
        response = source.fabricated(command.spread)
        cost = source.cost(None) if source.cost else None
    headline = f": {catalogue.headline(command.device)}" if command.device in catalogue.names() else ""
    console.print(f"[bold]{command.device}[/]{headline}", highlight=False)
    for key, value in source.parameters.items():
        console.print(f"  {key:<30} {value}", markup=False)
    _figures(response, cost)
    if command.out:
        _write(response, command)


def _figures(response: "Response", cost: "OperatingCost | None") -> None:
    import torch
    from rich.console import Console

    from spinloom.quantities import si

    nominal, x = response.nominal(), response.inputs
    ideal = torch.tanh(x)
    off = float((nominal.value[0] - ideal).abs().max())
    off_slope = float((nominal.slope[0] - (1 - ideal.square())).abs().max())
    lines = {
        "unit drive": f"{response.unit_drive:.3g} {response.drive_unit} stands for a network input of 1",
        "deviation from tanh": f"{off:.4f} at most; of the gradient {off_slope:.4f}",
        "noise of one read": f"{float(nominal.noise.mean()):.4f} of full scale, mean over the curve",
    }
    if cost is not None:
        at_one = int((cost.drive - response.unit_drive).abs().argmin())
        energies = (float(cost.write_energy[at_one]), cost.reset_energy, cost.read_energy)
        lines["write, reset, read"] = "{} at input 1, {}, {}".format(*(si(energy, "J") for energy in energies))
        lines["cycle"] = si(cost.cycle_time, "s")
    for name, text in lines.items():
        Console().print(f"  {name:<30} {text}", highlight=False)
    for sentence in cost.assumptions if cost is not None else ():
        Console().print(f"- {sentence}", highlight=False, markup=False)


def _write(response: "Response", command: Device) -> None:
    from rich.console import Console

    from spinloom.devices import save_response
    from spinloom.report import draw_curves, save

    assert command.out is not None
    save(command.out / "curves.png", draw_curves(response))
    save_response(command.out / "response.safetensors", response)
    Console().print(f"written: {command.out / 'curves.png'}, {command.out / 'response.safetensors'}", soft_wrap=True)
