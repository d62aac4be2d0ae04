"""The descent between bounds ends where it should, and a killed one goes on."""

import json

import pytest
import torch

from spinloom.learning import Descent, descend


def bowl(shares: torch.Tensor) -> dict[str, torch.Tensor]:
    """Least at (0.3, beyond the upper bound)."""
    return {"a": 3 * (shares[0] - 0.3) ** 2, "b": (shares[1] - 1.5) ** 2 + 0.2 * shares[0] * shares[1]}


def test_the_descent_ends_at_the_least_value_between_the_bounds(tmp_path):
    found = Descent(**descend(bowl, [0.9, 0.1], 40, tmp_path / "c"))
    assert found.shares[found.best] == pytest.approx([0.3 - 0.2 / 6, 1.0], abs=1e-3)
    assert found.progress[0] == 0
    totals = [sum(parts.values()) for parts in found.terms]
    assert totals[found.best] == min(totals)
    assert not (tmp_path / "c").exists()


def test_a_killed_descent_goes_on_where_it_was(tmp_path):
    calls = 0

    def killed(shares: torch.Tensor) -> dict[str, torch.Tensor]:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return bowl(shares)

    whole = descend(bowl, [0.9, 0.1], 12, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        descend(killed, [0.9, 0.1], 12, tmp_path / "c")
    assert len(json.loads((tmp_path / "c").read_text())) == 3
    again = descend(killed, [0.9, 0.1], 12, tmp_path / "c")
    assert again == whole
    assert calls == 4 + len(whole["terms"]) - 3


def test_a_damaged_checkpoint_costs_time_only(tmp_path):
    (tmp_path / "c").write_text("[{")
    assert descend(bowl, [0.5, 0.5], 5, tmp_path / "c") == descend(bowl, [0.5, 0.5], 5, tmp_path / "d")
