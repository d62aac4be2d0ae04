"""Each example runs as a user would start it, and prints what it promises."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
PRINTED = {
    "own_network.py": "fabricated",
    "measured_memory.py": "of the test images, after",
    "switching_probability.py": "% switched",
    "radio_network.py": "fabricated with 0.1 % spread",
    "snntorch_network.py": "after they have learnt on",
    "nbox_winners.py": "NbOx neurons",
}


def test_every_example_is_tried():
    assert {path.name for path in FOLDER.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_runs(name, tmp_path):
    if name == "snntorch_network.py" and not all(map(find_spec, ("nir", "nirtorch", "snntorch"))):
        pytest.skip("EXAMPLE NOT TRIED: pip install nir nirtorch snntorch")
    done = subprocess.run([sys.executable, FOLDER / name], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert PRINTED[name] in done.stdout
    if name == "measured_memory.py":
        assert float(done.stdout.partition("%")[0]) > 85  # chance is 10 %
    if name == "nbox_winners.py":
        assert all(float(share) > 35 for share in re.findall(r"([\d.]+)%", done.stdout))  # chance is 10 %
    if name == "snntorch_network.py":
        assert done.stdout.startswith("0 of ")
        kept, moved, tuned = (float(share) for share in re.findall(r"([\d.]+)%", done.stdout)[1:])
        assert min(kept - 5, moved, tuned) > 80
    assert (name == "own_network.py") == (tmp_path / "report.html").exists()
