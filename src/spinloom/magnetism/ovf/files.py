"""Vector fields in OVF files, the format that OOMMF, MuMax3 and their viewers share.

OVF 1.0 and 2.0 on rectangular meshes, data as text, "binary 4" or "binary 8". Source: OOMMF User's Guide, chapter
"Vector Field File Format (OVF)". The place of a mesh in space (xmin, xbase ...) is not kept: a `Mesh` has its origin
in the middle; written files begin at 0, as those of MuMax3 do.
"""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from spinloom.errors import InputError, unknown_name
from spinloom.files import replacing
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.ovf.header import DATA_FORMATS, Header, header_lines, read_header


@dataclass(frozen=True, eq=False)
class VectorField:
    """A field on a mesh: m itself (MuMax3), M in A/m (OOMMF), or another, as `unit` says.

    values: (3, nz, ny, nx) in `unit` ("" for none), float32 from "binary 4", else float64. time: s, None where the
    file does not tell. labels: names of the components; x, y, z where the file has not three.
    """

    values: torch.Tensor
    mesh: Mesh
    unit: str = ""
    title: str = ""
    time: float | None = None
    labels: tuple[str, str, str] = ("x", "y", "z")

    @property
    def saturation(self) -> torch.Tensor:
        """Length of each vector (nz, ny, nx) in `unit`: Ms of each cell in a file of OOMMF, 1 in one of MuMax3."""
        largest, scaled = self._scaled()
        return largest * scaled.norm(dim=0)

    def magnetization(self) -> torch.Tensor:
        """Unit vectors (3, nz, ny, nx), zeros where the field is zero (outside of the magnet)."""
        _, scaled = self._scaled()
        length = scaled.norm(dim=0)
        return scaled / torch.where(length > 0, length, 1.0)

    def _scaled(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Largest component of each cell, and the field divided by it: squares neither overflow nor vanish."""
        largest = self.values.abs().amax(dim=0)
        return largest, self.values / torch.where(largest > 0, largest, 1.0)


def read_ovf(path: str | Path) -> VectorField:
    """Read a field. Values are multiplied by the valuemultiplier of OVF 1.0.

    Text data may have several vectors in a line, but none broken over two. Raises InputError, with the file and a
    remedy, for a file that cannot be read, is no OVF file, is cut off or damaged, contradicts its header, holds NaN,
    an irregular mesh, several segments or values that are not vectors.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    try:
        header = read_header(content)
        vectors = decode(content, header)
        values = header.multiplier * torch.from_numpy(np.ascontiguousarray(vectors.T)).reshape(3, *header.mesh.shape)
        if not bool(values.isfinite().all()):
            raise InputError("its data contain NaN or infinity; the simulation that wrote it failed, use another state")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return VectorField(values, header.mesh, header.unit, header.title, header.time, header.labels)


def write_ovf(
    path: str | Path,
    m: torch.Tensor,
    mesh: Mesh,
    *,
    version: int = 2,
    data: str = "binary 8",
    title: str = "m",
    unit: str = "",
    labels: tuple[str, str, str] = ("m_x", "m_y", "m_z"),
    time: float | None = None,
) -> None:
    """Write a field m (3, nz, ny, nx), in `unit`, whole or not at all.

    version: 1 or 2; OVF 1.0 keeps no labels. data: "text" (17 digits, exact), "binary 4" (rounds to float32) or
    "binary 8". time: s.

    Raises InputError for a field that does not fit the mesh or is not finite, a mesh of several sizes and texts that
    a header cannot hold; OutputError where the file cannot be written.
    """
    if version not in (1, 2):
        raise InputError(f"OVF versions are 1 and 2, got {version!r}")
    if data not in DATA_FORMATS:
        raise unknown_name("data format", data, DATA_FORMATS)
    vectors = _vectors(m, mesh, data)
    lines = header_lines(version, mesh, title, unit, labels, time)
    if version == 1:
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        lines += [f"ValueRangeMinMag: {lengths.min()!s}", f"ValueRangeMaxMag: {lengths.max()!s}"]
    head = "".join(f"# {line}\n" for line in [*lines, "End: Header", f"Begin: Data {data.title()}"])
    tail = f"# End: Data {data.title()}\n# End: Segment\n"
    with replacing(Path(path), remedy="free space or choose another path") as temporary:
        temporary.write_bytes(head.encode() + encode(vectors, version, data) + tail.encode())


def _vectors(m: torch.Tensor, mesh: Mesh, data: str) -> np.ndarray:
    """(cells, 3), x fastest."""
    if tuple(m.shape) != (3, *mesh.shape):
        raise InputError(
            f"a field on this mesh has shape {(3, *mesh.shape)}, got {tuple(m.shape)}; write states singly"
        )
    if m.dtype not in (torch.float32, torch.float64):
        raise InputError(f"a field must be float32 or float64, got {m.dtype}")
    rounded = m.detach().cpu().to(torch.float32 if data == "binary 4" else torch.float64)
    if not bool(rounded.isfinite().all()):
        raise InputError(f"the field contains NaN or infinity, or numbers too large for {data}")
    return rounded.reshape(3, -1).T.numpy()


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
