"""The lines "# key: value" at the head of an OVF file.

Format: OOMMF User's Guide, chapter "Vector Field File Format (OVF)", versions 1.0 and 2.0.
"""

import math
import re
from dataclasses import dataclass

from spinloom.errors import InputError, require_non_negative, unknown_name
from spinloom.magnetism.mesh import Mesh

_FIRST_LINE = re.compile(r"#\s*OOMMF(?::?\s*OVF\s+(?P<version>\S+)|:\s*(?P<mesh>\w+)\s+mesh\s+v\S+)\s*$", re.IGNORECASE)


def read_version(content: bytes) -> int:
    """1 or 2, from the first line. Raises InputError for irregular meshes and for whatever is no OVF file."""
    line = content[:200].partition(b"\n")[0].decode(errors="replace")
    match = _FIRST_LINE.match(line)
    if match is None:
        raise InputError(f"not an OVF file: its first line is {line[:40]!r}, expected '# OOMMF OVF 2.0' or the like")
    if (match["mesh"] or "rectangular").lower() != "rectangular":
        raise InputError(f"its mesh is {match['mesh']}, only rectangular ones are read; resample it on a grid")
    if match["mesh"] or match["version"] == "1.0":
        return 1
    if match["version"] == "2.0":
        return 2
    raise InputError(f"OVF version {match['version']} is unknown, 1.0 and 2.0 are read; save it as OVF 2.0")


def read_entries(content: bytes) -> tuple[dict[str, str], int]:
    """Values by key, and the byte at which the data begin; the last key is 'begin', its value the form of the data.

    Keys are in lower case, without spaces and underscores. Description lines are joined by new lines.
    Raises InputError for a damaged header and where no data follow.
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


def read_number(entries: dict[str, str], key: str, default: float | None = None) -> float:
    """The finite number under `key`. Raises InputError where there is none, and no default."""
    if key not in entries and default is not None:
        return default
    if key not in entries:
        raise InputError(f"its header has no {key!r}; it is damaged, save it again")
    try:
        value = float(entries[key])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{key} must be a finite number, got {entries[key]!r}; correct the header")
    return value


DATA_FORMATS = ("text", "binary 4", "binary 8")
_PER_METRE = {"m": 1.0, "nm": 1e9, "um": 1e6, "µm": 1e6}
_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "ps": 1e12, "fs": 1e15}
_TIME = re.compile(r"(total|stage) simulation time:\s*([-+.\de]+)\s*(\w+)?", re.IGNORECASE)
_TCL_LIST = re.compile(r'\{([^{}]*)\}|"([^"]*)"|(\S+)')


@dataclass(frozen=True)
class Header:
    """What a header says. start: the byte at which the data begin; `multiplier` turns them into values in `unit`."""

    version: int
    data: str
    mesh: Mesh
    unit: str
    title: str
    time: float | None
    labels: tuple[str, str, str]
    multiplier: float
    start: int


def read_header(content: bytes) -> Header:
    """The header of a whole file. Raises InputError, its message without the name of the file."""
    version = read_version(content)
    entries, start = read_entries(content)
    if int(read_number(entries, "segmentcount", 1.0)) != 1:
        raise InputError(f"it holds {entries['segmentcount']} segments, one is read; save each in a file of its own")
    if entries.get("meshtype", "rectangular").lower() != "rectangular":
        raise InputError(f"its mesh is {entries['meshtype']}, only rectangular ones are read; resample it on a grid")
    if version == 2 and read_number(entries, "valuedim") != 3:
        raise InputError(f"valuedim is {entries['valuedim']}, only vectors (valuedim 3) are read; save a vector field")
    multiplier = read_number(entries, "valuemultiplier", 1.0)
    if multiplier == 0 or (version == 2 and multiplier != 1):
        raise InputError(
            f"valuemultiplier is {multiplier:g}; OVF 1.0 allows any but 0, OVF 2.0 none; multiply the data"
        )
    data = re.sub(r"\s+", "", entries["begin"].lower()).replace("data", "", 1).replace("binary", "binary ")
    if data not in DATA_FORMATS:
        raise unknown_name("data format", data, DATA_FORMATS)
    return Header(
        version=version,
        data=data,
        mesh=_mesh(entries),
        unit=_unit(_items(entries.get("valueunits", "")) or [entries.get("valueunit", "").strip("{}")]),
        title=entries.get("title", ""),
        time=_time(entries.get("desc", "")),
        labels=_labels(entries.get("valuelabels", "")),
        multiplier=multiplier,
        start=start,
    )


def header_lines(
    version: int, mesh: Mesh, title: str, unit: str, labels: tuple[str, str, str], time: float | None
) -> list[str]:
    """The lines of a header before its end, without '# '. Raises InputError for texts that it cannot hold."""
    if any(length.ndim for length in mesh.lengths):
        raise InputError(
            "an OVF file holds one mesh, this one has a batch of cell sizes; write each with a mesh of its own"
        )
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
        return [*lines, f"valueunit: {unit or 1}", "valuemultiplier: 1"]
    names, units = " ".join(map(_quoted, labels)), " ".join([_quoted(unit or "1")] * 3)
    return [*lines, "valuedim: 3", f"valuelabels: {names}", f"valueunits: {units}"]


def _quoted(item: str) -> str:
    """One item of a Tcl list."""
    return item if item and " " not in item else f"{{{item}}}"


def _mesh(entries: dict[str, str]) -> Mesh:
    name = entries.get("meshunit", "m").strip("{}")
    if name not in _PER_METRE:
        raise InputError(f"meshunit must be one of {', '.join(_PER_METRE)}, got {name!r}; correct the header")
    (nx, dx), (ny, dy), (nz, dz) = (_axis(entries, axis) for axis in "xyz")
    scale = _PER_METRE[name]
    return Mesh(cells=(nx, ny, nz), cell=(dx / scale, dy / scale, dz / scale))


def _axis(entries: dict[str, str], axis: str) -> tuple[int, float]:
    """Nodes and step along one axis, checked against the bounding box where there is one."""
    nodes, step = read_number(entries, f"{axis}nodes"), read_number(entries, f"{axis}stepsize")
    if nodes < 1 or nodes != int(nodes):
        raise InputError(f"{axis}nodes must be a whole number >= 1, got {nodes:g}; correct the header")
    if step <= 0:
        raise InputError(f"{axis}stepsize must be > 0, got {step:g}; mirror the grid and save it with a positive step")
    if f"{axis}min" in entries and f"{axis}max" in entries:
        length = read_number(entries, f"{axis}max") - read_number(entries, f"{axis}min")
        if abs(length / step - nodes) > 0.01 + 2e-5 * nodes:  # numbers printed with 6 digits agree
            raise InputError(
                f"{axis}nodes is {nodes:g}, but ({axis}max - {axis}min) / {axis}stepsize is {length / step:g}; "
                "correct the header"
            )
    return int(nodes), step


def _items(text: str) -> list[str]:
    return ["".join(parts) for parts in _TCL_LIST.findall(text)]


def _unit(items: list[str]) -> str:
    units = {"" if item in ("1", "None") else item for item in items}
    if len(units) > 1:
        raise InputError(f"the components have different units ({', '.join(items)}); save a field with one unit")
    return units.pop()


def _labels(text: str) -> tuple[str, str, str]:
    items = _items(text)
    return (items[0], items[1], items[2]) if len(items) == 3 else ("x", "y", "z")


def _time(description: str) -> float | None:
    """Total before stage time, in s; None where neither is given, or negative: OOMMF marks minimised states so."""
    found = {kind.lower(): (number, unit or "s") for kind, number, unit in _TIME.findall(description)}
    number, unit = found.get("total", found.get("stage", ("", "")))
    try:
        time = float(number) / _PER_SECOND[unit]
    except (ValueError, KeyError):
        return None
    return time if 0 <= time < math.inf else None
