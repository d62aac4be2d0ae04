from functools import partial

import pytest
import torch
from toy_images import quarters

from spinloom.learning import Training, fit, mlp, train_once


@pytest.fixture
def once(tmp_path):
    """Trains a fresh network once for all; returns it and whether it was trained now."""
    path, images = tmp_path / "network.safetensors", quarters(100)

    def make():
        network = mlp(images.shape, len(images.classes), (4,))
        now = train_once(path, network, "training", partial(fit, network, images, Training(epochs=1, batch=10)))
        return network[1].weight, now

    make.path = path
    return make


def test_a_training_is_done_once_and_leaves_no_checkpoint(once):
    first, now = once()
    again, then = once()
    assert (now, then) == (True, False)
    assert torch.equal(first, again)
    assert not once.path.with_suffix(".checkpoint").exists()


@pytest.mark.parametrize("damage", [lambda c: c[:-5], lambda c: c[:-1] + bytes([c[-1] ^ 1]), lambda c: b""])
def test_weights_that_are_not_as_they_were_written_are_trained_again(once, damage):
    first, _ = once()
    once.path.write_bytes(damage(once.path.read_bytes()))
    again, now = once()
    assert now
    assert torch.equal(first, again)
    assert not once()[1]


def test_a_damaged_seal_costs_time_and_not_the_run(once):
    first, _ = once()
    once.path.with_suffix(".sha256").write_bytes(b"\xff\0")
    again, now = once()
    assert now
    assert torch.equal(first, again)
