"""The tables of the study, for people, and its raw numbers, for machines."""

from dataclasses import asdict
from typing import Any

from spinloom.evaluation import Population
from spinloom.report import Cell, Table
from spinloom.studies.rf_drones.measurements import Measured
from spinloom.studies.rf_drones.ways import SHORT

_COLUMNS = ("accuracy (%)", "deviation", "standard error", "worst", "seeds")


def lost(found: Measured, population: Population) -> Population:
    """What every seed loses against the same seed without imperfections (shares, may be negative)."""
    pairs = zip(found.spintronic.accuracies, population.accuracies, strict=False)  # the first seeds are the same
    return Population(tuple(before - after for before, after in pairs))


def tables(found: Measured, temperature: float, error: float) -> tuple[Table, ...]:
    """Accuracies without and with spread. temperature: of the noisy reads, K. error: of the measured twin."""
    rows: list[tuple[Cell, ...]] = [
        ("spintronic", *_percents(Population(found.spintronic.accuracies))),
        ("software, same size", *_percents(Population(found.software.accuracies))),
        (f"spintronic, read with the noise of {temperature:g} K", *_percents(found.noisy)),
    ]
    accuracy = Table(
        "Accuracy on the test spectra",
        ("network", *_COLUMNS),
        tuple(rows),
        "After the last epoch; deviation: standard deviation of the seeds.",
    )
    ways = {**found.trained, "deployed": found.deployed}
    spread: list[tuple[Cell, ...]] = []
    for level in found.deployed:
        for way, points in ways.items():
            if level in points:
                loss = lost(found, points[level])
                spread.append(
                    (
                        f"{100 * level:g}",
                        SHORT[way],
                        *_percents(points[level], error=False),
                        f"{100 * loss.mean:.2f} ± {100 * loss.standard_error:.2f}",
                    )
                )
    columns = ("spread (%)", "way", *_COLUMNS[:2], *_COLUMNS[3:], "points lost")
    note = (
        "Spread of input frequencies, resonances and oscillator powers; lost: against the same seeds without spread, "
        "± standard error. twin, by layer: trained with the gradient of an ideal twin of the whole network, or of each "
        "layer at its measured input; measured twin: with that of a twin whose frequencies and powers were measured "
        f"once to {100 * error:g} %; straight: with the gradient of the devices; moved: not retrained."
    )
    return accuracy, Table("Spread of the devices", columns, tuple(spread), note)


def _percents(population: Population, error: bool = True) -> tuple[Cell, ...]:
    """Mean, standard deviation, standard error and worst of the seeds, and their number."""
    middle = (population.standard_error,) if error else ()
    shares = (population.mean, population.deviation, *middle, population.worst)
    return (*(f"{100 * share:.2f}" for share in shares), len(population.accuracies))


def raw(found: Measured) -> dict[str, Any]:
    """Every accuracy (0..1), one for every seed, ready for JSON."""
    spread = {
        name: {f"{level:g}": list(population.accuracies) for level, population in points.items()}
        for name, points in (*found.trained.items(), ("deployed", found.deployed))
    }
    return {
        "spintronic": asdict(found.spintronic),
        "software": asdict(found.software),
        "noisy": list(found.noisy.accuracies),
        **spread,
        "moved": list(found.moved),
    }
