"""How a suite says what is broken."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spinloom.errors import InputError


def promise(kept: object, text: str, found: object = "") -> None:
    """Fail the test with the promise unless it is kept."""
    if not kept:
        pytest.fail(f"promise broken: {text}" + (f"; found {found}" if found != "" else ""), pytrace=False)


@contextmanager
def refused(text: str) -> Iterator[None]:
    """The promise that the body raises InputError."""
    try:
        yield
    except InputError as error:
        promise(str(error), f"{text}: the error says what is wrong")
    except Exception as error:
        promise(False, f"{text} is an InputError", f"{type(error).__name__}: {error}")
    else:
        promise(False, f"{text} is an InputError", "no error")
