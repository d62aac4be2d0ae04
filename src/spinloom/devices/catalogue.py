"""The activation devices that can be asked for by name: ours, and those that installed packages register.

A package registers `name = "package.module:Class"` in its entry-point group "spinloom.devices". Nothing heavy is
imported before `find`.
"""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

GROUP = "spinloom.devices"
OURS = {
    "mtj-neuron": (
        "tunnel junction with two polarizers: m_x is a tanh neuron, m_z^2 its gradient",
        "spinloom.devices.mtj.neuron:TwoPolarizerMTJ",
    ),
}
"""By name: what it is, and where its class stands."""


def names() -> tuple[str, ...]:
    """Every device that has a name, ours first."""
    return (*OURS, *sorted({point.name for point in entry_points(group=GROUP)} - OURS.keys()))


def headline(name: str) -> str:
    """What it is, in one line: of a package, its own summary. Raises InputError as `find` does."""
    if name in OURS and not _registered(name):
        return OURS[name][0]
    _place(name)
    point = _registered(name)[0]
    known = point.dist.metadata.json if point.dist else {}
    return f"{known.get('summary', 'device')} ({_origin(point)})"


def find(name: str) -> type:
    """The class behind a name or `package.module:Class`.

    Raises InputError for an unknown name (with the nearest one), two packages that register it, a module that does not
    import, and a class that is missing or breaks a promise of `Device`.
    """
    from spinloom.devices.contract import require_promises
    from spinloom.errors import InputError

    place = name if ":" in name else _place(name)
    module, _, attribute = place.partition(":")
    try:
        found: Any = import_module(module)
    except Exception as error:  # whatever a stranger's module raises while it loads
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"device {name!r}: the module {module!r} does not import ({reason}); check it") from error
    for part in attribute.split("."):
        if not hasattr(found, part):
            kept = ", ".join(key for key, value in vars(found).items() if isinstance(value, type)) or "none"
            raise InputError(f"device {name!r}: {module!r} has no class {attribute!r}; its classes are {kept}")
        found = getattr(found, part)
    require_promises(found, name)
    return found


def _place(name: str) -> str:
    """module:Class of a name."""
    from spinloom.errors import InputError, unknown_name

    points = _registered(name)
    claims = [f"Spinloom ({OURS[name][1]})"] if name in OURS else []
    claims += [f"{_origin(point)} ({point.value})" for point in points]
    if len(claims) > 1:
        raise InputError(
            f"the device name {name!r} is registered twice, by {' and '.join(claims)}; uninstall one, or give "
            "package.module:Class"
        )
    if not claims:
        raise unknown_name("device", name, [*names(), "package.module:Class", "curve.csv", "response.safetensors"])
    return points[0].value if points else OURS[name][1]


def _registered(name: str) -> list[EntryPoint]:
    """One for each package and class."""
    return list({(_origin(point), point.value): point for point in entry_points(group=GROUP, name=name)}.values())


def _origin(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "a package"
