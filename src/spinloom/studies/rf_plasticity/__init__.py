"""Topology as a trainable thing: sparse radio-frequency perceptrons whose resonators find their inputs (Rageau et al.).

A small shift of a resonance changes a weight, a large one attaches the synapse to another input. The study compares, on
handwritten digits and at equal numbers of synapses, chains of few resonators (input frequencies fixed or trained) with
perceptrons that are sparse at random, pruned by magnitude, or trained by pruning and regrowing, and with the dense one.
"""

from typing import TYPE_CHECKING

from spinloom.studies.rf_plasticity.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings or data that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.rf_plasticity.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
