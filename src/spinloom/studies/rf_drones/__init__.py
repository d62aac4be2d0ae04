"""Drones told apart by their radio spectra, by spintronic resonators and oscillators (arXiv 2211.03659).

A spectrum enters as radio-frequency power. Chains of spin-diode resonators weigh it, oscillators are the neurons
between two layers of chains, and what is trained is the resonance frequencies. The study trains many such networks side
by side, compares them with software networks of the same size under the same protocol, and measures what spread of the
devices costs: when trained through a twin, ideal or measured, when trained straight through the imperfect devices, and
when moved onto them without retraining.
"""

from typing import TYPE_CHECKING

from spinloom.studies.rf_drones.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings that cannot be used or absent data, OutputError if `out` cannot be written.
    """
    from spinloom.studies.rf_drones.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
