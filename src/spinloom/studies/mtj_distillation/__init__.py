"""A small network on magnetic tunnel junctions that learns from a large one in software (arXiv 2409.02528).

Knowledge distillation: the student, with at most a quarter of the teacher's parameters, is trained on fabricated
junctions through their own slopes, once on the labels alone and once on the teacher's softened outputs too (Hinton,
Vinyals and Dean, arXiv 1503.02531). Seeds are paired: both students of a seed start from the same weights on the same
devices and see the same images. The teacher has learnt from all images, the students see a part of them: the fewer they
see, the more a teacher adds.
"""

from typing import TYPE_CHECKING

from spinloom.studies.mtj_distillation.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings, weights or responses that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.mtj_distillation.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
