"""Files typed here as OOMMF and MuMax3 write them, and the bytes that we write (OOMMF User's Guide, chapter OVF)."""

import struct
from pathlib import Path

import pytest
import torch

from spinloom.magnetism import Mesh, read_ovf, write_ovf

CHECK = {4: "49 96 B4 38", 8: "42 DC 12 21 83 77 DE 40"}
"""Check values in network byte order, as the guide prints them."""

OOMMF_1 = """\
# OOMMF: rectangular mesh v1.0
# Segment count: 1
# Begin: Segment
# Begin: Header
# Title: film-Oxs_MinDriver-Magnetization-00-0000120.omf
# Desc: Oxs vector field output
# Desc: Stage: 0, Stage iteration: 120
# Desc: Stage simulation time: 2e-10 s
# Desc: Total simulation time: 1.25e-09 s
# meshtype: rectangular
# meshunit: nm
# xbase: 2.5
# ybase: 2.5
# zbase: 1.5
## Distance between adjacent points
# xstepsize: 5 ## along x
# ystepsize: 5
# zstepsize: 3
# xnodes: 2
# ynodes: 3
# znodes: 1
# xmin: 0
# ymin: 0
# zmin: 0
# xmax: 10
# ymax: 15
# zmax: 3
# boundary: 0 0 1.5 10 0 1.5 10 15 1.5 0 15 1.5 0 0 1.5
# valueunit: A/m
# valuemultiplier: 800000
# ValueRangeMinMag: 1
# ValueRangeMaxMag: 1
# End: Header
"""

MUMAX_2 = """\
# OOMMF OVF 2.0
# Segment count: 1
# Begin: Segment
# Begin: Header
# Title: m
# meshtype: rectangular
# meshunit: m
# xmin: 0
# ymin: 0
# zmin: 0
# xmax: 1e-08
# ymax: 1.5000000000000002e-08
# zmax: 3e-09
# valuedim: 3
# valuelabels: m_x m_y m_z
# valueunits: 1 1 1
# Desc: Total simulation time:  1e-09  s
# xbase: 2.5e-09
# ybase: 2.5e-09
# zbase: 1.5e-09
# xnodes: 2
# ynodes: 3
# znodes: 1
# xstepsize: 5e-09
# ystepsize: 5e-09
# zstepsize: 3e-09
# End: Header
"""

ROWS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, 0, 0), (0, -1, 0), (0, 0, -1)]
"""One vector per cell, x fastest: cells (0, 0), (1, 0), (0, 1) ..."""
VALUES = torch.tensor(ROWS, dtype=torch.float64).T.reshape(3, 1, 3, 2)


def block(order: str, size: int, newline: bytes = b"\n") -> bytes:
    numbers = [number for row in ROWS for number in row]
    check = bytes.fromhex(CHECK[size])
    code = {4: "f", 8: "d"}[size]
    return (check if order == ">" else check[::-1]) + struct.pack(f"{order}{len(numbers)}{code}", *numbers) + newline


TEXT = "".join(f" {x} {y}  {z} \n" for x, y, z in ROWS).encode()
BLOCKS = {
    (1, "Binary 4"): block(">", 4),
    (1, "Binary 8"): block(">", 8),
    (1, "Text"): TEXT,
    (2, "Binary 4"): block("<", 4, newline=b""),  # MuMax3 leaves out the last new line
    (2, "Binary 8"): block("<", 8),
    (2, "Text"): TEXT,
}


def save(path: Path, header: str, kind: str, data: bytes) -> Path:
    content = f"{header}# Begin: Data {kind}\n".encode() + data + f"# End: Data {kind}\n# End: Segment\n".encode()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", ["Text", "Binary 4", "Binary 8"])
def test_a_file_of_oommf_in_version_1_is_read(tmp_path: Path, kind: str) -> None:
    field = read_ovf(save(tmp_path / "m.omf", OOMMF_1, kind, BLOCKS[1, kind]))
    assert field.mesh == Mesh((2, 3, 1), (5e-9, 5e-9, 3e-9))
    assert torch.equal(field.values.double(), 8e5 * VALUES)
    assert torch.equal(field.magnetization().double(), VALUES)
    assert bool((field.saturation == 8e5).all())
    assert (field.unit, field.time) == ("A/m", 1.25e-9)
    assert field.title == "film-Oxs_MinDriver-Magnetization-00-0000120.omf"


@pytest.mark.parametrize("kind", ["Text", "Binary 4", "Binary 8"])
def test_a_file_of_mumax3_in_version_2_is_read(tmp_path: Path, kind: str) -> None:
    field = read_ovf(save(tmp_path / "m.ovf", MUMAX_2, kind, BLOCKS[2, kind]))
    assert field.mesh == Mesh((2, 3, 1), (5e-9, 5e-9, 3e-9))
    assert torch.equal(field.values.double(), VALUES)
    assert torch.equal(field.magnetization().double(), VALUES)
    assert (field.unit, field.time, field.title, field.labels) == ("", 1e-9, "m", ("m_x", "m_y", "m_z"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# xnodes: 2", "#XNodes:2"),
        ("# xnodes: 2", "# x nodes : 2  ## cells"),
        ("# xnodes: 2", "#\tx_nodes:\t2"),
        ("# Segment count: 1", "# segmentcount: 000001"),
        ("# OOMMF OVF 2.0", "#  oommf ovf 2.0 "),
        ("# meshtype: rectangular", "#\n## a comment: no key\n# meshtype: Rectangular\n"),
        ("# valueunits: 1 1 1", "# valueunits: {}"),
        ("# xbase: 2.5e-09\n", ""),
        ("# xmax: 1e-08\n", ""),
        ("xmax: 1e-08", "xmax: 1.00001e-08"),
        ("\n", "\r\n"),
        ("# Desc: Total", "# Desc: ## is no comment here ## Total"),
        ("Total simulation time:  1e-09  s", "Stage simulation time: 1 ns"),
    ],
)
def test_headers_are_read_as_leniently_as_the_specification_says(tmp_path: Path, old: str, new: str) -> None:
    field = read_ovf(save(tmp_path / "m.ovf", MUMAX_2.replace(old, new), "Binary 4", BLOCKS[2, "Binary 4"]))
    assert torch.equal(field.values.double(), VALUES)
    assert (field.unit, field.time) == ("", 1e-9)


@pytest.mark.parametrize("first", ["# OOMMF: rectangular mesh v0.99", "# OOMMF: rectangular mesh v0.0a0"])
def test_early_names_of_version_1_are_read(tmp_path: Path, first: str) -> None:
    header = OOMMF_1.replace("# OOMMF: rectangular mesh v1.0", first)
    assert read_ovf(save(tmp_path / "m.omf", header, "binary 4", BLOCKS[1, "Binary 4"])).unit == "A/m"


def test_items_in_braces_are_one_label(tmp_path: Path) -> None:
    header = MUMAX_2.replace("m_x m_y m_z", '{Total field x} "Total field y" H_z').replace("1 1 1", "{kA / m}")
    field = read_ovf(save(tmp_path / "h.ovf", header, "Text", TEXT))
    assert (field.unit, field.labels) == ("kA / m", ("Total field x", "Total field y", "H_z"))


def test_text_may_hold_comments_blank_lines_and_several_vectors_a_line(tmp_path: Path) -> None:
    text = b"## cells of the first row\n1 0 0 0 1 0\n\n0 0 1 -1 0 0 ## second\n0 -1 0\n0 0 -1\n"
    assert torch.equal(read_ovf(save(tmp_path / "m.ovf", MUMAX_2, "Text", text)).values, VALUES)


def test_a_minimised_state_of_oommf_has_no_time(tmp_path: Path) -> None:
    header = OOMMF_1.replace("time: 2e-10 s", "time: -1 s").replace("time: 1.25e-09 s", "time: -2 s")
    assert read_ovf(save(tmp_path / "m.omf", header, "Text", TEXT)).time is None


@pytest.mark.parametrize(("version", "kind"), BLOCKS)
def test_the_bytes_written_are_those_of_the_specification(tmp_path: Path, version: int, kind: str) -> None:
    mesh = Mesh((2, 3, 1), (5e-9, 5e-9, 3e-9))
    write_ovf(tmp_path / "m.ovf", VALUES, mesh, version=version, data=kind.lower(), time=1e-9)
    header, _, rest = (tmp_path / "m.ovf").read_bytes().partition(f"# Begin: Data {kind}\n".encode())
    data, _, end = rest.partition(f"# End: Data {kind}\n".encode())
    lines = header.decode().splitlines()
    assert lines[0] == ("# OOMMF: rectangular mesh v1.0" if version == 1 else "# OOMMF OVF 2.0")
    assert lines[-1] == "# End: Header"
    assert end == b"# End: Segment\n"
    if kind == "Text":
        assert [tuple(map(float, line.split())) for line in data.splitlines()] == ROWS
    else:
        assert data == block(">" if version == 1 else "<", int(kind[-1]))


def test_the_header_written_has_every_required_line(tmp_path: Path) -> None:
    common = {"title", "meshtype", "meshunit", "segment count", "begin"}
    common |= {f"{axis}{word}" for axis in "xyz" for word in ("min", "max", "base", "nodes", "stepsize")}
    own = {1: {"valueunit", "valuemultiplier", "valuerangeminmag", "valuerangemaxmag"}}
    own[2] = {"valuedim", "valuelabels", "valueunits"}
    for version in (1, 2):
        write_ovf(tmp_path / "m.ovf", VALUES, Mesh((2, 3, 1), (5e-9, 5e-9, 3e-9)), version=version, data="text")
        lines = (tmp_path / "m.ovf").read_text().partition("# End: Header")[0].splitlines()[1:]
        keys = {line[2:].partition(":")[0].lower() for line in lines}
        assert keys == common | own[version]
