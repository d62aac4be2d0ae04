"""Masks from pictures: orientation, brightness, resampling, and files that are no pictures."""

import numpy as np
import pytest
import torch
from PIL import Image

from spinloom.errors import InputError
from spinloom.magnetism import Mesh
from spinloom.magnetism.scene import from_image

MESH = Mesh((4, 3, 2), (1e-9, 1e-9, 1e-9))
PIXELS = np.array([[0, 255, 255, 255], [255, 255, 255, 255], [255, 255, 0, 0]], dtype=np.uint8)
EXPECTED = torch.tensor([[False, False, True, True], [False] * 4, [True, False, False, False]])  # y upwards


def saved(tmp_path, pixels, mode=None, name="shape.png"):
    Image.fromarray(pixels, mode).save(tmp_path / name)
    return tmp_path / name


def test_dark_is_material_and_the_top_of_the_picture_is_at_positive_y(tmp_path):
    mask = from_image(MESH, saved(tmp_path, PIXELS))
    assert mask.shape == (2, 3, 4)
    assert torch.equal(mask[0], EXPECTED)
    assert torch.equal(mask[1], EXPECTED)


def test_invert_takes_the_bright_part(tmp_path):
    assert torch.equal(from_image(MESH, str(saved(tmp_path, PIXELS)), invert=True)[0], ~EXPECTED)


def test_fine_pictures_are_averaged_onto_the_grid(tmp_path):
    fine = PIXELS.repeat(10, 0).repeat(10, 1)
    fine[0:6, 10:20] = 0  # six tenths of the second cell of the top row
    mask = from_image(MESH, saved(tmp_path, fine))[0]
    assert torch.equal(mask[:2], EXPECTED[:2])
    assert mask[2].tolist() == [True, True, False, False]
    assert torch.equal(from_image(MESH, saved(tmp_path, fine), threshold=0.3)[0], EXPECTED)


def test_colour_sixteen_bits_and_transparency_are_understood(tmp_path):
    colour = np.stack([PIXELS] * 3, -1)
    assert torch.equal(from_image(MESH, saved(tmp_path, colour))[0], EXPECTED)
    deep = PIXELS.astype(np.uint16) * 100 + 400  # 400 and 25,900 of 65,535
    assert torch.equal(from_image(MESH, saved(tmp_path, deep), threshold=0.2)[0], EXPECTED)
    clear = np.zeros((3, 4, 4), dtype=np.uint8)
    clear[..., 3] = 255 - PIXELS
    assert torch.equal(from_image(MESH, saved(tmp_path, clear))[0], EXPECTED)


def test_files_that_are_no_pictures_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"there is no image .*missing\.png"):
        from_image(MESH, tmp_path / "missing.png")
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(InputError, match=r"cannot read .*text\.png as an image"):
        from_image(MESH, tmp_path / "text.png")
    whole = saved(tmp_path, np.zeros((100, 100), dtype=np.uint8)).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cannot read .*half\.png as an image"):
        from_image(MESH, tmp_path / "half.png")
    with pytest.raises(InputError, match="cannot read"):
        from_image(MESH, tmp_path)


def test_pictures_without_material_or_scale_are_refused(tmp_path):
    with pytest.raises(InputError, match="empty mask: no cell is True"):
        from_image(MESH, saved(tmp_path, np.full((3, 4), 255, dtype=np.uint8)))
    with pytest.raises(InputError, match="threshold must lie between 0"):
        from_image(MESH, saved(tmp_path, PIXELS), threshold=128)
    with pytest.raises(InputError, match="floating-point pixels"):
        from_image(MESH, saved(tmp_path, np.ones((3, 4), dtype=np.float32), name="float.tiff"))
