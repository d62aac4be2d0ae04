from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spinloom.data import ImageSet
from spinloom.errors import InputError


def image_set(count=30, classes=3) -> ImageSet:
    generator = torch.Generator().manual_seed(1)
    return ImageSet(
        name="made-up",
        split="train",
        images=torch.randint(0, 256, (count, 3, 4, 5), generator=generator, dtype=torch.uint8),
        labels=torch.arange(count) * classes // count,
        classes=tuple("abc"[:classes]),
        source="a test",
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.4),
    )


def test_pixels_run_from_zero_to_one_without_normalisation():
    images = image_set()
    pixels = images.as_float(normalise=False)
    assert pixels.dtype == torch.float32
    assert torch.equal((pixels * 255).round().to(torch.uint8), images.images)
    assert pixels.max() <= 1


def test_normalisation_is_per_channel():
    images = image_set()
    pixels = images.images.to(torch.float64) / 255
    for channel, (mean, std) in enumerate(zip(images.mean, images.std, strict=True)):
        expected = (pixels[:, channel] - mean) / std
        torch.testing.assert_close(images.as_float()[:, channel].double(), expected, rtol=0, atol=1e-6)


@given(limit=st.integers(1, 40), seed=st.integers(0, 1000))
def test_a_limit_draws_evenly_and_grows_by_adding(limit, seed):
    images = image_set()
    taken = images.take(limit, seed)
    counts = taken.labels.bincount(minlength=3)
    assert len(taken) == min(limit, 30)
    assert counts.max() - counts.min() <= 1
    assert torch.equal(images.take(limit + 3, seed).images[: len(taken)], taken.images)
    flat = {bytes(image.flatten().tolist()) for image in taken.images}
    assert len(flat) == len(taken)  # no image twice


def test_the_seed_decides_which_images():
    images = image_set()
    assert torch.equal(images.take(9, 1).images, images.take(9, 1).images)
    assert not torch.equal(images.take(9, 1).images, images.take(9, 2).images)
    assert images.take(None) is images


@pytest.mark.parametrize("limit", [0, -5])
def test_a_limit_below_one_is_refused(limit):
    with pytest.raises(InputError, match=f"at least 1 image, got {limit}"):
        image_set().take(limit)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": torch.zeros(30, 3, 4, 5)}, "images of 'made-up' must be uint8"),
        ({"images": torch.zeros(30, 4, 5, dtype=torch.uint8)}, "images of 'made-up' must be uint8"),
        ({"images": torch.zeros(0, 3, 4, 5, dtype=torch.uint8)}, "n >= 1"),
        ({"labels": torch.zeros(29, dtype=torch.int64)}, "labels of 'made-up' must be int64"),
        ({"labels": torch.zeros(30)}, "labels of 'made-up' must be int64"),
        ({"classes": ("a", "b")}, "must be 0 to 1, got 0 to 2"),
    ],
)
def test_wrong_tensors_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(image_set(), **change)
