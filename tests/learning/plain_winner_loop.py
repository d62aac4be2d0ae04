"""The winner-take-all network step by step in NumPy: every neuron, every synapse, every step; nothing is left out."""

import numpy as np
import torch

from spinloom.learning import STDP, VDSP

F = np.float32


def plain_loop(network, images, cells=None):
    """Weights and counts after a fresh `network` has learnt `images` (n, pixels), uint8; it stays as it is.

    One step of refractoriness, as published. cells: of `Switching`, the fabricated memories, (outputs, pixels) by name.
    """
    rule, inputs, neurons, step = network.rule, network.inputs, network.neurons, network.step
    weights, voltages = network.weights.numpy().copy(), network._inputs[0].numpy().copy()
    pixels, width = weights.shape
    full, rise = (F(-np.expm1(-step / one.time_constant)) for one in (inputs, neurons))
    leak, fade = F(np.exp(-step / neurons.synapse)), F(np.exp(-step / neurons.adaptation_time))
    fresh = F((1 - np.exp(-step / neurons.synapse)) * neurons.charge / step)
    hold = round(neurons.inhibition / step)
    potential, current, adaptation, trace = np.zeros((4, width), F)
    recent, share = np.zeros(pixels, F), np.full(pixels, full, F)
    low = 0 if cells is None else 1 / float(rule.memory.window_ratio)
    counts = np.zeros((len(images), width), np.int16)
    now = free = 0
    for number, image in enumerate(images):
        drive = image.astype(F) / F(255) * F(inputs.gain) + F(inputs.bias)
        for _ in range(round(network.duration / step)):
            now += 1
            voltages += (drive - voltages) * share
            fired = voltages > 1
            share = np.where(fired, (voltages - 1) / np.where(fired, drive - 1, 1), full).astype(F)
            voltages[fired] = -1
            drawn = fired.astype(F) @ (low + (1 - low) * weights).astype(F)
            if isinstance(rule, STDP):
                recent = np.where(fired, F(1), recent * F(np.exp(-step / rule.input_time)))
                trace *= F(np.exp(-step / rule.output_time))
                back = rule.rate * rule.lower_step * np.exp(-rule.lower_bound * (1 - weights)) * trace * (trace > 1e-3)
                weights = np.where(fired[:, None], np.maximum(weights - back, 0), weights).astype(F)
            current = current * leak + drawn * fresh
            potential += (current - adaptation - potential) * rise
            if now < free:
                potential[:] = 0
            adaptation *= fade
            winner = int(potential.argmax())
            if potential[winner] > 1:
                counts[number, winner] += 1
                potential[:] = 0
                free = now + hold
                adaptation[winner] += F(neurons.increment)
                trace[winner] = 1
                w = weights[:, winner]
                if isinstance(rule, VDSP):
                    grown = F(rule.rate) * np.expm1(np.abs(voltages))
                    weights[:, winner] = np.where(voltages < 0, w + (1 - w) * grown, w - w * grown)
                elif isinstance(rule, STDP):
                    up = rule.raise_step * np.exp(-rule.raise_bound * w)
                    down = rule.lower_step * np.exp(-rule.lower_bound * (1 - w))
                    weights[:, winner] = (w + rule.rate * np.where(recent >= rule.recent, up, -down)).clip(0, 1)
                else:
                    volts = torch.from_numpy(np.where(voltages < 0, rule.numbers[0], rule.numbers[1]) * voltages)
                    weights[:, winner] += cells(winner).change(torch.from_numpy(w), volts).numpy()
    return weights, counts
