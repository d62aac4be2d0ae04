"""How much the power of an oscillator fluctuates by thermal noise."""

BARRIER = 1_000.0
"""Energy of an oscillator at p = 1 over kB T at 300 K; the default of `devices.AutoOscillator`."""


def thermal_fluctuation(temperature: float, supercriticality: float = 2.5, quality: float = 2.0) -> float:
    """Relative standard deviation of an oscillator's power at an instant. temperature: K.

    sqrt(kB T / E xi (1 + Q)) / (xi - 1), the linearised width of the stationary distribution of p (Tiberkevich, Slavin
    and Kim, Appl. Phys. Lett. 91, 192506 (2007)), E the energy at p = 1. A read that lasts sees less.
    """
    share = temperature / 300.0 / BARRIER
    return (share * supercriticality * (1 + quality)) ** 0.5 / (supercriticality - 1)
