"""Which response stands for which activation of a network."""

from collections.abc import Mapping
from typing import TypeAlias

from torch import nn

from spinloom.devices import Response
from spinloom.errors import InputError, unknown_name
from spinloom.nn.affine import Affine
from spinloom.nn.tables import Table, tabulate

REPLACEABLE: tuple[type[nn.Module], ...] = (nn.Tanh, nn.Sigmoid, nn.Hardtanh)
Mapped: TypeAlias = Response | Mapping[type[nn.Module] | str, Response]


class Choice:
    """The mapping given to `to_hardware`, checked: activation types or layer names to responses.

    A name wins over the exact type, which wins over a base type. A subclass is taken for its base only if it keeps the
    base's forward and is not ReLU6 (name it or its type to convert it). One table is made per response and affine.
    Raises InputError for keys or values of the wrong kind.
    """

    def __init__(self, mapping: Mapped) -> None:
        if not isinstance(mapping, Response | Mapping):
            raise InputError(f"give a Response or a mapping {{nn.Tanh: response, ...}}, got {type(mapping).__name__}")
        pairs: dict[type[nn.Module] | str, Response] = (
            dict.fromkeys(REPLACEABLE, mapping) if isinstance(mapping, Response) else dict(mapping)
        )
        for key, response in pairs.items():
            _require(key, response)
        self._pairs = pairs
        self._tables: dict[tuple[int, Affine], Table] = {}

    @property
    def names(self) -> list[str]:
        return [key for key in self._pairs if isinstance(key, str)]

    def response(self, name: str, kind: type[nn.Module]) -> Response | None:
        """The response for the activation called `name` of type `kind`, or None to leave it as it is."""
        if not issubclass(kind, REPLACEABLE):
            return None
        for key in (name, kind):
            if key in self._pairs:
                return self._pairs[key]
        for base in REPLACEABLE:
            plain = issubclass(kind, base) and kind.forward is base.forward and not issubclass(kind, nn.ReLU6)
            if plain and base in self._pairs:
                return self._pairs[base]
        return None

    def table(self, response: Response, affine: Affine) -> Table:
        """The table of this response, made once."""
        key = (id(response), affine)
        if key not in self._tables:
            self._tables[key] = tabulate(response, affine)
        return self._tables[key]

    def require_used(self, seen: set[str]) -> None:
        """Raise InputError for a name in the mapping that is no replaceable activation of the network."""
        for name in self.names:
            if name not in seen:
                raise unknown_name("replaceable layer", name, seen)


def _require(key: object, response: object) -> None:
    if not isinstance(response, Response):
        raise InputError(f"the mapping gives {_shown(key)} a {type(response).__name__}; give it a spinloom Response")
    if isinstance(key, str) or (isinstance(key, type) and issubclass(key, REPLACEABLE)):
        return
    raise InputError(f"cannot map {_shown(key)}: keys are layer names, nn.Tanh, nn.Sigmoid, nn.Hardtanh or subclasses")


def _shown(key: object) -> str:
    return key.__name__ if isinstance(key, type) else repr(key)
