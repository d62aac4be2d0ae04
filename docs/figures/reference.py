"""Write docs/reference.md anew from the faces of the rooms: `python docs/figures/reference.py`."""

import ast
import inspect
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = {
    "devices": "Devices",
    "nn": "Networks on devices",
    "nn.radio": "Radio-frequency layers",
    "magnetism": "Magnetism",
    "data": "Data",
    "learning": "Learning",
    "evaluation": "Evaluation",
    "report": "Report",
    "testing": "Contract suites",
    "studies.kit": "Study kit",
}
HEAD = """\
# Reference

What each room gives, by the names that programs use: `from spinloom.devices import Response`, or `sl.devices.Response`
after `import spinloom as sl`. Fields of a dataclass stand in its signature, with types and defaults.
"""


def names(face: str) -> list[str]:
    """Classes and functions of a face, in its order."""
    stub = ROOT / "src" / "spinloom" / Path(*face.split(".")) / "__init__.pyi"
    room = import_module(f"spinloom.{face}")
    nodes = (node for node in ast.parse(stub.read_text()).body if isinstance(node, ast.ImportFrom) and node.module)
    found = (alias.name for node in nodes for alias in node.names)
    return [name for name in found if inspect.isclass(getattr(room, name)) or inspect.isfunction(getattr(room, name))]


if __name__ == "__main__":
    pages = [HEAD]
    for face, title in ROOMS.items():
        pages.append(f"\n## {title}: `spinloom.{face}`\n")
        pages += [f"::: spinloom.{face}.{name}\n" for name in names(face)]
    (ROOT / "docs" / "reference.md").write_text("\n".join(pages))
