"""What stands behind every figure of the cost of a radio-frequency network."""

from spinloom.evaluation.digital import Digital


def assumptions(examples: int, exponent: float, settling: float, digital: Digital) -> tuple[str, ...]:
    """Sentences to print beside the figures."""
    return (
        "A synaptic operation takes 10 fJ and a neuron operation 100 fJ in junctions of 20 nm, as published with Ross "
        "et al., Nature Nanotechnology 18, 1273 (2023); they stand for the junctions alone.",
        f"Energies grow as the diameter to the power of {exponent:g}, which is assumed: at a constant current density "
        "and a constant resistance-area product the power of a junction grows with its area.",
        f"Every layer is given {settling:g} response times (assumed), 1 / (2 pi half linewidth) at its lowest "
        "frequency; oscillators respond as the chains before them (assumed). Chains work side by side, layers one "
        "after the other.",
        "Direct current of oscillators (R I^2) and power of the waves are those of the model's constants, whatever "
        f"the diameter, means over {examples} examples; over the whole latency they "
        "give the energy of the constants of the model; amplifiers that feed every chain with all inputs are not "
        "included.",
        *digital.assumptions,
    )
