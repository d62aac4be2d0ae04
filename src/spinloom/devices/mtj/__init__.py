"""The two-polarizer junction: design, simulation, derivatives of its curves, cost."""
