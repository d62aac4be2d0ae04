"""Nine junctions in two layers classify radio-frequency inputs that no line separates (Nature Nanotechnology 18, 1273).

Ross et al. (2023) did so in hardware, 97.7 % correct. How their nine junctions are wired was not open to us; our
reading: two powers on one line reach two chains of two resonators, each chain drives an oscillator, both oscillators
reach one chain of two resonators, and that drives the output oscillator. Whether its power is above a threshold names
the class.
Every network is fabricated with spread and trained as the device it is, with thermal noise in every read.
"""

from typing import TYPE_CHECKING

from spinloom.studies.rf_xor.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.rf_xor.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
