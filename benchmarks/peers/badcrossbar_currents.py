"""Currents of one crossbar in badcrossbar (Joksas and Mehonic, SoftwareX 12, 100617 (2020)), in a process of its own.

    python badcrossbar_currents.py GIVEN.npz FOUND.npz ROUNDS

GIVEN: conductance (rows, columns), S; voltages (rows, inputs), V; resistance of a segment, ohm. FOUND: output currents
(inputs, columns), A, and the seconds of the best of the rounds.
"""

import logging
import sys
import time
import warnings

import numpy as np

with warnings.catch_warnings(record=True):  # that its drawings need pycairo; its currents do not
    import badcrossbar


def main() -> None:
    given = np.load(sys.argv[1])
    logging.disable(logging.INFO)
    best, currents = np.inf, None
    for _ in range(int(sys.argv[3])):
        begin = time.perf_counter()
        solution = badcrossbar.compute(
            given["voltages"],
            1 / given["conductance"],
            r_i=float(given["resistance"]),
            node_voltages=False,
            all_currents=False,
        )
        best, currents = min(best, time.perf_counter() - begin), solution.currents.output
    np.savez(sys.argv[2], currents=currents, seconds=best)


if __name__ == "__main__":
    main()
