"""Parameters of a device from text, `diameter=80e-9`, as people type them on a command line."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from spinloom.errors import InputError, unknown_name

Design = TypeVar("Design")


def with_parameters(device: Design, assignments: Sequence[str]) -> Design:
    """`device` with `name=value` for each assignment: numbers in SI units, or a word (source=current).

    Nested parameters are written with a dot: barrier.tmr=1.5. Raises InputError for an unknown name, a value that is no
    number where one is needed, and whatever the device itself refuses.
    """
    if isinstance(assignments, str) or not isinstance(assignments, Sequence):
        raise InputError(f"assignments must be a list of texts such as ['diameter=80e-9'], got {assignments!r}")
    for assignment in assignments:
        if not isinstance(assignment, str):
            raise InputError(f"{assignment!r} is no assignment; write name=value, for example 'diameter=80e-9'")
        name, equals, text = assignment.partition("=")
        if not equals or not name or not text:
            raise InputError(f"{assignment!r} is no assignment; write name=value, for example diameter=80e-9")
        device = _assign(device, name.strip(), text.strip())
    return device


def _assign(device: Any, name: str, text: str) -> Any:
    outer, _, inner = name.partition(".")
    plain = [part.name for part in fields(device) if isinstance(getattr(device, part.name), int | float | str | None)]
    nested = [part.name for part in fields(device) if hasattr(getattr(device, part.name), "__dataclass_fields__")]
    if inner and outer in nested:
        return replace(device, **{outer: _assign(getattr(device, outer), inner, text)})
    if name not in plain:
        raise unknown_name("parameter", name, [*plain, *(f"{part}.…" for part in nested)])
    if isinstance(getattr(device, name), str):
        return replace(device, **{name: text})
    try:
        return replace(device, **{name: float(text)})
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name} must be a number in SI units, got {text!r}") from None
