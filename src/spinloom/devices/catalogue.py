"""The activation devices that can be asked for by name. This file imports nothing heavy."""

from importlib import import_module

OURS = {
    "mtj-neuron": (
        "tunnel junction with two polarizers: m_x is a tanh neuron, m_z^2 its gradient",
        "spinloom.devices.mtj_neuron:TwoPolarizerMTJ",
    ),
}
"""By name: what it is, and where its class stands."""


def names() -> tuple[str, ...]:
    """Every device that has a name."""
    return tuple(OURS)


def headline(name: str) -> str:
    """What it is, in one line."""
    return OURS[name][0]


def find(name: str) -> type:
    """The class behind a name or `package.module:Class`. Raises InputError for an unknown name."""
    from spinloom.errors import unknown_name

    place = OURS[name][1] if name in OURS else name
    if ":" not in place:
        raise unknown_name("device", name, OURS)
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
