"""Tell made-up spectra apart by resonators and oscillators, then see what a fabricated instance loses.

    python examples/radio_network.py

Four classes, each a peak at its own frequency in noise; 16 x 8 x 4 units.
"""

import torch

import spinloom as sl
from spinloom.nn.radio import Imperfections, fabricate, multilayer

generator = torch.Generator().manual_seed(1)
labels = torch.arange(400) % 4
spectra = 0.2 * torch.rand(400, 16, generator=generator)
spectra[torch.arange(400), 4 * labels + 1] += 0.8

network = multilayer((16, 8, 4))
adam = torch.optim.Adam(network.parameters(), 0.05)
for _ in range(150):
    loss = torch.nn.functional.cross_entropy(network(spectra), labels)
    adam.zero_grad()
    loss.backward()
    adam.step()


def right() -> float:
    with torch.no_grad():
        return 100 * float((network(spectra).argmax(1) == labels).double().mean())


print(f"{sum(sl.count_devices(network).values())} devices, {right():.1f} % right")
fabricate(network, Imperfections.spread(0.001), seed=1)
print(f"fabricated with 0.1 % spread: {right():.1f} % right")
