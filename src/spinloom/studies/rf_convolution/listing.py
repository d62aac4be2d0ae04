"""The tables of the study, for people, and its raw numbers, for machines."""

from collections.abc import Sequence
from typing import Any

from spinloom.learning import count_parameters
from spinloom.nn.radio import Band, radio_layers
from spinloom.report import Cell, Table
from spinloom.studies.rf_convolution.figures import title_of
from spinloom.studies.rf_convolution.measurements import Measured
from spinloom.studies.rf_convolution.plan import damping_for


def tables(all_found: Sequence[Measured]) -> tuple[Table, ...]:
    """Accuracy, spread, sneak paths, and the network's layers."""
    return (_accuracy(all_found), _spread(all_found), _sneaks(all_found), _layers(all_found[0]))


def _accuracy(all_found: Sequence[Measured]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for found in all_found:
        for name, group in (("software", found.software), ("resonators", found.radio)):
            listed = ", ".join(_percent(value) for value in group.accuracies)
            rows.append((title_of(found), name, _percent(group.mean), _percent(group.deviation), listed))
    columns = ("images", "network", "accuracy (%)", "deviation", "by seed")
    sizes = "; ".join(f"{title_of(f)}: {f.train_images:,} to train, {len(f.test):,} to test" for f in all_found)
    return Table("Accuracy", columns, tuple(rows), f"{sizes}. Deviation: standard deviation of seeds.")


def _spread(all_found: Sequence[Measured]) -> Table:
    rows = tuple(
        (
            title_of(found),
            f"{100 * point.level:g}",
            *(_percent(share) for share in (point.made.mean, point.trimmed.mean, point.trimmed.worst, point.retrained)),
        )
        for found in all_found
        for point in found.spreads
    )
    columns = ("images", "spread (%)", "as made (%)", "trimmed (%)", "worst", "first one retrained (%)")
    note = (
        "Of input frequencies, resonances and oscillator powers; accuracy on the images of the sweeps. Trimmed: every "
        "resonance tuned to its planned ratio to the frequency of its input."
    )
    return Table("Fabricated networks", columns, rows, note)


def _sneaks(all_found: Sequence[Measured]) -> Table:
    band, rows = Band(), []
    for found in all_found:
        pixels = found.test.images[0].numel()
        for point in found.sneaks:
            damping = damping_for(point.spacing, pixels, band.low, band.high)
            errors = (f"{error:.2g}" for error in point.errors)
            rows.append(
                (title_of(found), f"{point.spacing:g}", f"{damping:.1e}", *errors, _percent(point.accuracy)),
            )
    columns = ("images", "spacing (linewidths)", "damping", "error, layer 1", "error, layer 2", "accuracy (%)")
    note = (
        "All windows at once. Damping: what this spacing of the image's pixels needs in the band of 20 to 120 MHz. "
        "Error: of the weights of all chains for all pixels, relative."
    )
    return Table("Parallel layout", columns, tuple(rows), note)


def _layers(found: Measured) -> Table:
    rows = tuple((name, str(layer), count_parameters(layer)) for name, layer in radio_layers(found.network).items())
    total = ("", "all, the same in the software network", count_parameters(found.network))
    return Table("The network", ("layer", "devices", "parameters"), (*rows, total), in_print=False)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def raw(all_found: Sequence[Measured]) -> dict[str, Any]:
    """Every accuracy (0..1), loss and error, ready for JSON."""
    return {
        found.test.name: {
            "resonators": list(found.radio.accuracies),
            "software": list(found.software.accuracies),
            "resonator_losses": found.radio_losses,
            "software_losses": found.software_losses,
            "sweep_reference": found.few,
            "spread": [
                {
                    "level": p.level,
                    "made": list(p.made.accuracies),
                    "trimmed": list(p.trimmed.accuracies),
                    "retrained": p.retrained,
                }
                for p in found.spreads
            ],
            "parallel": [
                {"spacing": p.spacing, "errors": list(p.errors), "accuracy": p.accuracy} for p in found.sneaks
            ],
        }
        for found in all_found
    }
