import base64
import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from spinloom.errors import InputError, OutputError
from spinloom.report import Plot, StudyResult, Table, at_most, draw_curves, reserve, write
from spinloom.report.result import show
from tanh_devices import tanh_devices


def result() -> StudyResult:
    return StudyResult(
        name="trial",
        title="A trial <of> reports & more",
        scale="reduced",
        summary="It works [mostly].",
        settings={"seed": 3, "out": "a<b"},
        claims=(at_most("loss", 0.1, 0.25, "points", "a paper", 0.01),),
        tables=(Table("Numbers", ("what", "value"), (("count", 12345), ("share", 0.5), ("none", None)), "A note."),),
        plots=(Plot("curves", "Both curves.", draw_curves(tanh_devices())),),
        assumptions=("Nothing leaks.",),
        command="spinloom run trial --seed 3",
        seconds=75.0,
    )


class Tags(HTMLParser):
    """Every start tag with its attributes; fails on tags that are not closed in order."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_report_is_one_whole_page_that_fetches_nothing(tmp_path):
    text = write(tmp_path, result()).read_text()
    tags = Tags(text)
    assert not tags.open
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags.found}
    sources = [attributes["src"] for _, attributes in tags.found if "src" in attributes]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "http" not in text
    assert "url(" not in text


def test_figures_that_a_result_no_longer_has_go_and_other_files_stay(tmp_path):
    write(tmp_path, result())
    (tmp_path / "mine.png").write_bytes(b"")
    (curves,) = result().plots
    write(tmp_path, replace(result(), plots=(replace(curves, name="sweep"),)))
    assert {path.name for path in tmp_path.glob("*.png")} == {"sweep.png", "mine.png"}


def test_the_figure_in_the_report_is_the_file_beside_it(tmp_path):
    text = write(tmp_path, result()).read_text()
    inlined = base64.b64decode(re.search(r"base64,([^\"]+)", text)[1])
    assert inlined == (tmp_path / "curves.png").read_bytes()


def test_the_report_says_everything_and_escapes_it(tmp_path):
    text = write(tmp_path, result()).read_text()
    for part in (
        "A trial &lt;of&gt; reports &amp; more",
        "0.25 ± 0.01 points",
        "12,345",
        "A note.",
        "Nothing leaks.",
        "spinloom run trial --seed 3",
        "a&lt;b",
        "1 min 15 s",
        "reduced size",
        "Both curves.",
    ):
        assert part in text, part


def test_a_resumed_run_says_how_much_of_its_time_was_in_an_earlier_one(tmp_path):
    resumed = replace(result(), resumed=True, earlier=30.0)
    assert "1 min 15 s, 30 s of it in an earlier run" in write(tmp_path, resumed).read_text()
    data = json.loads((tmp_path / "result.json").read_text())
    assert (data["resumed"], data["seconds"], data["earlier"]) == (True, 75.0, 30.0)
    printed = io.StringIO()
    show(resumed, Console(width=200, file=printed))
    assert "30 s of it in an earlier run" in printed.getvalue()


def test_the_json_holds_claims_settings_and_versions(tmp_path):
    write(tmp_path, result())
    data = json.loads((tmp_path / "result.json").read_text())
    assert data["claims"][0]["holds"] is False
    assert data["claims"][0]["measured"] == 0.25
    assert data["scale"] == "reduced"
    assert data["settings"]["seed"] == 3
    assert {"spinloom", "torch", "python"} <= data["versions"].keys()
    assert data["tables"][0]["rows"][0] == ["count", 12345]


@pytest.mark.parametrize("width", [70, 80, 200])
def test_the_printed_result_names_claims_and_assumptions(width):
    printed = io.StringIO()
    show(result(), Console(width=width, file=printed))
    text = printed.getvalue()
    for part in ("[mostly]", "0.25 ± 0.01 points", "no", "12,345", "Nothing leaks."):
        assert part in text


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        write(tmp_path / "file", result())


FILL = """
import resource, sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from test_writing import LIMITS, result
from spinloom.errors import OutputError
from spinloom.report import write
for limit in LIMITS:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write(Path(sys.argv[1]) / str(limit), result())
    except OutputError as error:
        print(error)
"""
LIMITS = (1_000, 70_000, 100_000)


def test_where_no_more_can_be_written_nothing_half_written_is_left(tmp_path):
    """A limit on the size of files stands for a full disk: write() fails in the middle."""
    folders = map(str, Path(__file__).parents[:2])
    command = [sys.executable, "-c", FILL, str(tmp_path), *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for limit, line in zip(LIMITS, done.stdout.splitlines(), strict=True):
        assert line.startswith(f"cannot write {tmp_path / str(limit)}")
        for path in (tmp_path / str(limit)).iterdir():
            if path.suffix == ".png":
                assert path.read_bytes().endswith(b"IEND\xaeB`\x82")
            else:
                assert path.name == "result.json"
                json.loads(path.read_text())


def kept_result(name: str) -> str:
    return json.dumps({"name": name, "claims": [], "versions": {}})


def test_an_empty_folder_and_ones_own_result_are_taken(tmp_path):
    folder = reserve(tmp_path / "out", "mtj-deep", "spinloom run mtj-deep")
    assert (folder / "command.txt").read_text() == "spinloom run mtj-deep\n"
    (tmp_path / "out" / "result.json").write_text(kept_result("mtj-deep"))
    assert reserve(tmp_path / "out", "mtj-deep", "again") == folder


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (kept_result("mtj-transfer"), "a result of mtj-transfer"),
        ('{"name": "mtj-deep"}', "no result of Spinloom"),
        ('{"half', "no result of Spinloom"),
        ("[1, 2]", "no result of Spinloom"),
        ("\udcff".encode(errors="surrogateescape").decode("latin-1"), "no result of Spinloom"),
    ],
)
def test_a_result_of_something_else_is_refused_and_stays(content, named, tmp_path):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(InputError, match=named) as refused:
        reserve(tmp_path, "mtj-deep", "spinloom run mtj-deep")
    assert f"--out, for example {tmp_path / 'mtj-deep'}" in str(refused.value)
    assert (tmp_path / "result.json").read_text() == content
    assert not (tmp_path / ".cache").exists()


def test_a_folder_that_cannot_be_written_is_found_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        reserve(tmp_path / "file", "mtj-deep", "")
    with pytest.raises(OutputError, match=r"cannot write.*too long"):
        reserve(tmp_path / ("a" * 300), "mtj-deep", "")


def test_the_folder_of_a_run_without_a_result_is_kept_for_its_study(tmp_path):
    reserve(tmp_path, "mtj-deep", "spinloom run mtj-deep --seed 1")
    with pytest.raises(InputError, match="holds stages of mtj-deep; give mtj-transfer another --out"):
        reserve(tmp_path, "mtj-transfer", "spinloom run mtj-transfer")
    reserve(tmp_path, "mtj-deep", "spinloom run mtj-deep --seed 2")
