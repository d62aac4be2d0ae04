"""A network trained in software, moved onto two-polarizer magnetic tunnel junctions (arXiv 2409.02528).

One junction per neuron gives the activation (m_x, close to tanh) and its gradient (m_z^2). The study trains a tanh
network, keeps its weights, replaces every tanh by a simulated junction at room temperature, and measures what is
lost: on nominal devices, on fabricated ones whose every physical parameter is spread, along sweeps of spread, read
noise, temperature and diameter, and what one inference costs.
"""

from typing import TYPE_CHECKING

from spinloom.studies.mtj_transfer.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings, weights or responses that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.mtj_transfer.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
