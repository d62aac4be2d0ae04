"""The lines "# key: value" at the head of an OVF file.

Format: OOMMF User's Guide, chapter "Vector Field File Format (OVF)", versions 1.0 and 2.0.
"""

import math
import re

from spinloom.errors import InputError

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
