"""A deep image network on magnetic tunnel junctions: transferred, calibrated, and tuned in place (arXiv 2409.02528).

A ResNet-20 (or a small DenseNet) with tanh neurons, trained in software from scratch or from a published ReLU network,
is moved onto junctions at room temperature: nominal ones, fabricated ones with every parameter spread, the same ones
with batch norms measured anew, and after one pass of training through their own slopes. CIFAR-100 is the published
data set (`--dataset cifar100`); CIFAR-10 is measured where CIFAR-100 is not at hand.
"""

from typing import TYPE_CHECKING

from spinloom.studies.mtj_deep.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings, weights or responses that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.mtj_deep.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
