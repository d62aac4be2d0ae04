"""A network trained through the gradients that its own junctions give, and tuned in place (arXiv 2409.02528).

One junction per neuron gives the activation (m_x, close to tanh) and its slope (m_z^2), so that backpropagation can
read the slope of every neuron from the device that computed it. The study trains the same network with exact slopes,
with the device's own ones (with read noise, with spread), and with finite differences; measures the angle between
these gradients; and tunes a network trained in software on one fabricated instance.
"""

from typing import TYPE_CHECKING

from spinloom.studies.mtj_training.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings or responses that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.mtj_training.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
