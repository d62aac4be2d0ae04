"""Train a small network in place on a memory that was measured: a table of increments against state, from CSV.

    python examples/measured_memory.py [your_table.csv]

Each weight is the difference of two devices. Every step of the optimiser becomes programming pulses, which move the
devices as they were measured; the accuracy is that of what they hold in the end, read with noise.
"""

import sys
from pathlib import Path

import torch
from torch import nn

import spinloom as sl
from spinloom.evaluation import Examples

torch.set_num_threads(1)  # faster than two for so small a network
TABLE = Path(__file__).parents[1] / "docs" / "examples" / "measured_memory.csv"

memory = sl.devices.read_memory(sys.argv[1] if sys.argv[1:] else TABLE, read_noise=0.005)
train, test = map(Examples.of, sl.data.load_pair("mnist-5k"))
layers = [sl.nn.DeviceLinear(*shape, memory, weight_range=1.0) for shape in ((784, 64), (64, 10))]
net = nn.Sequential(nn.Flatten(), layers[0], nn.Tanh(), layers[1])
programming = sl.learning.Programming(torch.optim.Adam(net.parameters(), lr=0.003), net, seed=1)
for images, labels in zip(train.inputs.split(32), train.labels.split(32), strict=True):
    programming.zero_grad()
    nn.functional.cross_entropy(net(images), labels).backward()
    programming.step()
print(f"{sl.accuracy(net, test):.1%} of the test images, after {programming.spent.events:,} pulses")
