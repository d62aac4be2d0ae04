"""The study of NbOx neurons."""

import pytest

from spinloom.errors import InputError
from spinloom.studies.nbox import Settings, run


def test_every_row_but_one_is_within_its_bar(tmp_path):
    result = run(Settings(out=tmp_path))
    holds = {claim.name: claim.holds for claim in result.claims}
    assert len(result.claims) >= 34
    assert [name for name, held in holds.items() if not held] == ["variation at 1.72 V with noise"]
    assert result.data["power"][1] == pytest.approx(-0.5, abs=0.15)
    assert {plot.name for plot in result.plots} == {"traces", "curve", "map", "noise"}


def test_noise_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="noise must be finite and > 0"):
        run(Settings(out=tmp_path, noise=0.0))
