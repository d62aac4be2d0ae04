import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.filterwarnings("ignore::spinloom.errors.SpinloomWarning")
@pytest.mark.parametrize(
    ("name", "printed"),
    [("micromagnetics.md", "torch.Size([5, 3, 8, 1, 16, 16])"), ("radio.md", "torch.Size([32, 10])")],
)
def test_the_python_blocks_of_a_page_run_one_after_the_other(name, printed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.DOTALL)
    assert blocks
    space: dict = {}
    for block in blocks:
        exec(block, space)
    assert printed in capsys.readouterr().out
