"""Train a small network, put it on junctions, see what is lost and what it costs; write a report.

    python examples/own_network.py

Change `net`, the data and the device to yours.
"""

from torch import nn

import spinloom as sl

train, test = sl.data.load_pair("mnist-5k", train_limit=2000, test_limit=500)
net = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.Tanh(), nn.Linear(64, 10))
sl.fit(net, train, sl.Training(epochs=3, seed=1))

found = sl.evaluate(net, sl.TwoPolarizerMTJ(diameter=80e-9), test, instances=5, spread=0.1)
print(found)
found.save("report.html")
