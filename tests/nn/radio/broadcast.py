"""The sum over resonators with every term in memory, as one writes the formula down."""

import torch


def broadcast_weights(inputs, resonance, width, amplitude, absorption=None):
    x = inputs[..., None, :, None] - resonance[..., :, None, :]
    width, amplitude = (tensor.expand_as(resonance)[..., :, None, :] for tensor in (width, amplitude))
    terms = amplitude * 2 * width * x / (x**2 + width**2)
    if absorption is not None:
        left = 1 - absorption.expand_as(resonance)[..., :, None, :] * width**2 / (x**2 + width**2)
        terms = terms * torch.cat([torch.ones_like(left[..., :1]), left.cumprod(-1)[..., :-1]], -1)
    return terms.sum(-1)
