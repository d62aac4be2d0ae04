import os
import subprocess
import sys

SOURCE = """
from numba import njit


@njit(cache=True)
def double(x, out):
    for k in range(len(x)):
        out[k] = 2 * x[k]
"""
SCRIPT = f"""
import numpy as np
from numba.core import event
from spinloom.kernels import build

x, out = np.arange(3.0), np.zeros(3)
with event.install_recorder("numba:compile") as seen:
    build({SOURCE!r}).double(x, out)
assert (out == 2 * x).all()
print(len(seen.buffer))
"""


def start(folder):
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"XDG_CACHE_HOME": str(folder), "NUMBA_DISABLE_JIT": "0"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_of_processes_that_start_together_one_compiles_and_the_others_load(tmp_path):
    counts = [int(process.communicate()[0]) for process in [start(tmp_path) for _ in range(3)]]
    assert sorted(counts)[:2] == [0, 0]
    assert max(counts) > 0


def test_without_a_place_to_keep_it_code_is_compiled_in_memory(tmp_path):
    (tmp_path / "spinloom").write_text("a file where the folder would be")
    assert int(start(tmp_path).communicate()[0]) > 0
