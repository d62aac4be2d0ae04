import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
@pytest.mark.parametrize("name", ["micromagnetics.md"])
def test_the_python_blocks_of_a_page_run_one_after_the_other(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.DOTALL)
    assert blocks
    space: dict = {}
    for block in blocks:
        exec(block, space)
    assert "torch.Size([5, 3, 8, 1, 16, 16])" in capsys.readouterr().out
