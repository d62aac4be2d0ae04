"""Images on their way into a network: scaled, flipped, shifted and erased."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_images import quarters

from spinloom.errors import InputError
from spinloom.learning import Augmentation, Scaling, augment


def images(count: int, side: int = 9) -> torch.Tensor:
    return torch.randint(1, 256, (count, 2, side, side), generator=torch.Generator().manual_seed(3)).byte()


def test_nothing_asked_nothing_done():
    batch = images(4)
    assert augment(batch, Augmentation(), torch.Generator()) is batch


def test_about_half_the_images_are_mirrored_and_the_rest_untouched():
    batch = images(400)
    result = augment(batch, Augmentation(flip=True), torch.Generator().manual_seed(0))
    mirrored = torch.tensor([torch.equal(r, b.flip(-1)) for r, b in zip(result, batch, strict=True)])
    same = torch.tensor([torch.equal(r, b) for r, b in zip(result, batch, strict=True)])
    assert bool((mirrored ^ same).all())
    assert 160 < int(mirrored.sum()) < 240


@settings(max_examples=15)  # the reference goes pixel by pixel
@given(reach=st.integers(1, 4), seed=st.integers(0, 1000))
def test_a_shift_moves_the_image_whole_and_fills_with_black(reach, seed):
    batch = images(6)
    result = augment(batch, Augmentation(shift=reach), torch.Generator().manual_seed(seed))
    for moved, image in zip(result, batch, strict=True):
        candidates = [
            (down, right)
            for down in range(-reach, reach + 1)
            for right in range(-reach, reach + 1)
            if torch.equal(moved, moved_by(image, down, right))
        ]
        assert len(candidates) == 1


def moved_by(image: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """The plain reference: copy pixel by pixel."""
    result = torch.zeros_like(image)
    side = image.shape[-1]
    for row in range(side):
        for column in range(side):
            if 0 <= row + down < side and 0 <= column + right < side:
                result[:, row, column] = image[:, row + down, column + right]
    return result


def test_all_shifts_occur():
    batch = torch.zeros(500, 1, 5, 5)
    batch[:, :, 2, 2] = 1
    moved = augment(batch, Augmentation(shift=1), torch.Generator().manual_seed(0))
    assert bool((moved.sum(0)[0, 1:4, 1:4] > 0).all())


def test_erasing_blackens_one_square_at_most():
    batch = images(200)
    black = (augment(batch, Augmentation(erase=3), torch.Generator().manual_seed(1)) == 0).all(1)
    counts = black.sum((1, 2))
    assert int(counts.max()) == 9
    assert int(counts.min()) >= 4  # in a corner


def test_same_seed_same_images():
    how = Augmentation(flip=True, shift=2, erase=2)
    first, again = (augment(images(20), how, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first, again)


def test_inputs_are_those_of_the_image_set_itself():
    data = quarters(20)
    torch.testing.assert_close(Scaling.of(data)(data.images), data.as_float())


def test_each_channel_has_its_own_scale():
    image = torch.tensor([0, 255, 51], dtype=torch.uint8).reshape(1, 3, 1, 1)
    scaled = Scaling((0.0, 0.5, 0.2), (1.0, 0.25, 0.5))(image)
    torch.testing.assert_close(scaled.flatten(), torch.tensor([0.0, 2.0, 0.0]))


@pytest.mark.parametrize("deviation", [(0.0,), (-1.0,), (1.0, 1.0)])
def test_impossible_scales_are_refused(deviation):
    with pytest.raises(InputError, match="deviation"):
        Scaling((0.5,), deviation)
