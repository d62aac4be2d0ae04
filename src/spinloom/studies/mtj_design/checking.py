"""Both designs resolved in space: their curves at 0 K, and at temperature with and without device spread."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

from spinloom.devices import Response, Spread, TwoPolarizerMTJ, design_curves
from spinloom.progress import bar
from spinloom.studies.mtj_design.objective import LARGEST_INPUT, STARTS
from spinloom.studies.mtj_design.plan import Plan
from spinloom.studies.mtj_design.settings import Settings
from spinloom.studies.mtj_parts.stages import Stages

POINT_READS, POINT_DEVICES, POINT_DEVICE_READS = 512, 256, 16


@dataclass(frozen=True)
class Ideal:
    """Curves at 0 K over `inputs` (points,): mean over what the reset can find, and the root mean square error."""

    inputs: torch.Tensor
    value: torch.Tensor
    slope: torch.Tensor
    distance: float


@dataclass(frozen=True)
class Checked:
    """One design. ideal: on the mesh at 0 K; point_distance: that of a macrospin.

    nominal, fabricated: on the mesh at temperature. point, point_fabricated: the same of macrospins, many more.
    """

    ideal: Ideal
    point_distance: float
    nominal: Response
    fabricated: Response
    point: Response
    point_fabricated: Response


def checked(title: str, device: TwoPolarizerMTJ, plan: Plan, settings: Settings, stages: Stages) -> Checked:
    """Simulate, or take what an earlier run simulated."""
    resolved = replace(device, resolution=plan.resolution)
    drive = device.drives(plan.check_points, LARGEST_INPUT)
    spread = Spread.uniform(settings.spread) if settings.spread else None
    common: dict[str, Any] = {"temperature": settings.temperature, "seed": settings.seed}
    with bar(f"checks, {title}") as report:

        def stage(number: int, name: str, compute: Callable[[], Any], **kept: Any) -> Any:
            report(number, 6, name)
            return stages.get(name, {"device": str(device), "points": plan.check_points, **kept}, compute)

        def simulated(device: TwoPolarizerMTJ, **counts: Any) -> dict[str, Any]:
            return _plain(device.simulate(drive, **counts, **common))

        made = {"devices": plan.devices, "realizations": plan.device_realizations}
        mesh = {"resolution": plan.resolution}
        few, many = {"realizations": plan.realizations}, {"realizations": POINT_READS}
        ideal = stage(0, "ideal", lambda: _ideal(resolved, plan.check_points), **mesh)
        point_distance = stage(1, "ideal-macrospin", lambda: _ideal(device, plan.check_points))["distance"]
        point = stage(2, "macrospin", lambda: simulated(device, **many), **many)
        crowd = {"spread": settings.spread, "devices": POINT_DEVICES, "realizations": POINT_DEVICE_READS}
        point_made = stage(3, "macrospins", lambda: simulated(device, **crowd | {"spread": spread}), **crowd)
        nominal = stage(4, "nominal", lambda: simulated(resolved, **few), **few, **mesh)
        fabricated = stage(
            5, "fabricated", lambda: simulated(resolved, spread=spread, **made), spread=settings.spread, **made, **mesh
        )
        report(6, 6, "")
    inputs, value, slope = (torch.tensor(ideal[key], dtype=torch.float64) for key in ("inputs", "value", "slope"))
    return Checked(
        Ideal(inputs, value, slope, ideal["distance"]),
        point_distance,
        _response(nominal),
        _response(fabricated),
        _response(point),
        _response(point_made),
    )


def distance(response: Response) -> float:
    """Root mean square of (value - tanh, slope - sech^2) together, over the devices and the inputs."""
    ideal = response.inputs.double().tanh()
    errors = (response.value - ideal).square() + (response.slope - 1 + ideal.square()).square()
    return float(errors.mean().sqrt())


def noise(response: Response) -> float:
    """Root mean square of the noise of one read over the inputs."""
    return float(response.noise.double().square().mean().sqrt())


def _ideal(device: TwoPolarizerMTJ, points: int) -> dict[str, Any]:
    inputs = torch.linspace(-LARGEST_INPUT, LARGEST_INPUT, points, dtype=torch.float64)
    with torch.no_grad():
        value, slope = design_curves(device, inputs * device.unit_drive, torch.tensor(STARTS, dtype=torch.float64))
    wanted = inputs.tanh()[:, None]
    errors = (value - wanted).square() + (slope - 1 + wanted.square()).square()
    return {
        "inputs": inputs.tolist(),
        "value": value[0].mean(-1).tolist(),
        "slope": slope[0].mean(-1).tolist(),
        "distance": float(errors.mean().sqrt()),
    }


def _plain(response: Response) -> dict[str, Any]:
    curves = {key: getattr(response, key).double().tolist() for key in ("drive", "value", "slope", "noise")}
    return {**curves, "unit_drive": response.unit_drive}


def _response(plain: dict[str, Any]) -> Response:
    keys = ("drive", "value", "slope", "noise")
    drive, value, slope, noise = (torch.tensor(plain[key], dtype=torch.float64) for key in keys)
    return Response(drive, value, slope, noise, plain["unit_drive"])
