"""The two sizes of the study."""

from dataclasses import dataclass, replace

from spinloom.devices import TwoPolarizerMTJ, with_parameters
from spinloom.errors import InputError, require_non_negative
from spinloom.studies.mtj_design.parameters import shares_of
from spinloom.studies.mtj_design.settings import Settings
from spinloom.studies.mtj_parts.plan import REDUCED as NETWORK
from spinloom.studies.mtj_parts.plan import Plan as NetworkPlan

LARGEST_SPREAD = 0.3


@dataclass(frozen=True)
class Plan:
    """How much is descended and checked.

    points: network inputs from 0 to the largest in the objective. evaluations: of the descent on a macrospin, then on a
    mesh of `cells` cells across. resolution: m, of the mesh that checks at room temperature. check_points,
    realizations, devices, device_realizations: drives, thermal runs of the nominal device, fabricated devices and
    thermal runs of each. diameters (m), pulses (s): at which a macrospin is compared with a mesh; dense_diameters,
    dense_pulses: the same at twice the saturation magnetisation. network: what is trained.
    """

    points: int
    evaluations: int
    mesh_evaluations: int
    cells: int
    resolution: float
    check_points: int
    realizations: int
    devices: int
    device_realizations: int
    diameters: tuple[float, ...]
    dense_diameters: tuple[float, ...]
    pulses: tuple[float, ...]
    dense_pulses: tuple[float, ...]
    network: NetworkPlan


REDUCED = Plan(
    points=8,
    evaluations=24,
    mesh_evaluations=5,
    cells=8,
    resolution=15e-9,
    check_points=15,
    realizations=16,
    devices=16,
    device_realizations=4,
    diameters=(30e-9, 60e-9, 90e-9, 120e-9, 160e-9, 200e-9),
    dense_diameters=(30e-9, 60e-9, 90e-9, 120e-9),
    pulses=(50e-12, 125e-12, 250e-12, 400e-12),
    dense_pulses=(),
    network=replace(NETWORK, images_seen=96_000),
)
FULL = Plan(
    points=11,
    evaluations=60,
    mesh_evaluations=30,
    cells=12,
    resolution=10e-9,
    check_points=21,
    realizations=32,
    devices=24,
    device_realizations=4,
    diameters=(30e-9, 45e-9, 60e-9, 90e-9, 120e-9, 150e-9, 200e-9),
    dense_diameters=(30e-9, 45e-9, 60e-9, 90e-9, 120e-9, 150e-9, 200e-9),
    pulses=(50e-12, 90e-12, 125e-12, 180e-12, 250e-12, 400e-12),
    dense_pulses=(50e-12, 90e-12, 125e-12, 180e-12, 250e-12, 400e-12),
    network=replace(NETWORK, noise_seeds=10, instances=20),
)


def plan_of(settings: Settings) -> Plan:
    """The size asked for. Raises InputError for settings that cannot be."""
    require_non_negative("", spread=settings.spread, energy_weight=settings.energy_weight)
    require_non_negative("K", temperature=settings.temperature)
    if settings.spread > LARGEST_SPREAD:
        raise InputError(f"spread must be at most {LARGEST_SPREAD} (0.05 means 5 %), got {settings.spread:g}")
    if settings.instances is not None and settings.instances < 1:
        raise InputError(f"instances must be >= 1, got {settings.instances}")
    return FULL if settings.full else REDUCED


def start_of(settings: Settings) -> TwoPolarizerMTJ:
    """The design to start from. Raises InputError for one outside of the bounds."""
    device = with_parameters(TwoPolarizerMTJ(), settings.junction)
    if device.resolution is not None:
        raise InputError("the study sets the resolution itself; leave it out of --junction")
    shares_of(device)
    return device
