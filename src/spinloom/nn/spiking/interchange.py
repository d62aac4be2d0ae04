"""Spiking networks from and to the Neuromorphic Intermediate Representation (Pedersen et al., Nature Communications 15,
8122 (2024)), through the package `nir`.

NIR says differential equations, not steps. As snnTorch does, a step of `dt` is one of Euler: decay = 1 - dt / tau,
gain = r dt / tau. Integrate-and-fire without leak (IF) is taken per step, v <- v + r x, as programs have it.
"""

import itertools
import warnings
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor, nn

from spinloom.errors import InputError, SpinloomWarning, require_positive, unknown_name
from spinloom.nn.spiking.layer import LeakyNeurons, Reset
from spinloom.nn.spiking.network import SpikingNetwork

STEP = 1e-4
"""s, that a step stands for in files of snnTorch."""
_EXACT = 1e-6
"""A gain this near 1 is 1: single precision of the file put it off."""
_SPIKING = {"LIF": ("tau",), "CubaLIF": ("tau_mem", "tau_syn"), "IF": (), "Threshold": ()}
"""Nodes of neurons, and their time constants."""
_KNOWN = ("Input", "Output", "Affine", "Linear", "Conv2d", "AvgPool2d", "Flatten", *_SPIKING)


def read_nir(
    source: Any, steps: int, *, dt: float = STEP, reset: Reset | None = None, trains: bool = False
) -> SpikingNetwork:
    """The `SpikingNetwork` of a NIR file, or of a nir.NIRGraph: a chain of layers with `LeakyNeurons`.

    dt: s that a step stands for; the same spikes need the one that the file was written with, 1e-4 for snnTorch.
    reset: NIR knows resets to a value alone, and snnTorch writes 0 whatever its layers do: say "delayed" for layers
    with its default, reset by subtraction. None is what the file says. steps, trains: of the network.
    Nodes: Input, Output, Affine, Linear, Conv2d, AvgPool2d, Flatten, LIF, CubaLIF, IF, Threshold.

    Raises InputError for another node, a graph that is no chain (recurrent, branched), a dt above the least time
    constant, a file that cannot be read, and without the package nir.
    """
    nir = _nir()
    require_positive("s", dt=dt)
    if reset is not None and reset not in get_args(Reset):
        raise unknown_name("reset", str(reset), get_args(Reset))
    if not isinstance(source, nir.NIRGraph):
        try:
            source = nir.read(source, type_check=False)
        except Exception as error:
            raise InputError(f"cannot read {source!s} as a NIR file: {error}") from error
    nodes = [(name, source.nodes[name]) for name in _chain(source)]
    if not any(type(node).__name__ in _SPIKING for _, node in nodes):
        raise InputError(f"the NIR graph has no spiking neurons ({', '.join(_SPIKING)})")
    body = nn.Sequential(*(_layer(name, node, dt, reset) for name, node in nodes[1:-1]))
    weight = next(body.parameters(), torch.empty(0))
    return SpikingNetwork(body.to(weight.dtype), steps, trains=trains)


def write_nir(path: str | Path, network: nn.Module, example: Tensor, dt: float = STEP) -> Any:
    """Write a chain of layers with `LeakyNeurons`, as planned (without spread), to a NIR file; returns its graph.

    example: (batch, ...), inputs of one step; it tells the shapes. dt: s that a step stands for; 1e-4 for snnTorch.

    Warns with SpinloomWarning where spikes will not be the same elsewhere: NIR resets to a value. Raises InputError for
    a layer that NIR has no node for, for refractory time, and without the package nir.
    """
    nir = _nir()
    require_positive("s", dt=dt)
    x = example[:1]
    nodes = [nir.Input(np.array(x.shape[1:]))]
    for name, layer in _flat(network.body if isinstance(network, SpikingNetwork) else network):
        nodes.append(_node(nir, name, layer, tuple(x.shape[1:]), dt))
        with torch.no_grad():
            x = x if isinstance(layer, LeakyNeurons) else layer(x)
    graph = nir.NIRGraph.from_list(*nodes, nir.Output(np.array(x.shape[1:])))
    nir.write(path, graph)
    return graph


def _nir() -> Any:
    try:
        import nir
    except ImportError:
        raise InputError("NIR files need the package nir: pip install 'spinloom[spiking]' or pip install nir") from None
    return nir


def _chain(graph: Any) -> list[str]:
    """Nodes of a graph in the order of work, Input first. Raises InputError where it is no chain."""
    edges, before = set(map(tuple, graph.edges)), {name: set[str]() for name in graph.nodes}
    for one, other in edges:
        if not {one, other} <= before.keys():
            raise InputError(f"the NIR graph has an edge from {one!r} to {other!r}, which are not both nodes of it")
        before[other].add(one)
    try:
        order = list(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise InputError(f"the NIR graph is recurrent: {' -> '.join(error.args[1])}; only chains can be read") from None
    for name in order:
        if type(graph.nodes[name]).__name__ not in _KNOWN:
            kind, known = type(graph.nodes[name]).__name__, ", ".join(_KNOWN)
            raise InputError(f"node {name!r} of the NIR graph is {kind}, which has no counterpart; known are {known}")
    if edges != set(itertools.pairwise(order)):
        ends = [end for edge in edges for end in edge]
        where = [name for name in order if ends.count(name) != 2 - (name in (order[0], order[-1]))]
        raise InputError(f"the NIR graph is no chain from Input to Output: look at {', '.join(map(repr, where))}")
    return order


def _layer(name: str, node: Any, dt: float, reset: Reset | None) -> nn.Module:
    kind = type(node).__name__
    if kind in _SPIKING:
        least = min((float(np.min(getattr(node, tau))) for tau in _SPIKING[kind]), default=np.inf)
        if dt > least:
            raise InputError(f"dt is too coarse for node {name!r}: at most its time constant {least:g} s, got {dt:g} s")
        numbers: dict[str, Any] = {one: torch.as_tensor(value) for one, value in _numbers(kind, node, dt).items()}
        shape = torch.broadcast_shapes(*(value.shape for value in numbers.values()))
        told = node.metadata.get("reset", "value") if reset is None else reset
        return LeakyNeurons(**numbers, reset=told, units=shape if shape.numel() > 1 else None)
    if kind == "Flatten":  # NIR counts axes without that of the batch
        return nn.Flatten(*(int(axis) + (axis >= 0) for axis in (node.start_dim, node.end_dim)))
    if kind == "AvgPool2d":
        return nn.AvgPool2d(*(_pair(size) for size in (node.kernel_size, node.stride, node.padding)))
    shape = np.shape(node.weight)
    layer: nn.Module
    if kind == "Conv2d":
        told = {one: _pair(getattr(node, one)) for one in ("stride", "padding", "dilation")}
        groups = int(node.groups)
        layer = nn.Conv2d(shape[1] * groups, shape[0], shape[2:], groups=groups, **told)
    else:
        layer = nn.Linear(shape[1], shape[0], kind == "Affine")
    for one, _ in list(layer.named_parameters()):
        setattr(layer, one, nn.Parameter(torch.as_tensor(1.0 * np.array(getattr(node, one)))))
    return layer


def _numbers(kind: str, node: Any, dt: float) -> dict[str, np.ndarray]:
    """Of `LeakyNeurons`, v counted from the leak's."""
    has = {one: np.asarray(value, np.float64) for one, value in vars(node).items() if isinstance(value, np.ndarray)}
    if kind == "Threshold":
        return {"decay": np.zeros(1), "threshold": has["threshold"]}
    leak = has.get("v_leak", 0.0)
    numbers = {"threshold": has["v_threshold"] - leak, "reset_to": has["v_reset"] - leak}
    share = dt / has["tau" if kind == "LIF" else "tau_mem"] if kind != "IF" else np.zeros(1)
    gain = has["r"] * share if kind != "IF" else has["r"]
    if kind == "CubaLIF":
        synaptic = dt / has["tau_syn"]
        numbers["synapse"], gain = 1 - synaptic, gain * has["w_in"] * synaptic
    return {**numbers, "decay": 1 - share, "gain": np.where(np.abs(gain - 1) < _EXACT, 1.0, gain)}


def _pair(value: Any) -> Any:
    return value if isinstance(value, str) else tuple(np.broadcast_to(np.asarray(value), 2).tolist())


def _flat(body: nn.Module, above: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Layers of nested nn.Sequential by name."""
    if isinstance(body, nn.Sequential):
        for name, layer in body.named_children():
            yield from _flat(layer, f"{above}.{name}" if above else name)
    else:
        yield above or type(body).__name__, body


def _node(nir: Any, name: str, layer: Any, shape: tuple[int, ...], dt: float) -> Any:
    """The node of a layer whose input has this shape."""
    kind = type(layer)
    if kind in (nn.Linear, nn.Conv2d):
        weight = layer.weight.detach().cpu().numpy()
        bias = np.zeros(len(weight), weight.dtype) if layer.bias is None else layer.bias.detach().cpu().numpy()
        if kind is nn.Conv2d:
            return nir.Conv2d(shape[1:], weight, layer.stride, layer.padding, layer.dilation, layer.groups, bias)
        return nir.Linear(weight) if layer.bias is None else nir.Affine(weight, bias)
    if kind is nn.Flatten:
        return nir.Flatten(np.array(shape), *(axis - (axis > 0) for axis in (layer.start_dim, layer.end_dim)))
    if kind is nn.AvgPool2d and not layer.ceil_mode and layer.divisor_override is None:
        return nir.AvgPool2d(*(np.array(_pair(size)) for size in (layer.kernel_size, layer.stride, layer.padding)))
    if kind is not LeakyNeurons or layer.refractory:
        what = f"{kind.__name__}{' with refractory time' if kind is LeakyNeurons else ''}"
        raise InputError(f"layer {name!r} ({what}) has no counterpart in NIR")
    if layer.reset != "value":
        words = f"layer {name!r} resets by subtraction, NIR to a value: other programs will reset it to 0"
        warnings.warn(words, SpinloomWarning, stacklevel=3)
    told = (getattr(layer, one).detach().cpu().double().expand(shape).numpy().copy() for one in (
        "decay", "gain", "synapse", "threshold", "reset_to"
    ))  # fmt: skip
    decay, gain, synapse, threshold, reset_to = told
    rest = {"v_threshold": threshold, "v_reset": reset_to, "metadata": {"reset": layer.reset}}
    if not synapse.any() and bool((decay == 1).all()):
        return nir.IF(r=gain, **rest)
    if bool((decay == 1).any()):
        raise InputError(
            f"layer {name!r} has units without leak beside others or behind synapses; NIR has no such node"
        )
    tau, r, leak = dt / (1 - decay), gain / (1 - decay), np.zeros(shape)
    if not synapse.any():
        return nir.LIF(tau=tau, r=r, v_leak=leak, **rest)
    tau_syn = dt / (1 - synapse)
    return nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau, r=r, v_leak=leak, w_in=tau_syn / dt, **rest)
