"""The activation devices that can be asked for by name: ours, and those that installed packages register.

A package registers `name = "package.module:Class"` in its entry-point group "spinloom.devices". Nothing heavy is
imported before `find`.
"""

from typing import Any

from spinloom.plugins import find_names, find_place, load_object, read_headline

OURS = {
    "mtj-neuron": (
        "tunnel junction with two polarizers: m_x is a tanh neuron, m_z^2 its gradient",
        "spinloom.devices.mtj.neuron:TwoPolarizerMTJ",
    )
}
"""By name: what it is, and where its class stands."""


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
