"""Vector fields in OVF files, the format that OOMMF, MuMax3 and their viewers share.

OVF 1.0 and 2.0 on rectangular meshes, data as text, "binary 4" or "binary 8". Source: OOMMF User's Guide, chapter
"Vector Field File Format (OVF)". The place of a mesh in space (xmin, xbase ...) is not kept: a `Mesh` has its origin
in the middle; written files begin at 0, as those of MuMax3 do.
"""

import io
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from spinloom.errors import InputError, require_non_negative, unknown_name
from spinloom.files import replacing
from spinloom.magnetism.mesh import Mesh

_BINARY = {"binary 4": ("f4", 1234567.0), "binary 8": ("f8", 123456789012345.0)}
"""Type of a number and the check value before the first one."""
_FORMATS = ("text", *_BINARY)
_ORDER: dict[int, Literal["big", "little"]] = {1: "big", 2: "little"}
_PER_METRE = {"m": 1.0, "nm": 1e9, "um": 1e6, "µm": 1e6}
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "ps": 1e12, "fs": 1e15}
_FIRST_LINE = re.compile(r"#\s*OOMMF(?::?\s*OVF\s+(?P<version>\S+)|:\s*(?P<mesh>\w+)\s+mesh\s+v\S+)\s*$", re.IGNORECASE)
_TIME = re.compile(r"(total|stage) simulation time:\s*([-+.\de]+)\s*(\w+)?", re.IGNORECASE)
_TCL_LIST = re.compile(r'\{([^{}]*)\}|"([^"]*)"|(\S+)')
_END = re.compile(rb"\s*#\s*end\s*:\s*data", re.IGNORECASE)
_SEGMENT = re.compile(rb"#\s*begin\s*:\s*segment", re.IGNORECASE)


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
        return _field(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}; check the path") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _field(content: bytes) -> VectorField:
    """The field in a whole file. Raises InputError, here and below without the name of the file."""
    version = _version(content)
    entries, start = _entries(content)
    if int(_number(entries, "segmentcount", 1.0)) != 1:
        raise InputError(f"it holds {entries['segmentcount']} segments, one is read; save each in a file of its own")
    _require_rectangular(entries.get("meshtype", "rectangular"))
    if version == 2 and _number(entries, "valuedim") != 3:
        raise InputError(f"valuedim is {entries['valuedim']}, only vectors (valuedim 3) are read; save a vector field")
    multiplier = _number(entries, "valuemultiplier", 1.0)
    if multiplier == 0 or (version == 2 and multiplier != 1):
        raise InputError(f"valuemultiplier is {multiplier:g}; OVF 1.0 allows any but 0, 2.0 none; multiply the data")
    data = re.sub(r"\s+", "", entries["begin"].lower()).replace("data", "", 1).replace("binary", "binary ")
    if data not in _FORMATS:
        raise unknown_name("data format", data, _FORMATS)
    mesh = _mesh(entries)
    items = _items(entries.get("valueunits", "")) or [entries.get("valueunit", "").strip("{}")]
    units = {"" if item in ("1", "None") else item for item in items}
    if len(units) > 1:
        raise InputError(f"the components have different units ({', '.join(items)}); save a field with one unit")
    time, labels = _time(entries.get("desc", "")), _items(entries.get("valuelabels", ""))
    x, y, z = labels if len(labels) == 3 else "xyz"
    vectors = _decode(content, start, version, data, mesh)
    values = multiplier * torch.from_numpy(np.ascontiguousarray(vectors.T)).reshape(3, *mesh.shape)
    if not bool(values.isfinite().all()):
        raise InputError("its data contain NaN or infinity; the simulation that wrote it failed, use another state")
    return VectorField(values, mesh, units.pop(), entries.get("title", ""), time, (x, y, z))


def _version(content: bytes) -> int:
    """1 or 2, from the first line."""
    line = content[:200].partition(b"\n")[0].decode(errors="replace")
    match = _FIRST_LINE.match(line)
    if match is None:
        raise InputError(f"not an OVF file: its first line is {line[:40]!r}, expected '# OOMMF OVF 2.0' or the like")
    _require_rectangular(match["mesh"] or "rectangular")
    version = 1 if match["mesh"] else {"1.0": 1, "2.0": 2}.get(match["version"])
    if version is None:
        raise InputError(f"OVF version {match['version']} is unknown, 1.0 and 2.0 are read; save it as OVF 2.0")
    return version


def _require_rectangular(mesh: str) -> None:
    if mesh.lower() != "rectangular":
        raise InputError(f"its mesh is {mesh}, only rectangular ones are read; resample it on a grid")


def _entries(content: bytes) -> tuple[dict[str, str], int]:
    """Values by key of the lines "# key: value", and the byte at which the data begin.

    The last key is 'begin', its value the form of the data. Keys are in lower case, without spaces and underscores.
    Description lines are joined by new lines.
    """
    entries: dict[str, str] = {}
    start = content.find(b"\n") + 1
    while start and (end := content.find(b"\n", start) + 1):
        line, start = content[start:end].decode(errors="replace").strip(), end
        key, _, value = line.removeprefix("#").partition(":")
        key = re.sub(r"[\s_]", "", key).lower()
        if line and not line.startswith("#"):
            raise InputError(f"header line {line[:40]!r} does not begin with '#'; the header is damaged, save it again")
        if key == "desc":  # '##' is no comment here
            entries[key] = f"{entries.get(key, '')}\n{value.strip()}"
        elif not line.startswith("##"):
            entries[key] = value.partition("##")[0].strip()
        if key == "begin" and entries[key].lower().startswith("data"):
            return entries, start
    raise InputError("the file ends before '# Begin: Data': it was cut off; copy or save it again")


def _number(entries: dict[str, str], key: str, default: float | None = None) -> float:
    """The finite number under `key`."""
    if key not in entries:
        if default is not None:
            return default
        raise InputError(f"its header has no {key!r}; it is damaged, save it again")
    try:
        value = float(entries[key])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{key} must be a finite number, got {entries[key]!r}; correct the header")
    return value


def _mesh(entries: dict[str, str]) -> Mesh:
    """Nodes and steps along every axis, checked against the bounding box where there is one."""
    name = entries.get("meshunit", "m").strip("{}")
    if name not in _PER_METRE:
        raise InputError(f"meshunit must be one of {', '.join(_PER_METRE)}, got {name!r}; correct the header")
    cells, cell = [], []
    for axis in "xyz":
        nodes, step = _number(entries, f"{axis}nodes"), _number(entries, f"{axis}stepsize")
        if nodes < 1 or nodes != int(nodes):
            raise InputError(f"{axis}nodes must be a whole number >= 1, got {nodes:g}; correct the header")
        if step <= 0:
            raise InputError(f"{axis}stepsize must be > 0, got {step:g}; mirror the grid, save it with a positive step")
        if f"{axis}min" in entries and f"{axis}max" in entries:
            length = _number(entries, f"{axis}max") - _number(entries, f"{axis}min")
            if abs(length / step - nodes) > 0.01 + 2e-5 * nodes:  # numbers printed with 6 digits agree
                raise InputError(
                    f"{axis}nodes is {nodes:g}, but ({axis}max - {axis}min) / {axis}stepsize is {length / step:g}; "
                    "correct the header"
                )
        cells.append(int(nodes))
        cell.append(step / _PER_METRE[name])
    return Mesh((cells[0], cells[1], cells[2]), (cell[0], cell[1], cell[2]))


def _items(text: str) -> list[str]:
    return ["".join(parts) for parts in _TCL_LIST.findall(text)]


def _time(description: str) -> float | None:
    """Total before stage time, in s; None where neither is given, or negative: OOMMF marks minimised states so."""
    found = {kind.lower(): (number, unit or "s") for kind, number, unit in _TIME.findall(description)}
    number, unit = found.get("total", found.get("stage", ("", "")))
    try:
        time = float(number) / _PER_SECOND[unit]
    except (ValueError, KeyError):
        return None
    return time if 0 <= time < math.inf else None


def _decode(content: bytes, start: int, version: int, data: str, mesh: Mesh) -> np.ndarray:
    """Vectors (cells, 3), not yet multiplied; float32 for "binary 4", else float64."""
    nx, ny, nz = mesh.cells
    nodes = f"{nx} x {ny} x {nz} = {mesh.count}"
    if data == "text":
        end = _END.search(content, start)
    else:
        number, check = _BINARY[data]
        dtype = np.dtype(number).newbyteorder(_ORDER[version])
        size = dtype.itemsize * (1 + 3 * mesh.count)
        end = _END.match(content, start + size) if size < len(content) else None
        if end is None and (other := _END.search(content, start)):
            raise InputError(
                f"{nodes} nodes of {data} data with the check value are {size} bytes, its data block has "
                f"{other.start() - start}; correct the nodes or save the file again"
            )
    if end is None:
        raise InputError("the file ends before '# End: Data': it was cut off; copy or save it again")
    if data == "text":
        vectors = _text(content[start : end.start()], content.count(b"\n", 0, start) + 1, nodes, mesh.count)
    else:
        numbers = np.frombuffer(content, dtype, count=1 + 3 * mesh.count, offset=start)
        if numbers[0] != check and numbers[:1].view(dtype.newbyteorder())[0] == check:
            raise InputError(
                f"its numbers are in the wrong byte order, OVF {version}.0 is {_ORDER[version]}-endian; "
                "correct the program that wrote it, or the first line"
            )
        if numbers[0] != check:
            raise InputError(
                f"the check value of its {data} data is {numbers[0]:.16g}, expected {check:.16g}; "
                "the file was damaged (sent as text?), copy it again"
            )
        vectors = numbers[1:].reshape(-1, 3).astype(dtype.newbyteorder("="))
    if _SEGMENT.search(content, end.end()):
        raise InputError("it holds several segments, one is read; save each in a file of its own")
    return vectors


def _text(block: bytes, first: int, nodes: str, count: int) -> np.ndarray:
    """Vectors in a block of text, whose first line has the number `first` in the file."""
    words: list[str] = []
    for index, line in enumerate(block.decode(errors="replace").split("\n"), first):
        row = line.partition("#")[0].split()
        if len(row) % 3:
            raise InputError(f"line {index} has {len(row)} columns, expected 3; write one vector per line")
        words += row
    if len(words) != 3 * count:
        raise InputError(
            f"the header says {nodes} nodes, the data are {len(words) // 3} vectors; "
            "correct the nodes or save the file again"
        )
    try:
        return np.array(words, dtype=np.float64).reshape(-1, 3)
    except ValueError as error:
        raise InputError(f"its data hold something that is no number ({error}); correct or save it again") from None


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
    if data not in _FORMATS:
        raise unknown_name("data format", data, _FORMATS)
    if tuple(m.shape) != (3, *mesh.shape):
        raise InputError(f"a field on this mesh has shape {(3, *mesh.shape)}, got {tuple(m.shape)}; write one state")
    if m.dtype not in (torch.float32, torch.float64):
        raise InputError(f"a field must be float32 or float64, got {m.dtype}")
    rounded = m.detach().cpu().to(torch.float32 if data == "binary 4" else torch.float64)
    if not bool(rounded.isfinite().all()):
        raise InputError(f"the field contains NaN or infinity, or numbers too large for {data}")
    vectors = rounded.reshape(3, -1).T.numpy()  # (cells, 3), x fastest
    if any(length.ndim for length in mesh.lengths):
        raise InputError("an OVF file holds one mesh, this has a batch of cell sizes; write each with its own mesh")
    if len(labels) != 3:
        raise InputError(f"labels must be three names, got {labels!r}")
    for name, text in zip(("title", "unit", *["label"] * 3), (title, unit, *labels), strict=True):
        if not text.isprintable() or text != text.strip() or re.search(r'##|[{}"]', text):
            raise InputError(f"{name} must be one line without '##', braces and quotes, got {text!r}")
    first = "OOMMF: rectangular mesh v1.0" if version == 1 else "OOMMF OVF 2.0"
    lines = [first, "Segment count: 1", "Begin: Segment", "Begin: Header", f"Title: {title}"]
    if time is not None:
        require_non_negative("s", time=time)
        lines.append(f"Desc: Total simulation time:  {float(time)!r}  s")
    lines += ["meshtype: rectangular", "meshunit: m"]
    for axis, nodes, step in zip("xyz", mesh.cells, (float(length) for length in mesh.lengths), strict=True):
        lines += [f"{axis}min: 0", f"{axis}max: {nodes * step!r}", f"{axis}base: {step / 2!r}"]
        lines += [f"{axis}nodes: {nodes}", f"{axis}stepsize: {step!r}"]
    if version == 1:
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
        lines += [f"valueunit: {unit or 1}", "valuemultiplier: 1"]
        lines += [f"ValueRangeMinMag: {lengths.min()!s}", f"ValueRangeMaxMag: {lengths.max()!s}"]
    else:
        quoted = [item if item and " " not in item else f"{{{item}}}" for item in (*labels, *[unit or "1"] * 3)]
        lines += ["valuedim: 3", f"valuelabels: {' '.join(quoted[:3])}", f"valueunits: {' '.join(quoted[3:])}"]
    if data == "text":
        written = io.BytesIO()
        np.savetxt(written, vectors, fmt="%.17g")
        block = written.getvalue()
    else:
        number, check = _BINARY[data]
        dtype = np.dtype(number).newbyteorder(_ORDER[version])
        block = np.array([check], dtype).tobytes() + vectors.astype(dtype).tobytes() + b"\n"
    head = "".join(f"# {line}\n" for line in [*lines, "End: Header", f"Begin: Data {data.title()}"])
    tail = f"# End: Data {data.title()}\n# End: Segment\n"
    with replacing(Path(path), remedy="free space or choose another path") as temporary:
        temporary.write_bytes(head.encode() + block + tail.encode())
