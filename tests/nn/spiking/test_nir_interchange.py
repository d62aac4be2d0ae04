"""Networks to NIR and back, the same spikes in snnTorch, and graphs that cannot be read."""

import importlib.util
import itertools
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from spinloom.errors import InputError, SpinloomWarning
from spinloom.nn import LeakyNeurons, SpikingNetwork, read_nir, write_nir

HAVE = {name: importlib.util.find_spec(name) is not None for name in ("nir", "snntorch", "nirtorch")}
needs_nir = pytest.mark.skipif(not HAVE["nir"], reason="NIR NOT TESTED: pip install nir")
peer = [
    pytest.mark.peer,
    pytest.mark.skipif(not all(HAVE.values()), reason="PEER NOT COMPARED: pip install nir nirtorch snntorch"),
    pytest.mark.filterwarnings("ignore"),
]
STEPS = 40


def drawn(*shape, seed=1):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def set_weights(network, seed=2, grid=None):
    """Random weights; on a grid of 1 / grid, so that sums are exact whatever their order."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            value = (torch.rand(parameter.shape, generator=source) - 0.3) / parameter[0].numel() ** 0.5
            parameter.copy_(value if grid is None else (value * grid).round() / grid)
    return network


def convolutional(reset="value"):
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, stride=2), LeakyNeurons(0.875, reset=reset), nn.AvgPool2d(2), nn.Flatten(),
        nn.Sequential(nn.Linear(16, 12, bias=False), LeakyNeurons(0.75, synapse=0.5, reset=reset)),
        nn.Linear(12, 6), LeakyNeurons(1.0, reset=reset, gain=0.5), nn.Linear(6, 4),
        LeakyNeurons(torch.tensor([0.5, 0.75, 0.875, 0.25]), threshold=torch.tensor([1.0, 0.5, 0.75, 1.0]), reset=reset,
                     reset_to=-0.25),
    )  # fmt: skip


@needs_nir
@pytest.mark.parametrize("reset", ["value", "subtract", "delayed"])
def test_a_network_comes_back_from_its_file_with_the_same_spikes(tmp_path, reset):
    network = SpikingNetwork(set_weights(convolutional(reset)), STEPS, trains=True)
    trains = (drawn(STEPS, 3, 2, 8, 8) < 0.4).float() * 2
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        write_nir(tmp_path / "net.nir", network, trains[0], dt=1e-3)
    assert len([one for one in said if one.category is SpinloomWarning]) == (0 if reset == "value" else 4)
    found = read_nir(tmp_path / "net.nir", STEPS, dt=1e-3, trains=True)
    assert [type(layer).__name__ for layer in found.body].count("LeakyNeurons") == 4
    expected = network.spikes(trains)
    assert 0 < expected.mean() < 1
    assert torch.equal(found.spikes(trains), expected)


@needs_nir
def test_equations_become_steps_of_euler(tmp_path):
    import nir

    node = nir.LIF(*(np.full(3, number) for number in (5e-3, 2.0, 0.25, 1.25, 0.5)))
    neurons = read_nir(nir.NIRGraph.from_list(node), 5, dt=1e-3).body[0]
    numbers = {name: float(getattr(neurons, name).unique()) for name in ("decay", "gain", "threshold", "reset_to")}
    assert numbers == pytest.approx({"decay": 0.8, "gain": 0.4, "threshold": 1.0, "reset_to": 0.25})  # from its leak
    assert neurons.units == (3,)
    threshold = read_nir(nir.NIRGraph.from_list(nir.Threshold(np.full(2, 0.5))), 4).body[0]
    assert torch.equal(threshold(torch.tensor([[0.4, 0.6]]).repeat(4, 1)), torch.tensor([[0.0, 1.0]]).repeat(4, 1))


def snn_leaky(beta, units, reset="subtract", **options):
    import snntorch

    return snntorch.Leaky(
        torch.full((units,), beta), threshold=torch.ones(units), reset_mechanism=reset, init_hidden=True, **options
    )


def snn_spikes(network, trains):
    from snntorch import utils

    utils.reset(network)
    with torch.no_grad():
        return torch.stack([out[0] if isinstance(out := network(step), tuple) else out for step in trains])


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("grid", [64, None])
class TestSnnTorch:
    pytestmark = peer

    def test_what_it_exports_fires_the_same_spikes_here(self, tmp_path, reset, grid):
        import nir
        from snntorch.export_nir import export_to_nir

        theirs = nn.Sequential(
            nn.Linear(30, 40), snn_leaky(0.875, 40, reset), nn.Linear(40, 10, bias=False), snn_leaky(0.9375, 10, reset)
        )
        set_weights(theirs, grid=grid)
        trains = (drawn(STEPS, 16, 30) < 0.2).float()
        nir.write(tmp_path / "snn.nir", export_to_nir(theirs, trains[0], ignore_dims=[0]))
        ours = read_nir(tmp_path / "snn.nir", STEPS, reset="delayed" if reset == "subtract" else None, trains=True)
        expected, found = snn_spikes(theirs, trains), ours.spikes(trains)
        print(f"spikes {int(expected.sum())}, other {int((expected != found).sum())} of {expected.numel()}")
        assert 0.02 < expected.mean() < 0.98
        assert torch.equal(found, expected)

    def test_it_fires_our_spikes_from_our_file_where_they_reset_to_zero(self, tmp_path, reset, grid):
        import nir
        from snntorch.import_nir import import_from_nir

        told = "value" if reset == "zero" else "subtract"
        body = nn.Sequential(
            nn.Linear(30, 40), LeakyNeurons(0.875, reset=told, units=40),
            nn.Linear(40, 10, bias=False), LeakyNeurons(0.9375, reset=told, threshold=0.5),
        )  # fmt: skip
        ours = SpikingNetwork(set_weights(body, grid=grid), STEPS, trains=True)
        trains = (drawn(STEPS, 16, 30) < 0.2).float()
        write_nir(tmp_path / "ours.nir", ours, trains[0])
        theirs = import_from_nir(nir.read(tmp_path / "ours.nir")).float()
        expected, found = ours.spikes(trains), snn_spikes(theirs, trains)
        print(f"spikes {int(expected.sum())}, other {int((expected != found).sum())} of {expected.numel()}")
        assert 0.02 < expected.mean() < 0.98
        assert torch.equal(found, expected) == (reset == "zero")


class TestSnnTorchWithImagesAndSynapses:
    pytestmark = peer

    def compare(self, theirs, trains, path, reset=None):
        import nir
        from snntorch.export_nir import export_to_nir

        set_weights(theirs)
        graph = export_to_nir(theirs, trains[0], ignore_dims=[0])
        expected = snn_spikes(theirs, trains)
        assert 0.02 < expected.mean() < 0.98
        assert torch.equal(read_nir(graph, STEPS, reset=reset, trains=True).spikes(trains), expected)
        nir.write(path / "snn.nir", graph)
        assert torch.equal(read_nir(path / "snn.nir", STEPS, reset=reset, trains=True).spikes(trains), expected)

    def test_convolutions_pooling_and_flatten(self, tmp_path):
        import snntorch

        leaky = snntorch.Leaky(torch.full((4, 8, 8), 0.9), threshold=torch.ones(4, 8, 8), init_hidden=True)
        theirs = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1), leaky, nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 5), snn_leaky(0.8, 5)
        )
        self.compare(theirs, (drawn(STEPS, 3, 2, 8, 8) < 0.3).float(), tmp_path, "delayed")

    @pytest.mark.parametrize("reset", ["zero", "subtract"])
    def test_synaptic_currents(self, tmp_path, reset):
        import snntorch

        alpha, beta, one = torch.full((20,), 0.75), torch.full((20,), 0.9), torch.ones(20)
        # resetting to zero a step late, a Synaptic layer of snnTorch drops the input of that step
        how = {"reset_mechanism": reset, "reset_delay": reset == "subtract"}
        neurons = snntorch.Synaptic(alpha, beta, threshold=one, init_hidden=True, **how)
        trains = (drawn(STEPS, 8, 30) < 0.2).float()
        self.compare(
            nn.Sequential(nn.Linear(30, 20), neurons), trains, tmp_path, None if reset == "zero" else "delayed"
        )


@needs_nir
class TestMistakes:
    def graph(self, *nodes, edges=None):
        import nir

        named = {"in": nir.Input(np.array([2])), **{f"n{k}": node for k, node in enumerate(nodes)}}
        names = [*named, "out"]
        named["out"] = nir.Output(np.array([2]))
        chain = list(itertools.pairwise(names))
        return nir.NIRGraph(named, chain + (edges or []), type_check=False)

    def lif(self, tau=1e-2):
        import nir

        return nir.LIF(*(np.full(2, number) for number in (tau, 1.0, 0.0, 1.0)))

    def test_a_node_without_counterpart_is_named(self):
        import nir

        with pytest.raises(InputError, match="'n1' of the NIR graph is Delay, which has no counterpart"):
            read_nir(self.graph(self.lif(), nir.Delay(np.ones(2))), 5)

    def test_recurrence_and_branches_are_named(self):
        import nir

        with pytest.raises(InputError, match=r"is recurrent: n[01] -> n[01] -> n[01];"):
            read_nir(self.graph(self.lif(), nir.Linear(np.eye(2)), edges=[("n1", "n0")]), 5)
        with pytest.raises(InputError, match="no chain from Input to Output: look at 'n0', 'n2'"):
            read_nir(self.graph(self.lif(), self.lif(), self.lif(), edges=[("n0", "n2")]), 5)
        inner = self.graph(self.lif())
        with pytest.raises(InputError, match="NIRGraph, which has no counterpart"):
            read_nir(self.graph(inner), 5)

    def test_a_step_that_is_too_coarse_is_told_with_its_limit(self):
        with pytest.raises(InputError, match=r"dt is too coarse for node 'n0': at most its time constant 0.01 s"):
            read_nir(self.graph(self.lif(1e-2)), 5, dt=2e-2)

    def test_files_and_layers_that_cannot_be_used(self, tmp_path):
        import nir

        (tmp_path / "no.nir").write_text("no")
        with pytest.raises(InputError, match=r"cannot read .*no\.nir"):
            read_nir(tmp_path / "no.nir", 5)
        with pytest.raises(InputError, match="no spiking neurons"):
            read_nir(self.graph(nir.Linear(np.eye(2))), 5)
        with pytest.raises(InputError, match="unknown reset"):
            read_nir(self.graph(self.lif()), 5, reset="zero")
        for body, word in (
            (
                nn.Sequential(nn.BatchNorm1d(2), LeakyNeurons(0.5)),
                r"'0' \(BatchNorm1d\) has no counterpart",
            ),
            (nn.Sequential(LeakyNeurons(0.5, refractory=2)), "refractory"),
        ):
            with pytest.raises(InputError, match=word):
                write_nir(tmp_path / "x.nir", SpikingNetwork(body, 5), torch.ones(3, 2))
        assert not (tmp_path / "x.nir").exists()


def test_without_the_package_the_remedy_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(InputError, match="pip install"):
        read_nir("net.nir", 5)
