"""A two-polarizer junction designed by gradient descent through its dynamics, and what that is worth to a network.

The junction that `docs/device.md` argues for was chosen by hand, one parameter at a time. Here ten parameters fall
together along the gradient of the simulated curves: distance to tanh and its gradient, device spread, noise and energy.
Both junctions are then resolved in space and simulated at room temperature, and the same trained network is moved onto
each. Beside it stands where a macrospin is enough and where it is not.
"""

from typing import TYPE_CHECKING

from spinloom.studies.mtj_design.settings import Settings

if TYPE_CHECKING:
    from spinloom.report import StudyResult

__all__ = ["Settings", "run"]


def run(settings: Settings) -> "StudyResult":
    """Carry out the study and write its output into `settings.out`.

    Raises InputError for settings or weights that cannot be used, OutputError if `out` cannot be written.
    """
    from spinloom.studies.mtj_design.study import carry_out  # imports torch: not needed for --help

    return carry_out(settings)
