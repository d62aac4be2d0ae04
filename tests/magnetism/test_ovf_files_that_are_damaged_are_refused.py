"""Every fault of a file is named, with the file and a remedy."""

from pathlib import Path

import pytest
import torch

from spinloom.errors import InputError
from spinloom.magnetism import Mesh, read_ovf, write_ovf

MESH = Mesh((3, 2, 1), (5e-9, 5e-9, 3e-9))


@pytest.fixture(params=[(1, "binary 4"), (1, "text"), (2, "binary 4"), (2, "binary 8"), (2, "text")])
def content(request, tmp_path: Path) -> bytes:
    version, data = request.param
    m = torch.zeros(3, *MESH.shape, dtype=torch.float64)
    m[2] = 1
    write_ovf(tmp_path / "good.ovf", m, MESH, version=version, data=data)
    return (tmp_path / "good.ovf").read_bytes()


def refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "bad.ovf").write_bytes(content)
    with pytest.raises(InputError, match=rf"bad\.ovf: .*{message}"):
        read_ovf(tmp_path / "bad.ovf")


def edited(content: bytes, old: str, new: str) -> bytes:
    assert old.encode() in content
    return content.replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("xnodes: 3", "xnodes: 4", r"xnodes is 4, but \(xmax - xmin\) / xstepsize is 3; correct"),
        ("xstepsize: 5e-09", "xstepsize: 4e-09", r"xnodes is 3, but \(xmax - xmin\) / xstepsize is 3.75"),
        ("ystepsize: 5e-09", "ystepsize: -5e-09", "ystepsize must be > 0, got -5e-09; mirror"),
        ("ystepsize: 5e-09", "ystepsize: nan", "ystepsize must be a finite number, got 'nan'"),
        ("zstepsize: 3e-09", "zstepsize: thin", "zstepsize must be a finite number, got 'thin'"),
        ("# zstepsize: 3e-09\n", "", "no 'zstepsize'"),
        ("xnodes: 3", "xnodes: 2.5", "xnodes must be a whole number >= 1, got 2.5"),
        ("xnodes: 3", "xnodes: 0", "xnodes must be a whole number >= 1, got 0"),
        ("meshunit: m", "meshunit: inch", "meshunit must be one of m, nm"),
        ("meshtype: rectangular", "meshtype: irregular", "mesh is irregular, only rectangular"),
        ("Segment count: 1", "Segment count: 2", "holds 2 segments"),
        ("# Begin: Data ", "# Begin: Data csv ", "unknown data format"),
        ("# Title: m", "Title: m", "'Title: m' does not begin with '#'"),
        ("# End: Segment\n", "# End: Segment\n# Begin: Segment\n", "several segments"),
    ],
)
def test_a_header_that_is_wrong(tmp_path: Path, content: bytes, old: str, new: str, message: str) -> None:
    refused(tmp_path, edited(content, old, new), message)


@pytest.mark.parametrize(("nodes", "extent"), [(2, "1e-08"), (4, "2e-08"), (10**30, "5e+21")])
def test_nodes_that_disagree_with_the_length_of_the_data(
    tmp_path: Path, content: bytes, nodes: int, extent: str
) -> None:
    wrong = edited(edited(content, "xnodes: 3", f"xnodes: {nodes}"), f"xmax: {3 * 5e-9!r}", f"xmax: {extent}")
    refused(tmp_path, wrong, r"\d+ x 2 x 1 = \d+ nodes.*correct the nodes or save the file again")


def test_a_file_cut_off_anywhere(tmp_path: Path, content: bytes) -> None:
    for length in range(40, content.index(b"# End: Data") + 10, 7):
        refused(tmp_path, content[:length], "cut off; copy or save it again")


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (b"# OOMMF: irregular mesh v1.0", "mesh is irregular"),
        (b"# OOMMF OVF 3.0", "version 3.0 is unknown, 1.0 and 2.0 are read"),
        (b"solid film", "not an OVF file: its first line is 'solid film'"),
        (b"\x89PNG\r\n\x1a\n", "not an OVF file"),
        (b"", "not an OVF file"),
    ],
)
def test_what_is_no_ovf_file(tmp_path: Path, content: bytes, first: bytes, message: str) -> None:
    refused(tmp_path, first + content[content.index(b"\n") :], message)


def test_an_empty_file_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    refused(tmp_path, b"", "not an OVF file")
    for name in ("none.ovf", "."):
        with pytest.raises(InputError, match=r"cannot read .*check the path"):
            read_ovf(tmp_path / name)


def written(tmp_path: Path, version: int, data: str) -> bytes:
    write_ovf(tmp_path / "good.ovf", torch.ones(3, *MESH.shape, dtype=torch.float64), MESH, version=version, data=data)
    return (tmp_path / "good.ovf").read_bytes()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("data", ["binary 4", "binary 8"])
def test_a_wrong_check_value(tmp_path: Path, version: int, data: str) -> None:
    content = written(tmp_path, version, data)
    start = content.index(b"# Begin: Data Binary 0\n".replace(b"0", data[-1].encode())) + len(
        "# Begin: Data Binary 0\n"
    )
    damaged = bytearray(content)
    damaged[start + 2] ^= 0xFF
    refused(tmp_path, bytes(damaged), f"check value of its {data} data is .*, expected 123456.*copy it again")
    size = int(data[-1])
    block = content[start : content.index(b"\n# End: Data")]
    swapped = b"".join(block[i : i + size][::-1] for i in range(0, len(block), size))
    refused(tmp_path, content.replace(block, swapped), f"wrong byte order, OVF {version}.0 is")


@pytest.mark.parametrize("version", [1, 2])
def test_text_rows_that_are_no_vectors(tmp_path: Path, version: int) -> None:
    content = written(tmp_path, version, "text")
    number = content[: content.index(b"1 1 1\n1 1 1\n")].count(b"\n") + 1
    for row in ("1 1", "1 1 1 1", "1"):
        columns = len(row.split())
        wrong = content.replace(b"1 1 1\n1 1 1\n", f"1 1 1\n{row}\n".encode(), 1)
        refused(tmp_path, wrong, f"line {number + 1} has {columns} columns, expected 3; write one vector per line")
    refused(tmp_path, content.replace(b"1 1 1\n1 1", b"1 1 1\n1 up", 1), "no number .*up")
    refused(tmp_path, content.replace(b"1 1 1\n1 1", b"1 1 1\n1 nan", 1), "NaN or infinity; the simulation")


@pytest.mark.parametrize(("version", "code"), [(1, b"\x7f\xc0\x00\x00"), (2, b"\x00\x00\x80\x7f")])
def test_nan_and_infinity_in_binary_data(tmp_path: Path, version: int, code: bytes) -> None:
    content = written(tmp_path, version, "binary 4")
    one = b"\x3f\x80\x00\x00" if version == 1 else b"\x00\x00\x80\x3f"
    refused(tmp_path, content.replace(one, code, 1), "NaN or infinity")


def test_values_that_are_not_vectors_and_units_that_differ(tmp_path: Path) -> None:
    content = written(tmp_path, 2, "text")
    refused(tmp_path, edited(content, "valuedim: 3", "valuedim: 1"), r"valuedim is 1, only vectors \(valuedim 3\)")
    refused(tmp_path, edited(content, "# valuedim: 3\n", ""), "no 'valuedim'")
    refused(tmp_path, edited(content, "valueunits: 1 1 1", "valueunits: A/m A/m T"), "different units")
    refused(
        tmp_path, edited(content, "valuedim: 3", "valuedim: 3\n# valuemultiplier: 2"), "valuemultiplier is 2; OVF 1.0"
    )
    refused(tmp_path, edited(written(tmp_path, 1, "text"), "valuemultiplier: 1", "valuemultiplier: 0"), "is 0; OVF 1.0")
