"""Files appear whole or not at all: written beside their place, then moved into it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spinloom.errors import OutputError


@contextmanager
def replacing(path: Path, remedy: str = "free space or choose another --out") -> Iterator[Path]:
    """Yield a temporary path to write to; on success it becomes `path`, on any failure it is removed.

    Raises OutputError (disk full, no permission, missing folder that cannot be made) with the path, cause and
    `remedy`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write {path}: {reason}; {remedy}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text to `path` atomically. Raises OutputError."""
    write_bytes(path, content.encode())
