"""`import spinloom as sl`, and the faces of the rooms behind it."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import spinloom as sl

ROOT = Path(sl.__file__).parent
FACES = {
    ".".join(("spinloom", *stub.parent.relative_to(ROOT).parts)): stub for stub in sorted(ROOT.rglob("__init__.pyi"))
}
PUBLIC = [
    (face, node.module, alias.name)
    for face, stub in FACES.items()
    for node in ast.parse(stub.read_text()).body
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
]


def test_the_front_door_has_about_forty_names_and_lists_them():
    names = {name for face, _, name in PUBLIC if face == "spinloom"}
    assert set(sl.__all__) == set(dir(sl)) == names
    assert 30 <= len(names) <= 60


@pytest.mark.parametrize(("face", "module", "name"), PUBLIC, ids=lambda part: str(part))
def test_every_public_name_is_there_and_is_what_its_module_holds(face, module, name):
    found = getattr(import_module(face), name)
    if module is None:
        assert isinstance(found, ModuleType)
        assert found.__name__ == f"{face}.{name}"
    else:
        assert found is getattr(import_module(f"{face}.{module}"), name)
        # else importing that module would put it in the place of the name
        assert not (FACES[face].parent / f"{name}.py").exists()
        assert not (FACES[face].parent / name).exists()


def test_no_face_gives_a_name_twice():
    given = [(face, name) for face, _, name in PUBLIC]
    assert len(given) == len(set(given))


def test_the_import_loads_nothing_and_a_name_what_it_needs():
    code = (
        "import sys, spinloom; before = set(sys.modules); print(spinloom.__version__)\n"
        "print(sorted(name for name in before if name.startswith('spinloom') or name in ('torch', 'numpy')))\n"
        "spinloom.Spread; print('spinloom.devices' in sys.modules, 'matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [sl.__version__, "['spinloom']", "True False"]


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = sl.nothing_of_the_kind
