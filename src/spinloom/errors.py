"""Errors for the person who made the mistake: what was given, what is allowed, in which unit.

torch is imported when a quantity is checked, so that a command line answers a misspelt name at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Real
from operator import index
from reprlib import repr as short
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch


Sign = Literal["positive", "non-negative", "any"]


class SpinloomError(Exception):
    """Base of every error raised on purpose; the command line prints it in one line and exits with 2."""


class InputError(SpinloomError, ValueError):
    """A value, file or name that cannot be used, with the remedy in its message."""


class PhysicsError(SpinloomError, ArithmeticError):
    """The simulation left the physics: NaN, drifting |m|, a step that blew up."""


class SpinloomWarning(UserWarning):
    """The result may be poor: what was given works, something else would be better."""


class OutputError(SpinloomError, OSError):
    """A result could not be written; nothing half-written is left behind."""


def unknown_name(kind: str, given: object, known: Iterable[str]) -> InputError:
    """The error for a name that is not in a registry; proposes the nearest known one."""
    names = sorted(known)
    close = get_close_matches(str(given), names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return InputError(f"unknown {kind} {given!r}: {hint}known are {', '.join(names)}")


def require_positive(unit: str, **quantities: float | torch.Tensor) -> None:
    """Raise InputError unless every quantity is finite and > 0. `unit` is printed behind the value."""
    require_sign(unit, "positive", **quantities)


def require_non_negative(unit: str, **quantities: float | torch.Tensor) -> None:
    """Raise InputError unless every quantity is finite and >= 0."""
    require_sign(unit, "non-negative", **quantities)


def require_finite(unit: str, **quantities: float | torch.Tensor) -> None:
    """Raise InputError unless every quantity is finite."""
    require_sign(unit, "any", **quantities)


def require_number(unit: str, sign: Sign = "any", /, **quantities: float | torch.Tensor) -> None:
    """Raise InputError unless every quantity is one finite number of that sign, not a list or a batch of them."""
    for name, quantity in quantities.items():
        if not _is_quantity(quantity) or getattr(quantity, "ndim", False):
            place = unit if unit.startswith("of ") else f"in {unit}"
            raise InputError(f"{name} must be one number {f'{place}, ' if unit else ''}got {short(quantity)}")
        require_finite(unit, **{name: quantity})
    require_sign(unit, sign, **quantities)


def require_sign(unit: str, sign: Sign, /, **quantities: float | torch.Tensor) -> None:
    """Raise InputError unless every quantity is finite and of that sign."""
    import torch

    bound = {"positive": " and > 0", "non-negative": " and >= 0", "any": ""}[sign]
    for name, quantity in quantities.items():
        try:
            values = torch.as_tensor(quantity, dtype=torch.float64).detach()
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{name} must be a number or a tensor of numbers, got {short(quantity)}") from error
        if not values.numel():
            raise InputError(f"{name} must hold at least one number, got an empty tensor")
        worst = float(values.min()) if values.isfinite().all() else math.nan
        if math.isnan(worst) or (bound and worst < 0) or (sign == "positive" and worst == 0):
            shown = f"{worst:g} {unit}".strip() if not math.isnan(worst) else "a value that is not finite"
            raise InputError(f"{name} must be finite{bound}, got {shown}")


def require_quantity(**quantities: float | torch.Tensor) -> None:
    """Raise InputError unless every quantity is a number or a tensor. Its numbers are not looked at."""
    for name, quantity in quantities.items():
        if not _is_quantity(quantity):
            raise InputError(f"{name} must be a number or a tensor, got {short(quantity)}; write torch.tensor(...)")


def require_count(least: int = 1, **counts: int) -> None:
    """Raise InputError unless every count is a whole number (of any integer type) of at least `least`."""
    for name, count in counts.items():
        whole = as_whole(count)
        if whole is None or whole < least:
            raise InputError(f"{name} must be a whole number >= {least}, got {count!r}")


def as_whole(value: object) -> int | None:
    """An integer of any type as int; None for everything else, True and False included."""
    try:
        return None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _is_quantity(given: object) -> bool:
    import torch

    return isinstance(given, Real | torch.Tensor)
