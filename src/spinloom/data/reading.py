"""Bytes of original files, plain, gzip-packed or inside the official tar archive, verified.

What a file claims is never trusted: no more than the known size is unpacked, and of an archive only regular
files of the expected name are read; nothing is extracted to disk.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from spinloom.data.places import Found, file_in
from spinloom.data.spec import DatasetSpec, FileSpec
from spinloom.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"


def remedy(spec: DatasetSpec) -> str:
    """What to do about a damaged file."""
    return f"delete it and run `spinloom data fetch {spec.name}`"


def read_files(spec: DatasetSpec, files: tuple[FileSpec, ...], found: Found) -> list[tuple[str, bytes]]:
    """Name for errors and verified unpacked content of each of these files.

    Raises InputError naming the file: missing, unreadable, truncated, or with another content than published.
    """
    if found.archive:
        return _from_archive(spec, files, found.path)
    return [_from_folder(spec, file, found.path) for file in files]


def _from_folder(spec: DatasetSpec, file: FileSpec, folder: Path) -> tuple[str, bytes]:
    path = file_in(folder, file.name)
    if path is None:
        raise InputError(f"{folder / file.name} has gone; run `spinloom data fetch {spec.name}`")
    content = unpack(path, file.size, remedy(spec))
    verify(content, file.size, file.digest, str(path), remedy(spec))
    return str(path), content


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The plain content of a file that may be gzip-packed.

    Packing is told from the first bytes, not from the name: browsers unpack .gz files and keep their name.
    """
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP_MAGIC
        stream.seek(0)
        if not packed:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as content:
            yield cast(IO[bytes], content)


def unpack(path: Path, size: int, advice: str) -> bytes:
    """Content of a plain or gzip-packed file, at most one byte more than `size`. Raises InputError."""
    try:
        with _unpacked(path) as stream:
            return stream.read(size + 1)
    except EOFError as error:
        raise InputError(f"{path} is truncated: the gzip stream ends early; {advice}") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is damaged ({_one_line(error)}); {advice}") from error
    except OSError as error:
        raise unreadable(path, error) from error


def verify(content: bytes, size: int, digest: str, culprit: str, advice: str) -> None:
    """Raise InputError unless `content` has this size and, where "method:hex" is known, this digest."""
    if len(content) < size:
        raise InputError(f"{culprit} is truncated: {len(content)} of {size} bytes; {advice}")
    if len(content) > size:
        raise InputError(f"{culprit} is too long: it should unpack to {size} bytes; {advice}")
    method, _, expected = digest.partition(":")
    if digest and hashlib.new(method, content, usedforsecurity=False).hexdigest() != expected:
        raise InputError(f"{culprit} is not the published file: its {method} differs; {advice}")


def unreadable(path: Path, error: OSError) -> InputError:
    """The error for a file that is there and cannot be read."""
    return InputError(f"cannot read {path}: {error.strerror or error}; check its permissions")


def verify_file(path: Path, digest: str, advice: str) -> None:
    """Raise InputError unless the file as it lies on disk has this digest. An empty digest holds."""
    method, _, expected = digest.partition(":")
    if not digest:
        return
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, lambda: hashlib.new(method, usedforsecurity=False))
    except OSError as error:
        raise unreadable(path, error) from error
    if found.hexdigest() != expected:
        raise InputError(f"{path} is not the published file: its {method} differs; {advice}")


def _from_archive(spec: DatasetSpec, files: tuple[FileSpec, ...], path: Path) -> list[tuple[str, bytes]]:
    advice = remedy(spec)
    if not all(file.digest for file in files):
        verify_file(path, next((item.digest for item in spec.downloads if item.name == spec.archive), ""), advice)
    try:
        contents = _members(path, {f"{spec.prefix}/{file.name}": file.size for file in files})
    except (EOFError, tarfile.TarError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError) as error:
        raise InputError(f"{path} is truncated or damaged ({_one_line(error)}); {advice}") from error
    except OSError as error:
        raise unreadable(path, error) from error
    result = []
    for file in files:
        member = f"{spec.prefix}/{file.name}"
        if member not in contents:
            raise InputError(f"{path} does not hold {member}; {advice}")
        verify(contents[member], file.size, file.digest, f"{path}:{member}", advice)
        result.append((f"{path}:{member}", contents[member]))
    return result


def _members(path: Path, wanted: dict[str, int]) -> dict[str, bytes]:
    """Content of the wanted regular members, each cut one byte behind its known size, in one pass."""
    contents: dict[str, bytes] = {}
    # tarfile's own gzip reader answers some damaged headers with a TypeError.
    with _unpacked(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            content = archive.extractfile(member) if name in wanted and member.isreg() else None
            if content is not None:
                contents[name] = content.read(wanted[name] + 1)
            if len(contents) == len(wanted):
                break
    return contents


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
