"""Train a small network in place on a memory that was measured: a table of increments against state, from CSV.

    python examples/measured_memory.py [your_table.csv]

Each weight is the difference of two devices. Nothing is computed in their place: every step of the optimiser becomes
programming pulses, which move the devices as they were measured, and the accuracy is that of what they hold in the end.
"""

import sys
from pathlib import Path

import torch
from torch import nn

import spinloom as sl
from spinloom.devices import read_memory
from spinloom.learning import Programming
from spinloom.nn import DeviceLinear

table = sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1] / "docs" / "examples" / "measured_memory.csv"
memory = read_memory(table, read_noise=0.005)
train, test = sl.data.load_pair("mnist-5k", train_limit=3000, test_limit=1000)
net = nn.Sequential(nn.Flatten(), DeviceLinear(784, 64, memory), nn.Tanh(), DeviceLinear(64, 10, memory))
programming = Programming(torch.optim.SGD(net.parameters(), lr=0.1), net, seed=1)
for epoch in range(5):
    for images, labels in zip(train.as_float().split(32), train.labels.split(32), strict=True):
        programming.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        programming.step()
    print(f"epoch {epoch + 1}: {sl.accuracy(net, test):.1%}, {programming.spent.events:,} pulses")
