"""Physical constants in SI units, from scipy.constants (CODATA)."""

import math

from scipy import constants

MU0: float = constants.mu_0
"""Vacuum permeability, T m/A."""
KB: float = constants.k
"""Boltzmann constant, J/K."""
E: float = constants.e
"""Elementary charge, C."""
HBAR: float = constants.hbar
"""Reduced Planck constant, J s."""
MU_B: float = constants.physical_constants["Bohr magneton"][0]
"""Bohr magneton, J/T."""
GAMMA: float = abs(constants.physical_constants["electron gyromag. ratio"][0])
"""Gyromagnetic ratio of the free electron, rad/(s T)."""
GAMMA0: float = GAMMA * MU0
"""Gyromagnetic ratio for fields in A/m, rad m/(s A)."""
ROOM_TEMPERATURE: float = 300.0
"""K."""
DEGREE: float = math.pi / 180
"""rad."""
