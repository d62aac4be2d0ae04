"""The plain reference: Kirchhoff's current law at every node of a crossbar, written down and solved as one system."""

import numpy as np


def solve_nodes(conductance, wires, voltages):
    """conductance: (rows, columns), S, finite. voltages: (rows, inputs), V.

    Returns output currents (columns, inputs) and the potentials of word and bit lines (rows, columns, inputs). Segments
    without resistance join their nodes; only then the number of unknowns is less than 2 x rows x columns.
    """
    rows, columns = conductance.shape
    names = {}  # every place of the circuit -> its node

    def find(place):
        while names.setdefault(place, place) != place:
            place = names[place]
        return place

    resistors = []

    def connect(one, other, resistance):
        if resistance:
            resistors.append((one, other, 1 / resistance))
        else:
            names[find(one)] = find(other)

    for i in range(rows):
        connect(("source", i), ("word", i, 0), wires.driver + wires.word)
        for j in range(1, columns):
            connect(("word", i, j - 1), ("word", i, j), wires.word)
    for j in range(columns):
        for i in range(1, rows):
            connect(("bit", i - 1, j), ("bit", i, j), wires.bit)
        connect(("bit", rows - 1, j), ("end", j), wires.bit + wires.sense)
    for i in range(rows):
        for j in range(columns):
            resistors.append((("word", i, j), ("bit", i, j), conductance[i, j]))
    known = {find(("source", i)): voltages[i] for i in range(rows)}
    known |= {find(("end", j)): 0 * voltages[0] for j in range(columns)}
    ends = {find(("end", j)): j for j in range(columns)}
    places = {find(place) for one, other, _ in resistors for place in (one, other)}
    unknown = {place: k for k, place in enumerate(sorted(places - known.keys()))}
    matrix, right = np.zeros((len(unknown),) * 2), np.zeros((len(unknown), voltages.shape[1]))
    for one, other, g in resistors:
        for here, there in ((find(one), find(other)), (find(other), find(one))):
            if here in unknown:
                matrix[unknown[here], unknown[here]] += g
                if there in unknown:
                    matrix[unknown[here], unknown[there]] -= g
                else:
                    right[unknown[here]] += g * known[there]
    solved = np.linalg.solve(matrix, right) if unknown else right

    def potential(place):
        place = find(place)
        return known[place] if place in known else solved[unknown[place]]

    output = np.zeros((columns, voltages.shape[1]))
    for one, other, g in resistors:
        for here, there in ((one, other), (other, one)):
            if find(here) in ends and find(there) != find(here):
                output[ends[find(here)]] += g * (potential(there) - potential(here))
    lines = (
        np.array([[potential((line, i, j)) for j in range(columns)] for i in range(rows)]) for line in ("word", "bit")
    )
    return output, *lines
