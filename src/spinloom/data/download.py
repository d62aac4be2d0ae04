"""Fetch a data set into the user's cache: mirrors in turn, checksums, progress, whole files only."""

from contextlib import nullcontext
from pathlib import Path

from spinloom.data.catalogue import find
from spinloom.data.places import CACHE_VARIABLE, DATA_VARIABLE, Found, cache_folder, locate
from spinloom.data.reading import read_files, verify_file
from spinloom.data.spec import DatasetSpec, Download
from spinloom.errors import InputError
from spinloom.files import replacing
from spinloom.progress import Report, bar, silent
from spinloom.quantities import si


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
    try:
        verify_file(path, item.digest, "")
    except InputError:
        return False
    return True


def _download(spec: DatasetSpec, item: Download, path: Path, report: Report) -> None:
    """Bring one file from the first mirror that delivers it as published."""
    failures = []
    with replacing(path, remedy=f"free space or set {CACHE_VARIABLE} to another folder") as temporary:
        for url in item.urls:
            reason = _failure(url, item, temporary, report)
            if reason is None:
                return
            failures.append(f"{url}: {reason}")
        raise InputError(
            f"cannot download {spec.name} ({'; '.join(failures)}): check the network, or set {DATA_VARIABLE} "
            f"to a folder that holds {(Path(spec.folders[0]) / item.name).as_posix()}"
        )


def _failure(url: str, item: Download, destination: Path, report: Report) -> str | None:
    """Write what `url` delivers to `destination`; None if it is the published file, else what went wrong."""
    import pooch
    import requests

    try:
        pooch.HTTPDownloader(progressbar=_Chunks(report, item.size))(url, str(destination), None)
        verify_file(destination, item.digest, "")
    except requests.HTTPError as error:
        return str(error).split(" for url")[0]
    except requests.Timeout:
        return "timed out"
    except requests.ConnectionError:
        return "no connection"
    except requests.RequestException as error:
        return type(error).__name__
    except InputError:
        return "not the published file (checksum differs)"
    return None


class _Chunks:
    """What pooch asks of a bar (total, update, reset, close), told to a Report in bytes."""

    def __init__(self, report: Report, size: int) -> None:
        self.total, self._report, self._size, self._done = size, report, size, 0

    def update(self, amount: int) -> None:
        self._done += amount
        total = self.total or self._size  # a server that announces no length says 0
        self._report(self._done, total, si(total, "B"))

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass
