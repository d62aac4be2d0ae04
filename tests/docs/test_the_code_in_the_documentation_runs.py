import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from spinloom.data import load_images
from spinloom.devices import Response

needs_nir = pytest.mark.skipif(find_spec("nir") is None, reason="NIR NOT TESTED: pip install nir")
ROOT = Path(__file__).parents[2]
X = torch.linspace(-3, 3, 31)
CURVE = Response(X, X.tanh()[None], 1 / X.cosh()[None] ** 2, torch.full((1, 31), 0.01), 1.0)


def what_readers_have() -> dict:
    """A network of their own, their images and junctions: the pages build on them."""
    train = load_images("mnist-5k", limit=256)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.Tanh(), nn.Linear(8, 10))
    return {"model": model, "images": train.as_float(), "train": train, "junctions": CURVE, "Path": Path}


@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("README.md", "grad_fn="),
        ("docs/micromagnetics.md", "torch.Size([5, 3, 8, 1, 16, 16])"),
        ("docs/radio.md", "torch.Size([32, 10])"),
        ("docs/learning.md", ""),
        ("docs/your-device.md", "2 3"),
        ("docs/your-network.md", "devices"),
        ("docs/energy.md", "J in them"),
        ("docs/memories.md", "Writing(devices="),
        ("docs/nbox.md", "['silent', 'tonic', 'tonic', 'latched']"),
        pytest.param("docs/spiking.md", "", marks=needs_nir),
    ],
)
def test_the_python_blocks_of_a_page_run_one_after_the_other(page, printed, tmp_path, monkeypatch, capsys):
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    space = what_readers_have()
    for block in blocks:
        exec(block, space)
    assert printed in capsys.readouterr().out
