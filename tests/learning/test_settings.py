"""Mixed precision gives what single precision gives, but for rounding; what cannot be is said."""

import pytest
import torch
from toy_images import quarters

from spinloom.errors import InputError
from spinloom.learning import Compute, Training, fashion_cnn, fit

BRIEF = Training(epochs=1, batch=32, rate=5e-3, optimiser="sgd")


def trained(compute: Compute) -> torch.Tensor:
    model = fashion_cnn((1, 8, 8), 4, (8,), 16)
    losses = fit(model, quarters(128), BRIEF, compute=compute)
    assert len(losses) == 1
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_mixed_precision_trains_the_same_network_a_little_less_exactly():
    mixed, plain = trained(Compute(precision="bf16-mixed")), trained(Compute())
    assert mixed.dtype == torch.float32
    assert not torch.equal(mixed, plain)
    torch.testing.assert_close(mixed, plain, atol=2e-2, rtol=0)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"accelerator": "gpuu"}, "accelerator"),
        ({"devices": 0}, "devices"),
        ({"precision": "12-true"}, "12-true"),
        ({"precision": "transformer-engine"}, "another precision"),
    ],
)
def test_impossible_choices_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        Compute(**wrong).fabric()


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
def test_a_gpu_that_is_not_there_is_said():
    with pytest.raises(InputError, match="cannot train on 1 x cuda"):
        Compute("cuda").fabric()


def test_a_batch_that_the_processes_cannot_share_is_refused():
    with pytest.raises(InputError, match="shared evenly"):
        fit(fashion_cnn((1, 8, 8), 4, (8,), 16), quarters(128), Training(batch=31), compute=Compute(devices=2))


def test_stages_of_another_precision_have_another_name():
    assert Compute().identity == {}
    assert Compute("auto", devices=2).identity == {"accelerator": "auto", "devices": 2}  # processes share a batch
    assert Compute(precision="bf16-mixed").identity == {"precision": "bf16-mixed"}
