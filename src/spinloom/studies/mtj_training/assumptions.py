"""What the figures of the study rest on, sentence by sentence."""

from spinloom.studies.mtj_training.one_run import Run


def assumptions(run: Run) -> tuple[str, ...]:
    """Of this very run: its ways, its devices, simulated or from a file."""
    plan, settings, junctions = run.plan, run.settings, run.hardware.junctions
    spread = f"{100 * settings.spread:g} % spread of every physical parameter" if junctions.simulated else "the file's"
    bits = [f"{name} {n} bits" for name, n in (("value", settings.value_bits), ("slope", settings.slope_bits)) if n]
    return (
        f"{len(run.train):,} training images, {plan.epochs} epochs, networks of each way: {plan.seeds}; the same seed "
        "has the same first weights and order of images in all of them.",
        "Every neuron has its own junction; weights, their products and the optimiser are exact and digital. The error "
        f"goes back through the transposed weights. A junction's own slope {junctions.slopes}.",
        f"Junctions have {_noise(run)} in every way but software, in training and in the test.",
        f"With spread and noise: {spread}, devices drawn from {junctions.population(settings.spread)}, "
        f"{100 * settings.read_noise:g} % of full scale added to the noise of both reads; converters: "
        f"{', '.join(bits) or 'none'}.",
        "Exact slopes are the derivative of the very curve that was read, without noise: what autograd would give. The "
        f"curves are {_curves(run)}; what scatter is left in them is in their derivatives too.",
        f"Finite differences (after arXiv 2603.03947) read the value {settings.difference_step:g} above and below each "
        "input, each with its own noise: two more reads per neuron, and no read of m_z.",
        *_tuning(run),
    )


def _noise(run: Run) -> str:
    if run.hardware.junctions.simulated:
        return f"the thermal and Johnson noise of one read of m_x and of m_z at {run.settings.temperature:g} K"
    return "the read noise that the file gives"


def _curves(run: Run) -> str:
    return "averages over simulated reads" if run.hardware.junctions.simulated else "those of the file"


def _tuning(run: Run) -> tuple[str, ...]:
    if run.found.tuned is None:
        return ()
    return (
        f"Tuning in place: {run.plan.tuning_epochs} epochs of AdamW, peak rate {run.plan.tuning_rate:g}, slopes of the "
        "instance's own devices with their read noise. The share won back contains what more training alone gives.",
    )
