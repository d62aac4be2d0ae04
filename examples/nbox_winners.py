"""Digits learnt without labels by spikes: NbOx neurons compete, and the winner's weights follow the inputs' potentials.

    python examples/nbox_winners.py

Input neurons are leaky integrate-and-fire, one a pixel. Of the circuits that they drive, the first to fire holds all
others back, and its weights move by the membrane potentials of the inputs (VDSP: Garg et al., Front. Neurosci.
16, 983950 (2022)). A circuit stands for the class that it answered most. Beside it the same with the planned neurons.
"""

import math

import torch

import spinloom as sl
from spinloom.learning import VDSP, assign_classes, classify
from spinloom.nn import LeakyNeurons, NbOxNeurons

STEP, STEPS, HELD, OUTPUTS = 5e-3, 70, 2, 20  # s; an image lasts 0.35 s, after a spike all outputs are held for 10 ms
LEARN, LABEL, TEST = 200, 100, 100  # images; those that label are the last ones that are learnt
DECAY, SYNAPSE, FADE = (math.exp(-STEP / time) for time in (30e-3, 5e-3, 1.0))
CHARGE = 2e-3  # threshold x s of an input spike through a weight of 1
LAGS = torch.arange(STEPS)[:, None] - torch.arange(STEPS)
FILTER = (1 - SYNAPSE) * CHARGE / STEP * torch.where(LAGS < 0, 0.0, SYNAPSE ** LAGS.clamp_min(0))  # of a current
TIRED = FADE ** torch.arange(STEPS + 1)[:, None]
RULE = VDSP(rate=0.01)
torch.set_num_threads(1)


def inputs(images: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Potentials and spikes of the input neurons, (n, STEPS, pixels); threshold 1, reset -1, a step of rest."""
    drive, potentials, spikes = 4 * images + 0.5, [], []
    v = 2 * torch.rand(images.shape, generator=torch.Generator().manual_seed(seed)) - 1
    v, fires = torch.minimum(v, drive), torch.zeros_like(images, dtype=torch.bool)
    for _ in range(STEPS):
        v = torch.where(fires, v, drive + (v - drive) * DECAY)
        fires = v > 1
        v = torch.where(fires, -1.0, v)
        potentials.append(v)
        spikes.append(fires)
    return torch.stack(potentials, 1), torch.stack(spikes, 1).float()


def present(layer: LeakyNeurons, weights: torch.Tensor, images: torch.Tensor, learn: bool) -> torch.Tensor:
    """Spikes of each output for each image, (n, outputs). Weights (pixels, outputs) change in place."""
    counts, tired = torch.zeros(len(images), OUTPUTS), torch.zeros(OUTPUTS)
    for number in range(len(images)):
        if number % 25 == 0:
            shown = inputs(images[number : number + 25], number)
        potentials, spikes = (part[number % 25] for part in shown)
        begin = 0
        while begin < STEPS:
            for reach in (10, STEPS):  # most spikes come soon
                until = min(begin + reach, STEPS)
                drive = FILTER[begin:until, :until] @ (spikes[:until] @ weights) - tired * TIRED[: until - begin]
                fired = layer(drive[:, None])[:, 0]
                if until == STEPS or fired.any():
                    break
            if not fired.any():
                tired = tired * FADE ** (STEPS - begin)
                break
            when = int(fired.amax(1).argmax())
            winner = int((fired[when] * (1 + drive[when].clamp_min(0))).argmax())
            tired = tired * FADE ** (when + 1 + HELD)
            tired[winner] += 0.01
            counts[number, winner] += 1
            if learn:
                weights[:, winner] += RULE.change(weights[:, winner], potentials[begin + when])
            begin += when + 1 + HELD
    return counts


data = sl.load_images("mnist-5k")
order = torch.randperm(len(data.labels), generator=torch.Generator().manual_seed(1))[: LEARN + TEST]
images, labels = data.as_float(normalise=False).flatten(1)[order], data.labels[order]
circuits = NbOxNeurons(sl.NbOxNeuron(load=20e3, capacitance=150e-12), DECAY, gain=1 - DECAY, units=OUTPUTS, spread=0.01)
for name, layer in (("leaky", LeakyNeurons(DECAY, gain=1 - DECAY, reset="value")), ("NbOx", circuits.resample(2))):
    weights = torch.rand(784, OUTPUTS, generator=torch.Generator().manual_seed(3))
    learnt = present(layer, weights, images[:LEARN], learn=True)
    assigned = assign_classes(learnt[-LABEL:], labels[LEARN - LABEL : LEARN])
    found = classify(present(layer, weights, images[LEARN:], learn=False), assigned)
    right = (found == labels[LEARN:]).float().mean()
    print(f"{name} neurons: {right:.1%} of {TEST} test images, {learnt.sum() / LEARN:.1f} spikes an image")
