"""What outputs of a network have learnt, as pictures."""

import math

import numpy as np
import torch
from matplotlib.figure import Figure

from spinloom.errors import InputError
from spinloom.report.style import TEXT, canvas


def draw_fields(weights: torch.Tensor, classes: torch.Tensor, shape: tuple[int, int], most: int = 60) -> Figure:
    """The receptive field of every output, black at 0 and white at 1, its class above, in the order of the classes.

    weights: (pixels, outputs), 0 to 1. classes: (outputs,), -1 for an output that has none. shape: height and width of
    an image. most: outputs that are drawn, evenly over the order.
    Raises InputError for another number of pixels or classes.
    """
    pixels, outputs = weights.shape
    if pixels != math.prod(shape) or classes.shape != (outputs,):
        raise InputError(
            f"fields must be of {shape[0]} x {shape[1]} pixels with a class for each output, got weights "
            f"{tuple(weights.shape)} and classes {tuple(classes.shape)}"
        )
    order = classes.argsort(stable=True)
    order = order[torch.linspace(0, outputs - 1, min(most, outputs)).round().long()]
    columns = min(12, len(order))
    rows = -(-len(order) // columns)
    figure, axes = canvas(columns, rows, height=10 * rows / columns * 1.22 + 0.2, share=False)
    for axis in axes:
        axis.set_axis_off()
    for axis, output in zip(axes, order.tolist(), strict=False):
        axis.imshow(np.asarray(weights[:, output]).reshape(shape), cmap="gray", vmin=0, vmax=1)
        name = int(classes[output])
        axis.set_title("none" if name < 0 else str(name), fontsize=TEXT, pad=2)
    return figure
