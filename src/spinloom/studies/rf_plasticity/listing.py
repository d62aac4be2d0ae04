"""The tables of the study, for people, and its raw numbers, for machines."""

from typing import Any

from spinloom.evaluation import Population
from spinloom.report import Cell, Table
from spinloom.studies.rf_plasticity.measurements import Found

LABELS = {
    "trained": "resonators, inputs trained",
    "fixed": "resonators, inputs fixed",
    "rigl": "sparse training (RigL)",
    "set": "sparse training (SET)",
    "pruned": "pruned by magnitude",
    "static": "sparse at random",
}
"""By kind of network, in the order of tables and legends."""


def curves(found: Found) -> dict[str, dict[int, Population]]:
    """All accuracies by kind of network and number of resonators or weights of a class."""
    every = {"trained": found.trained, "fixed": found.fixed, **found.sparse}
    return {name: every[name] for name in LABELS}


def tables(found: Found, classes: int, inputs: int) -> tuple[Table, ...]:
    """classes, inputs: of the dense perceptron."""
    counts = sorted(found.trained)
    rows: list[tuple[Cell, ...]] = [
        (LABELS[name], *(_cell(points.get(n)) for n in counts)) for name, points in curves(found).items()
    ]
    removed = tuple(f"{n} ({100 * (1 - n / inputs):.4g} %)" for n in counts)
    note = f"Per cent of test images, mean ± standard error; the dense perceptron reaches {_cell(found.dense)}."
    accuracy = Table("Accuracy by synapses of a chain (share removed)", ("network", *removed), tuple(rows), note)
    return (accuracy, _parameters(found, classes, inputs), _dampings(found))


def _parameters(found: Found, classes: int, inputs: int) -> Table:
    n = min(found.trained)
    fixed, trained = classes * n + classes + 1, classes * n + classes + 1 + inputs
    as_many = min(classes * n + inputs, classes * inputs) + classes
    rows: list[tuple[Cell, ...]] = [
        (LABELS["fixed"], fixed, classes * n, _cell(found.fixed[n])),
        (LABELS["trained"], trained, classes * n, _cell(found.trained[n])),
        *((LABELS[name], classes * n + classes, classes * n, _cell(found.sparse[name][n])) for name in ("rigl", "set")),
        *((LABELS[name], as_many, as_many - classes, _cell(group)) for name, group in found.as_many.items()),
        ("dense perceptron", classes * inputs + classes, classes * inputs, _cell(found.dense)),
    ]
    columns = ("network", "trained numbers", "synapses", "accuracy (%)")
    return Table("Counted by what is trained", columns, tuple(rows), "Positions of sparse weights are not counted.")


def _dampings(found: Found) -> Table:
    values = sorted(next(iter(found.dampings.values())), reverse=True)
    rows = tuple((name, *(_cell(points[value]) for value in values)) for name, points in found.dampings.items())
    title = f"Accuracy against damping, {min(found.trained)} resonators, inputs trained"
    return Table(title, ("training", *(f"{value:g}" for value in values)), rows)


def _cell(group: Population | None) -> str | None:
    return None if group is None else f"{100 * group.mean:.2f} ± {100 * group.standard_error:.2f}"


def raw(found: Found) -> dict[str, Any]:
    """Every accuracy (0..1) and the frequencies of the networks drawn, ready for JSON."""
    return {
        "dense": found.dense.accuracies,
        **{name: {n: group.accuracies for n, group in points.items()} for name, points in curves(found).items()},
        "as_many_parameters": {name: group.accuracies for name, group in found.as_many.items()},
        "dampings": {
            name: {value: group.accuracies for value, group in points.items()}
            for name, points in found.dampings.items()
        },
        "frequencies": {
            name: {"inputs": chains.inputs.tolist(), "resonances": chains.resonances.tolist()}
            for name, chains in found.maps.items()
        },
    }
