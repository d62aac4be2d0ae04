"""The tables of the study, for people, and its raw numbers, for machines."""

from dataclasses import asdict, replace
from typing import Any

from spinloom.devices import DeviceSource
from spinloom.evaluation import Paired, Population
from spinloom.report import Cell, Table, memory_table, percents
from spinloom.studies.mtj_parts.listing import device_table
from spinloom.studies.mtj_training.angles import SITUATIONS, WHEN, brief
from spinloom.studies.mtj_training.chip import Tuned
from spinloom.studies.mtj_training.measurements import Found
from spinloom.studies.mtj_training.ways import SHORT, TITLES


def tables(found: Found, junctions: DeviceSource, images: str) -> tuple[Table, ...]:
    """Accuracy of every way, angles, tuning in place, memory, the device. images: the test images in words."""
    differences = (
        [_differences(found)] if {"exact", "software"} & found.trained.keys() and len(found.trained) > 1 else []
    )
    chip = [_chip(found.tuned)] if found.tuned else []
    return (
        _accuracy(found, images),
        *differences,
        _angles(found),
        *chip,
        memory_table(found.memory),
        device_table(junctions),
    )


def _accuracy(found: Found, images: str) -> Table:
    groups = {way: Population(found.accuracies(way)) for way in found.trained}
    rows: list[tuple[Cell, ...]] = [
        (TITLES[way], *percents(one)[:2], len(one.accuracies)) for way, one in groups.items()
    ]
    note = f"{images}, on the devices that each network was trained on; deviation: standard deviation of networks."
    return Table(
        "Accuracy by way of training", ("training", "accuracy (%)", "deviation", "networks"), tuple(rows), note
    )


def _differences(found: Found) -> Table:
    pairs = [(way, other) for other in ("exact", "software") for way in found.trained if other != way]
    rows = [
        (f"{SHORT[way]} - {SHORT[other]}", *_difference(pair))
        for way, other in pairs
        if (way, other) != ("software", "exact") and (pair := found.against(way, other))
    ]
    note = (
        "Percentage points, paired by seed (first weights, order of images): mean ± standard error, and the confidence "
        "interval from Student's t."
    )
    return Table("Differences of accuracy", ("ways", "difference", "95 % interval"), tuple(rows), note)


def _difference(pair: Paired) -> tuple[str, str | None]:
    if pair.standard_error is None or pair.low is None or pair.high is None:
        return f"{pair.mean:+.2f}", None
    return f"{pair.mean:+.2f} ± {pair.standard_error:.2f}", f"{pair.low:+.2f} to {pair.high:+.2f}"


def _angles(found: Found) -> Table:
    layers = tuple(next(iter(found.angles[WHEN[0]].values())))
    rows = tuple(
        (
            one.title,
            when.removeprefix("at the ").removesuffix(" training"),
            *(f"{found.angles[when][key][layer]:.4f}" for layer in layers),
        )
        for key, one in SITUATIONS.items()
        for when in WHEN
    )
    note = (
        "Cosine of the angle between the gradients of each weight tensor on the same batch and the same forward reads. "
        "Silent: no read has noise; spread: with the added read noise too. "
        f"After training: at the weights of the first network trained in the way {found.angles_of!r}. No slope lies "
        "behind the last layer."
    )
    return Table("Gradients of the devices against exact ones", ("slopes", "weights", *map(brief, layers)), rows, note)


def _chip(tuned: Tuned) -> Table:
    columns = ("instance", "as moved (%)", "tuned (%)", "loss won back (%)")
    rows: list[tuple[Cell, ...]] = []
    for number, (before, after, share) in enumerate(zip(tuned.before, tuned.after, tuned.won_back(), strict=True), 1):
        shown = "nothing lost" if share is None else f"{100 * share:.0f}"
        rows.append((f"{number}", f"{100 * before:.2f}", f"{100 * after:.2f}", shown))
    note = (
        f"The software network has {100 * tuned.software:.2f} %; trained on in software for as long it has "
        f"{100 * tuned.software_tuned:.2f} %{_of_more(tuned)}."
    )
    return Table("Tuning in place", columns, tuple(rows), note)


def _of_more(tuned: Tuned) -> str:
    share = replace(tuned, software=tuned.software_tuned).mean_won_back
    return "" if share is None else f", of the way to which tuning in place goes {100 * share:.0f} %"


def raw(found: Found) -> dict[str, Any]:
    """Every accuracy (0..1), loss and cosine, ready for JSON."""
    return {
        "trained": {
            way: [{"accuracy": one.accuracy, "losses": list(one.losses)} for one in networks]
            for way, networks in found.trained.items()
        },
        "angles": found.angles,
        "angles_of": found.angles_of,
        "cosines": list(found.cosines),
        "tuned": asdict(found.tuned) if found.tuned else None,
        "memory": [asdict(layer) for layer in found.memory.layers],
    }
