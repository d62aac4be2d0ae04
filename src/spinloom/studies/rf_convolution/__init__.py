"""Convolutions by resonance frequencies: chains of spin diodes against a network in software (arXiv 2111.04961).

The weights of every layer are the frequencies of spin-diode resonators, the neurons are spin-torque oscillators. The
study trains this network and its twin with ordinary weights on the same images, and measures the difference; what the
trained network is worth on fabricated devices, with and without retraining on them; and how far apart frequencies must
be for all windows of an image to be computed at once (sneak paths).
"""

from typing import TYPE_CHECKING

from spinloom.studies.rf_convolution.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.rf_convolution.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
