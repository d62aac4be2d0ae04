"""No test of this room sees the data sets of this machine unless it asks for them."""

import os
from pathlib import Path

import pytest

from spinloom.data import places

GIVEN = os.environ.get("SPINLOOM_DATA")


@pytest.fixture(autouse=True)
def data_root(tmp_path, monkeypatch) -> Path:
    """An empty SPINLOOM_DATA folder; an empty cache and an empty system folder beside it."""
    root = tmp_path / "data"
    root.mkdir()
    monkeypatch.setenv("SPINLOOM_DATA", str(root))
    monkeypatch.setenv("SPINLOOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(places, "SYSTEM_FOLDERS", (tmp_path / "system",))
    return root


@pytest.fixture
def real_data(monkeypatch) -> Path:
    """The user's SPINLOOM_DATA, or a skip that says so."""
    if not GIVEN or not Path(GIVEN).is_dir():
        pytest.skip("needs the published files: set SPINLOOM_DATA to their folder")
    monkeypatch.setenv("SPINLOOM_DATA", GIVEN)
    return Path(GIVEN)
