"""Digital arithmetic that device networks are compared with: data-sheet figures and assumptions told apart."""

from dataclasses import dataclass

from spinloom.errors import require_non_negative, require_positive


@dataclass(frozen=True)
class Digital:
    """A computer by what one multiply-accumulate takes: energy, J, and time, s. assumptions: where both come from.

    Raises InputError unless the energy is positive and the time not negative.
    """

    name: str
    mac_energy: float
    mac_time: float
    assumptions: tuple[str, ...]

    def __post_init__(self) -> None:
        require_positive("J", mac_energy=self.mac_energy)
        require_non_negative("s", mac_time=self.mac_time)


CORTEX_M4 = Digital(
    "microcontroller (Cortex-M4)",
    mac_energy=39e-6 / 1e6 * 3.3,
    mac_time=1 / 80e6,
    assumptions=(
        "Microcontroller: 129 pJ per clock cycle, from the 39 uA/MHz at 3.3 V and up to 80 MHz that the STM32L476 data "
        "sheet (Cortex-M4, external step-down supply) gives for the run mode, instruction fetch and memory included.",
        "It takes one cycle for a multiply-accumulate (assumed; optimistic, as operands must be loaded), none for "
        "activations, and its converters and antenna are not counted.",
    ),
)
INT8 = Digital(
    "8-bit arithmetic alone (45 nm)",
    mac_energy=0.23e-12,
    mac_time=0.0,
    assumptions=("8-bit multiply-accumulate in 45 nm CMOS: 0.20 + 0.03 pJ (Horowitz, ISSCC 2014), no memory access.",),
)
FLOAT32 = Digital(
    "32-bit floating point alone (45 nm)",
    mac_energy=4.6e-12,
    mac_time=0.0,
    assumptions=("32-bit float multiply-accumulate in 45 nm: 3.7 + 0.9 pJ (Horowitz, ISSCC 2014), no memory access.",),
)
