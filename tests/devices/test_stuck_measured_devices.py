from pathlib import Path

import numpy as np
import pytest

from spinloom.devices import read_curve

CURRENT = np.linspace(-120, 120, 33)
COLUMNS = "device,current_uA,resistance_in_plane (kOhm),resistance_perpendicular (kOhm)"


def resistance(cosine: np.ndarray) -> np.ndarray:
    return 2 / ((1 + cosine) / 8.0 + (1 - cosine) / 17.6)


def population(path: Path, stuck_at: float, noise: float = 0.002) -> Path:
    """Four devices that answer and one, the last, that does not; resistances with relative noise."""
    random = np.random.default_rng(0)
    lines = [COLUMNS]
    for name in ("A", "B", "C", "D", "stuck"):
        in_plane, perpendicular = resistance(np.tanh(CURRENT / 40)), resistance(1 / np.cosh(CURRENT / 40))
        if name == "stuck":
            in_plane, perpendicular = np.full(33, stuck_at), np.full(33, 12.0)
        read = np.stack([in_plane, perpendicular]) * (1 + noise * random.normal(size=(2, 33)))
        lines += [f"{name},{i!r},{a!r},{b!r}" for i, a, b in zip(CURRENT.tolist(), *read.tolist(), strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("stuck_at", "value"), [(8.0, 1.0), (17.6, -1.0), (11.0, 0.0), (1e5, -1.0)])
def test_the_noise_of_a_stuck_device_is_not_stretched_to_full_scale(tmp_path, stuck_at, value):
    read = read_curve(population(tmp_path / "stuck.csv", stuck_at))
    assert read.stuck().tolist() == [False] * 4 + [True]
    assert float(read.value[-1].mean()) == pytest.approx(value, abs=0.02)
    assert float(read.slope[-1].std()) < 0.05
    assert read.unit_drive == pytest.approx(40e-6, rel=0.02)


def test_a_device_that_never_changes_at_all_is_stuck_beside_others(tmp_path):
    read = read_curve(population(tmp_path / "constant.csv", 8.0, noise=0.0))
    assert read.stuck().tolist() == [False] * 4 + [True]
    assert float(read.value[-1].mean()) == pytest.approx(1.0, abs=1e-6)
