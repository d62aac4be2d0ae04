"""A spiking network of one's own, trained in snnTorch, goes through a NIR file onto NbOx neurons.

    pip install 'spinloom[spiking]' snntorch nirtorch
    python examples/snntorch_network.py

Its neurons become circuits: spikes are compared, accuracy and energy measured; then it learns on with them.
"""

import nir
import snntorch
import torch
from snntorch import utils
from snntorch.export_nir import export_to_nir
from torch import nn

import spinloom as sl
from spinloom.evaluation import Examples

STEPS = 25
torch.set_num_threads(1)
torch.manual_seed(1)
train, test = map(Examples.of, sl.data.load_pair("mnist-5k"))


def leaky(units: int) -> snntorch.Leaky:
    return snntorch.Leaky(torch.full((units,), 0.75), threshold=torch.ones(units), init_hidden=True)


def spikes_in_snntorch(images: torch.Tensor) -> torch.Tensor:
    utils.reset(net)
    return torch.stack([net(images) for _ in range(STEPS)])


net = nn.Sequential(nn.Flatten(), nn.Linear(784, 48), leaky(48), nn.Linear(48, 10), leaky(10))
adam = torch.optim.Adam(net.parameters(), 1e-3)
for _ in range(3):
    for place in torch.randperm(len(train.labels)).split(64):
        adam.zero_grad()
        nn.functional.cross_entropy(spikes_in_snntorch(train.inputs[place]).sum(0), train.labels[place]).backward()
        adam.step()

# from here on, twelve lines
nir.write("network.nir", export_to_nir(net, test.inputs[:1], ignore_dims=[0]))
ours = sl.nn.read_nir("network.nir", STEPS, reset="delayed")  # snnTorch subtracts one step late, which NIR cannot say
device = sl.NbOxNeuron(load=20e3, capacitance=150e-12)
devices = sl.nn.to_neurons(ours, device, seed=1, spread=sl.Spread(film_resistance=0.02, capacitance=0.02))
with torch.no_grad():
    theirs, mine, circuits = spikes_in_snntorch(test.inputs), ours.spikes(test.inputs), devices.spikes(test.inputs)
print(f"{int((theirs != mine).sum())} of {int(theirs.sum())} spikes differ from snnTorch's")
print(f"{int(circuits.sum())} spikes of circuits; the same in {(circuits == mine).float().mean():.1%} of all steps")
print(f"{sl.accuracy(ours, test):.1%} of the test images; with NbOx neurons {sl.accuracy(devices, test):.1%}", end="")
print(f" at {1e9 * sl.inference_cost(devices, test.inputs[:100]).neurons:.0f} nJ an image")
sl.fit(devices, sl.load_images("mnist-5k", limit=2000), sl.Training(epochs=1, rate=1e-3, seed=1))
print(f"{sl.accuracy(devices, test):.1%} after they have learnt on")
