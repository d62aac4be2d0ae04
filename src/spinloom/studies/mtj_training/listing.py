"""The tables of the study, for people, and its raw numbers, for machines."""

from dataclasses import asdict
from typing import Any

from spinloom.evaluation.robustness import Population
from spinloom.evaluation.tables import Cell, Table
from spinloom.studies.mtj_training.angles import SITUATIONS, WHEN
from spinloom.studies.mtj_training.chip import Tuned
from spinloom.studies.mtj_training.measurements import Found
from spinloom.studies.mtj_training.paired import Paired
from spinloom.studies.mtj_training.ways import TITLES
from spinloom.studies.mtj_transfer.junctions import Junctions


def tables(found: Found, junctions: Junctions, images: str) -> tuple[Table, ...]:
    """Accuracy of every way, angles, tuning in place, memory, the device. images: the test images in words."""
    title = "The simulated junction (SI units)" if junctions.simulated else "The device given"
    device = Table(title, ("parameter", "value"), tuple(junctions.parameters.items()), in_print=False)
    chip = [_chip(found.tuned)] if found.tuned else []
    return (_accuracy(found, images), _angles(found), *chip, found.memory.as_table(), device)


def _accuracy(found: Found, images: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for way in found.trained:
        group = Population(found.accuracies(way))
        share = f"{100 * group.mean:.2f}", f"{100 * group.deviation:.2f}", len(group.accuracies)
        differences = [_difference(found.against(way, other)) for other in ("exact", "software")]
        rows.append((TITLES[way], *share, *differences[0], *differences[1]))
    columns = (
        "training", "accuracy (%)", "deviation", "networks", "against exact (points)", "95 % interval",
        "against software (points)", "95 % interval ",
    )  # fmt: skip
    note = (
        f"{images}, on the devices that each network was trained on. Differences are paired by seed (first weights, "
        "order of images): mean ± standard error, and the confidence interval from Student's t."
    )
    return Table("Accuracy by way of training", columns, tuple(rows), note)


def _difference(pair: Paired | None) -> tuple[str | None, str | None]:
    if pair is None:
        return None, None
    if pair.standard_error is None or pair.low is None or pair.high is None:
        return f"{pair.mean:+.2f}", None
    return f"{pair.mean:+.2f} ± {pair.standard_error:.2f}", f"{pair.low:+.2f} to {pair.high:+.2f}"


def _angles(found: Found) -> Table:
    layers = tuple(next(iter(found.angles[WHEN[0]].values())))
    rows = tuple(
        (one.title, when, *(f"{found.angles[when][key][layer]:.4f}" for layer in layers))
        for key, one in SITUATIONS.items()
        for when in WHEN
    )
    note = (
        "Cosine of the angle between the gradients of each weight tensor on the same batch and the same forward reads. "
        f"After training: at the weights of the first network trained in the way {found.angles_of!r}. No slope lies "
        "behind the last layer."
    )
    return Table("Gradients of the devices against exact ones", ("slopes", "weights", *layers), rows, note)


def _chip(tuned: Tuned) -> Table:
    columns = ("instance", "as moved (%)", "tuned (%)", "loss won back (%)")
    rows: list[tuple[Cell, ...]] = []
    for number, (before, after, share) in enumerate(zip(tuned.before, tuned.after, tuned.won_back(), strict=True), 1):
        shown = "nothing lost" if share is None else f"{100 * share:.0f}"
        rows.append((f"{number}", f"{100 * before:.2f}", f"{100 * after:.2f}", shown))
    note = (
        f"The software network has {100 * tuned.software:.2f} %; trained on in software for as long, "
        f"{100 * tuned.software_tuned:.2f} %."
    )
    return Table("Tuning in place", columns, tuple(rows), note)


def raw(found: Found) -> dict[str, Any]:
    """Every accuracy (0..1), loss and cosine, ready for JSON."""
    return {
        "trained": {
            way: [{"accuracy": one.accuracy, "losses": list(one.losses)} for one in networks]
            for way, networks in found.trained.items()
        },
        "angles": found.angles,
        "angles_of": found.angles_of,
        "tuned": asdict(found.tuned) if found.tuned else None,
        "memory": [asdict(layer) for layer in found.memory.layers],
    }
