"""How much of each imperfection a network on tunnel junctions bears: spread, noise, resolution, heat, dead devices.

A tanh network is trained in software and moved onto two-polarizer junctions (arXiv 2409.02528), as in `mtj-transfer`.
Then one imperfection at a time grows, and at each point many networks are fabricated and measured: the mean, the
deviation between them and the worst of them.
"""

from typing import TYPE_CHECKING

from spinloom.studies.mtj_robustness.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings, weights or responses that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.mtj_robustness.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
