import pytest
import torch
from toy_images import quarters

from spinloom.errors import InputError
from spinloom.learning import Scaling


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
