"""Data blocks of OVF files, as text or binary: one vector per cell, x fastest.

Format: OOMMF User's Guide, chapter "Vector Field File Format (OVF)", section "Data block".
"""

import io
import re

import numpy as np

from spinloom.errors import InputError
from spinloom.magnetism.ovf.header import Header

_ORDER = {1: ">", 2: "<"}
_BINARY = {"binary 4": ("f4", 1234567.0), "binary 8": ("f8", 123456789012345.0)}
"""Type of a number and the check value before the first one."""
_END = re.compile(rb"\s*#\s*end\s*:\s*data", re.IGNORECASE)
_SEGMENT = re.compile(rb"#\s*begin\s*:\s*segment", re.IGNORECASE)


def encode(vectors: np.ndarray, version: int, data: str) -> bytes:
    """The block between its "Begin" and "End" lines for vectors (cells, 3), float64 or float32."""
    if data == "text":
        lines = io.BytesIO()
        np.savetxt(lines, vectors, fmt="%.17g")
        return lines.getvalue()
    number, check = _BINARY[data]
    dtype = np.dtype(_ORDER[version] + number)
    return np.array([check], dtype).tobytes() + vectors.astype(dtype).tobytes() + b"\n"


def decode(content: bytes, header: Header) -> np.ndarray:
    """Vectors (cells, 3), not yet multiplied; float32 for "binary 4", else float64.

    Raises InputError, its message without the name of the file, for data that are cut off, of another length than the
    header says, not numbers or in the wrong byte order, and where another segment follows.
    """
    if header.data == "text":
        end = _END.search(content, header.start)
        vectors = _text(content, header, end)
    else:
        number, check = _BINARY[header.data]
        dtype = np.dtype(_ORDER[header.version] + number)
        size = dtype.itemsize * (1 + 3 * header.mesh.count)
        end = _END.match(content, header.start + size) if size < len(content) else None
        if end is None:
            raise _wrong_size(content, header, size)
        numbers = np.frombuffer(content, dtype, count=1 + 3 * header.mesh.count, offset=header.start)
        _compare(numbers[:1], check, header)
        vectors = numbers[1:].reshape(-1, 3).astype(dtype.newbyteorder("="))
    if end is not None and _SEGMENT.search(content, end.end()):
        raise InputError("it holds several segments, one is read; save each in a file of its own")
    return vectors


def _compare(first: np.ndarray, check: float, header: Header) -> None:
    if first[0] == check:
        return
    order = "big" if header.version == 1 else "little"
    if first.view(first.dtype.newbyteorder())[0] == check:
        raise InputError(
            f"its numbers are in the wrong byte order, OVF {header.version}.0 is {order}-endian; "
            f"correct the program that wrote it, or the first line"
        )
    raise InputError(
        f"the check value of its {header.data} data is {first[0]:.16g}, expected {check:.16g}; "
        "the file was damaged (sent as text?), copy it again"
    )


def _wrong_size(content: bytes, header: Header, size: int) -> InputError:
    end = _END.search(content, header.start)
    if end is None:
        return _cut_off()
    return InputError(
        f"{_nodes(header)} nodes of {header.data} data with the check value are {size} bytes, its data block has "
        f"{end.start() - header.start}; correct the nodes or save the file again"
    )


def _text(content: bytes, header: Header, end: re.Match[bytes] | None) -> np.ndarray:
    if end is None:
        raise _cut_off()
    words: list[str] = []
    first = content.count(b"\n", 0, header.start) + 1
    block = content[header.start : end.start()].decode(errors="replace")
    for index, line in enumerate(block.split("\n"), first):
        row = line.partition("#")[0].split()
        if len(row) % 3:
            raise InputError(f"line {index} has {len(row)} columns, expected 3; write one vector per line")
        words += row
    if len(words) != 3 * header.mesh.count:
        raise InputError(
            f"the header says {_nodes(header)} nodes, the data are {len(words) // 3} vectors; "
            "correct the nodes or save the file again"
        )
    try:
        return np.array(words, dtype=np.float64).reshape(-1, 3)
    except ValueError as error:
        raise InputError(f"its data hold something that is no number ({error}); correct or save it again") from None


def _nodes(header: Header) -> str:
    nx, ny, nz = header.mesh.cells
    return f"{nx} x {ny} x {nz} = {header.mesh.count}"


def _cut_off() -> InputError:
    return InputError("the file ends before '# End: Data': it was cut off; copy or save it again")
