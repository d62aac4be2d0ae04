"""What is kept of members that are trained side by side."""

import pytest
import torch

from spinloom.data import SpectraSet
from spinloom.learning import Course, MemberMLP, accuracies, confusion, fit_watched, join_watched


@pytest.fixture
def lines():
    """Three classes of 15 spectra each: a line at a place of its own over a random floor."""
    source = torch.Generator().manual_seed(0)
    labels = torch.arange(45) % 3
    values = 0.05 * torch.rand(45, 16, generator=source)
    values[torch.arange(45), 3 + 4 * labels] += 0.4
    return SpectraSet("lines", "test", values, labels, ("a", "b", "c"), "here")


def test_batches_of_members_join_in_order_and_weigh_by_their_number():
    one = {"epochs": [1, 2], "curve": [[0.1, 0.2], [0.3, 0.4]], "accuracies": [0.3, 0.4]}
    two = {"epochs": [1, 2], "curve": [[0.5], [0.6]], "accuracies": [0.6], "confusion": [[0.4, 0.6], [0.0, 1.0]]}
    both = join_watched([one | {"confusion": [[1.0, 0.0], [0.0, 1.0]]}, two])
    assert both["accuracies"] == [0.3, 0.4, 0.6]
    assert both["curve"] == [[0.1, 0.2, 0.5], [0.3, 0.4, 0.6]]
    assert both["confusion"][0] == pytest.approx([0.8, 0.2])


def test_the_confusion_matrix_covers_the_whole_test_set(lines):
    network = MemberMLP((16, 3), (0, 1))
    table = torch.tensor(confusion(network, lines))
    torch.testing.assert_close(table.sum(1), torch.ones(3))
    # 15 spectra of every class: the mean of the diagonal is the mean accuracy
    right = float(accuracies(network, lines.values, lines.labels).mean())
    assert float(table.diag().mean()) == pytest.approx(right, abs=1e-6)
    counts = table * 15 * 2
    torch.testing.assert_close(counts, counts.round(), atol=1e-4, rtol=0)


def test_looks_at_the_test_set_do_not_change_the_training(lines):
    """After the first, every second and the last epoch; the curve ends with the accuracies."""
    found = {}
    for every in (2, 100):
        network = MemberMLP((16, 3), (0, 1))
        found[every] = fit_watched(network, lines, lines, Course(5, 15, 0.05, seeds=(0, 1)), every)
    assert found[2]["epochs"] == [1, 2, 4, 5]
    assert found[100]["epochs"] == [1, 5]
    assert found[2]["curve"][-1] == found[2]["accuracies"] == found[100]["accuracies"]
