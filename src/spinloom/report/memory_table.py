"""The table of what must be kept for backpropagation."""

from spinloom.evaluation import BackwardMemory
from spinloom.quantities import si
from spinloom.report.tables import Table


def memory_table(found: BackwardMemory) -> Table:
    """One row per layer, and the total."""
    total = ("total", "", si(found.software, "B"), si(found.hardware, "B"))
    rows = tuple((m.name, m.kind, si(m.software, "B"), si(m.hardware, "B")) for m in found.layers)
    share = f"{found.hardware / found.software:.0%}" if found.software else "none"
    note = (
        f"Hardware keeps {share} of it: junctions hold the outputs and slopes of neurons, which are read again. "
        "Parameters are not counted."
    )
    columns = ("layer", "type", "software", "hardware")
    return Table("State kept for the backward pass, per image", columns, (*rows, total), note)
