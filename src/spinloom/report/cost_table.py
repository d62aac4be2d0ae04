"""Tables of what one inference costs, and of the device."""

from spinloom.devices import DeviceSource
from spinloom.evaluation import InferenceCost
from spinloom.quantities import si
from spinloom.report.tables import Table


def cost_table(cost: InferenceCost) -> Table:
    """Energies, latency, counts and memory of one inference."""
    rows = (
        ("energy of all junctions", si(cost.neurons, "J")),
        ("of it reset, write, read", ", ".join(si(part, "J") for part in (cost.reset, cost.write, cost.read))),
        ("energy of the weights, estimate", si(cost.weights, "J")),
        ("latency of the junctions", si(cost.latency, "s")),
        ("junctions", cost.devices),
        ("multiply-accumulates", cost.macs),
        ("weights in memory (bytes)", cost.weight_bytes),
        ("activations kept for backward in software (bytes)", cost.backward_bytes),
        ("curves of the devices in this simulation (bytes)", cost.table_bytes),
    )
    return Table("Cost of one inference", ("quantity", "value"), rows, "See the assumptions for what is left out.")


def device_table(source: DeviceSource) -> Table:
    """Parameters of the device; in the report only."""
    title = "The simulated junction (SI units)" if source.simulated else "The device given"
    return Table(title, ("parameter", "value"), tuple(source.parameters.items()), in_print=False)
