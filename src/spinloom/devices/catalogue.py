"""The activation devices that can be asked for by name: ours, and those that installed packages register.

A package registers `name = "package.module:Class"` in its entry-point group "spinloom.devices". Nothing heavy is
imported before `find`.
"""

from typing import Any

from spinloom.errors import InputError, unknown_name
from spinloom.plugins import find_names, find_place, load_object, read_headline

OURS = {
    "mtj-neuron": (
        "tunnel junction with two polarizers: m_x is a tanh neuron, m_z^2 its gradient",
        "spinloom.devices.mtj.neuron:TwoPolarizerMTJ",
    )
}
"""By name: what it is, and where its class stands."""


MEMORIES = {
    "linear": ("every pulse moves the conductance by one step", "spinloom.devices.memory.linear:LinearMemory"),
    "weak-reset": ("HfOx whose pulses only lower it", "spinloom.devices.memory.weak_reset:WeakResetMemory"),
    "domain-wall": (
        "a wall in a track, few states written with a large scatter",
        "spinloom.devices.memory.domain_wall:DomainWallMemory",
    ),
    "tio2": (
        "TiO2 that voltages beyond a threshold switch, fitted",
        "spinloom.devices.memory.voltage_switching:VoltageSwitchingMemory",
    ),
    "hzo": ("ferroelectric HZO, fitted by the same law", "spinloom.devices.memory.voltage_switching:HZOMemory"),
    "hfo2": ("filamentary HfO2, fitted by the same law", "spinloom.devices.memory.voltage_switching:HfO2Memory"),
}
"""Memories by name, as OURS."""


def names() -> tuple[str, ...]:
    """Every device that has a name, ours first."""
    return (*OURS, *(name for name in find_names("device") if name not in OURS))


def headline(name: str) -> str:
    """What it is, in one line: of a package's device, its docstring's first line. Raises InputError as `find` does."""
    place = _place(name)
    return OURS[name][0] if name in OURS else read_headline(place)


def find(name: str) -> Any:
    """The class behind a name or `package.module:Class`.

    Raises InputError for an unknown name (with the nearest one), two packages that register it, a module that does not
    import, and a class that is missing or breaks a promise of `Device`.
    """
    from spinloom.devices.contract import require_promises

    made = load_object(name if ":" in name else _place(name), f"device {name!r}")
    require_promises(made, name)
    return made


def _place(name: str) -> str:
    return find_place("device", name, {key: place for key, (_, place) in OURS.items()})


def find_memory(name: str) -> Any:
    """The memory, with its default parameters, behind a name of `MEMORIES`, `package.module:Class`, or a measured one.

    A path to a .csv is read by `read_memory`, to a .safetensors by `load_memory`.
    Raises InputError for an unknown name (with the nearest one), a module that does not import, and no `Memory`.
    """
    from spinloom.devices.contract import Memory
    from spinloom.devices.memory.measured import load_memory, read_memory

    for end, read in ((".csv", read_memory), (".safetensors", load_memory)):
        if name.lower().endswith(end):
            return read(name)
    if name not in MEMORIES and ":" not in name:
        raise unknown_name("memory", name, MEMORIES)
    made = load_object(MEMORIES[name][1] if name in MEMORIES else name, f"memory {name!r}")
    if not isinstance(made, type) or not issubclass(made, Memory):
        raise InputError(f"memory {name!r} must be a class derived from spinloom.devices.Memory, got {made!r}")
    return made()
