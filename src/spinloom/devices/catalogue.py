"""The activation devices that can be asked for by name: ours, and those of other packages. Imports nothing heavy.

Another package registers one by an entry point of the group `spinloom.devices`: its name, and `package.module:Class`.
"""

from typing import Any

from spinloom.errors import unknown_name
from spinloom.plugins import choose_plugin, find_plugins, load_object, load_plugin, read_headline

GROUP = "spinloom.devices"

OURS = {
    "mtj-neuron": (
        "tunnel junction with two polarizers: m_x is a tanh neuron, m_z^2 its gradient",
        "spinloom.devices.mtj_neuron:TwoPolarizerMTJ",
    ),
}
"""By name: what it is, and where its class stands."""


def names() -> list[str]:
    """Every device that has a name. Imports none of them."""
    return sorted({*OURS, *find_plugins(GROUP)})


def headline(name: str) -> str:
    """What it is, in one line. Raises InputError for a name that two have, or a plugin whose module is not there."""
    plugins = find_plugins(GROUP)
    if name in plugins:
        return read_headline(choose_plugin("device", name, plugins[name], OURS).value)
    return OURS[name][0]


def find(name: str) -> Any:
    """The class behind a name or `package.module:Class`.

    Raises InputError for an unknown name, a name that two have, and what cannot be imported.
    """
    plugins = find_plugins(GROUP)
    if name in plugins:
        return load_plugin("device", choose_plugin("device", name, plugins[name], OURS))
    if name not in OURS and ":" not in name:
        raise unknown_name("device", name, names())
    return load_object(OURS[name][1] if name in OURS else name, f"device {name!r}")
