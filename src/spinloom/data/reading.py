"""Original files, plain, gzip-packed or inside the official tar archive: their bytes, verified, and arrays of these.

What a file claims is never trusted: no more than the known size is unpacked, and of an archive only regular
files of the expected name are read; nothing is extracted to disk.

IDX (http://yann.lecun.com/exdb/mnist/): two zero bytes, a type code (8: unsigned byte), the number of
dimensions, each dimension as a big-endian 32-bit integer, then the data in C order.
CIFAR binary (https://www.cs.toronto.edu/~kriz/cifar.html): records of label bytes (CIFAR-100: coarse, fine)
and then the red, the green and the blue plane, row by row. There is no header.
"""

import gzip
import hashlib
import io
import math
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from spinloom.data.places import Found, file_in
from spinloom.data.spec import DatasetSpec, FileSpec
from spinloom.errors import InputError

GZIP_MAGIC = b"\x1f\x8b"
IDX_TYPES = (8, 9, 11, 12, 13, 14)
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
AGAIN = "get the original file again"


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
    _require_digest(io.BytesIO(content), digest, culprit, advice)


def unreadable(path: Path, error: OSError) -> InputError:
    """The error for a file that is there and cannot be read."""
    return InputError(f"cannot read {path}: {error.strerror or error}; check its permissions")


def verify_file(path: Path, digest: str, advice: str) -> None:
    """Raise InputError unless the file as it lies on disk has this digest. An empty digest holds."""
    try:
        with path.open("rb") as stream:
            _require_digest(stream, digest, str(path), advice)
    except OSError as error:
        raise unreadable(path, error) from error


def _require_digest(stream: Any, digest: str, culprit: str, advice: str) -> None:
    method, _, expected = digest.partition(":")
    if (
        digest
        and hashlib.file_digest(stream, partial(hashlib.new, method, usedforsecurity=False)).hexdigest() != expected
    ):
        raise InputError(f"{culprit} is not the published file: its {method} differs; {advice}")


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


def parse_idx(content: bytes, culprit: str, advice: str = AGAIN) -> np.ndarray:
    """The array (any shape, uint8) in the unpacked bytes of an IDX file.

    `culprit` names the file in errors. Raises InputError: not IDX, another type than unsigned byte, more or
    fewer bytes than its header promises.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise InputError(f"{culprit} is not an IDX file: it begins with {content[:4].hex() or 'nothing'}; {advice}")
    kind, dimensions = content[2], content[3]
    if kind != 8:
        raise InputError(f"{culprit} holds IDX type {kind:#04x}, only 0x08 (unsigned byte) is read; {advice}")
    header = 4 + 4 * dimensions
    if dimensions < 1 or len(content) < header:
        raise InputError(f"{culprit} is truncated within its IDX header of {dimensions} dimensions; {advice}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    expected, found = math.prod(shape), len(content) - header
    if expected != found:
        state = "truncated" if found < expected else "too long"
        raise InputError(
            f"{culprit} is {state}: its header promises {expected} bytes of data, it holds {found}; {advice}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def parse_cifar(
    content: bytes, shape: tuple[int, int, int], culprit: str, *, label_bytes: int = 1, advice: str = AGAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, channels, height, width) and labels int64 (n,) of a CIFAR record file.

    shape: (channels, height, width). label_bytes: labels in front of each record, of which the last
    (CIFAR-100: the fine one) is returned. Raises InputError unless the file is a whole number
    of records, at least one.
    """
    record = label_bytes + math.prod(shape)
    if not content or len(content) % record:
        raise InputError(
            f"{culprit} is truncated or not of the CIFAR binary version: {len(content)} bytes are not whole "
            f"records of {record}; {advice}"
        )
    table = np.frombuffer(content, np.uint8).reshape(-1, record)
    return table[:, label_bytes:].reshape(-1, *shape).copy(), table[:, label_bytes - 1].astype(np.int64)


def parse_spectra(
    content: bytes, split: str, frequencies: int, culprit: str, advice: str = AGAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Spectra float32 (n, frequencies) and labels int64 (n,): the datasets X_split and Y_split of an HDF5 file.

    culprit: names the file in errors. Raises InputError: not HDF5, damaged, datasets missing or of other shape or type.
    """
    import h5py

    if not content.startswith(HDF5_SIGNATURE):
        raise InputError(f"{culprit} is not an HDF5 file: it begins with {content[:8].hex() or 'nothing'}; {advice}")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            values, labels = (_dataset(file, f"{part}_{split}", culprit, advice) for part in "XY")
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{culprit} is truncated or damaged ({_one_line(error)}); {advice}") from error
    if values.ndim != 2 or values.shape[1] != frequencies or values.dtype.kind != "f":
        raise InputError(
            f"{culprit}: X_{split} holds {values.dtype} {values.shape}, expected floats (n, {frequencies}); {advice}"
        )
    if labels.shape != values.shape[:1] or labels.dtype.kind not in "iu":
        raise InputError(
            f"{culprit}: Y_{split} holds {labels.dtype} {labels.shape} for {len(values)} spectra, expected integers "
            f"({len(values)},); {advice}"
        )
    return values.astype(np.float32), labels.astype(np.int64)


def _dataset(file: Any, name: str, culprit: str, advice: str) -> np.ndarray:
    """The array of that name that lies in this file; links that lead to other files are not followed."""
    import h5py

    item = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
    if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
        raise InputError(f"{culprit} holds no dataset {name} (it holds {', '.join(file) or 'nothing'}); {advice}")
    return np.asarray(item[()])
