"""Data sets of a few images, written in the official formats by code of their own."""

import gzip
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np

from spinloom.data import DatasetSpec, FileSpec

CLASSES = ("left", "right", "up")


def idx_bytes(array: np.ndarray) -> bytes:
    """IDX of an uint8 array, field by field as the format's description says."""
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def cifar_bytes(images: np.ndarray, labels: np.ndarray, coarse: bool = False) -> bytes:
    """Records of [coarse label,] label, pixels."""
    lead = [b"\x13"] if coarse else []
    return b"".join(
        b"".join([*lead, bytes([label]), image.tobytes()]) for image, label in zip(images, labels, strict=True)
    )


def images_and_labels(count: int, shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, *shape), dtype=np.uint8), np.arange(count, dtype=np.uint8) % len(CLASSES)


def file_spec(name: str, content: bytes) -> FileSpec:
    return FileSpec(name, len(content), f"sha256:{hashlib.sha256(content).hexdigest()}")


def idx_contents() -> dict[str, bytes]:
    """Unpacked files by name: 9 training and 6 test images of 4 x 5 pixels."""
    contents = {}
    for seed, (split, count) in enumerate((("train", 9), ("test", 6))):
        images, labels = images_and_labels(count, (4, 5), seed)
        contents |= {f"{split}-images": idx_bytes(images), f"{split}-labels": idx_bytes(labels)}
    return contents


def idx_spec(**changes) -> DatasetSpec:
    specs = [file_spec(name, content) for name, content in idx_contents().items()]
    settings = {
        "name": "tiny-idx",
        "title": "Tiny",
        "layout": "idx",
        "shape": (1, 4, 5),
        "classes": CLASSES,
        "splits": {"train": tuple(specs[:2]), "test": tuple(specs[2:])},
        "folders": ("tiny-idx",),
    }
    return DatasetSpec(**(settings | changes))


def write_idx(folder: Path, packed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in idx_contents().items():
        path = folder / (f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


def cifar_contents(coarse: bool = False) -> dict[str, bytes]:
    """Two training files of 3 records, one test file of 4."""
    sizes = {"data_batch_1.bin": 3, "data_batch_2.bin": 3, "test_batch.bin": 4}
    return {
        name: cifar_bytes(*images_and_labels(count, (3, 4, 4), seed), coarse)
        for seed, (name, count) in enumerate(sizes.items())
    }


def cifar_spec(coarse: bool = False, **changes) -> DatasetSpec:
    specs = [file_spec(name, content) for name, content in cifar_contents(coarse).items()]
    settings = {
        "name": "tiny-cifar",
        "title": "Tiny",
        "layout": "cifar",
        "shape": (3, 4, 4),
        "classes": CLASSES,
        "splits": {"train": tuple(specs[:2]), "test": tuple(specs[2:])},
        "folders": ("tiny-cifar", ""),
        "prefix": "batches-bin",
        "archive": "tiny-binary.tar.gz",
        "label_bytes": 2 if coarse else 1,
    }
    return DatasetSpec(**(settings | changes))


def write_cifar(folder: Path, coarse: bool = False) -> Path:
    (folder / "batches-bin").mkdir(parents=True)
    for name, content in cifar_contents(coarse).items():
        (folder / "batches-bin" / name).write_bytes(content)
    return folder


def write_archive(path: Path, contents: dict[str, bytes], *links: tarfile.TarInfo) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            member = tarfile.TarInfo(f"batches-bin/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for link in links:
            archive.addfile(link)
    return path
