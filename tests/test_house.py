"""The plan of the house: no import circles, studies and their kit small."""

from pathlib import Path

import grimp
import networkx
import pytest

import spinloom
from spinloom.studies import kit

ROOT = Path(spinloom.__file__).parent
STUDIES = sorted(path for path in (ROOT / "studies").glob("*.py") if path.stem not in ("__init__", "registry"))


def lines(*paths: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in paths)


def test_no_two_files_import_each_other_not_even_for_types_or_within_functions():
    graph = grimp.build_graph("spinloom", cache_dir=None)
    imports = networkx.DiGraph(
        (one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one)
    )
    circles = [sorted(group) for group in networkx.strongly_connected_components(imports) if len(group) > 1]
    assert circles == []


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_a_study_is_one_file_of_at_most_350_lines(study):
    assert lines(study) <= 350


def test_the_kit_has_at_most_500_lines_and_the_house_does_not_grow_unnoticed():
    assert lines(*Path(kit.__file__).parent.glob("*.py")) <= 500
    assert lines(*(ROOT / "studies").rglob("*.py")) <= 6_200
    assert lines(*ROOT.rglob("*.py")) <= 31_000


def test_every_file_of_tests_has_a_name_of_its_own():
    """pytest imports them by their name alone."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
