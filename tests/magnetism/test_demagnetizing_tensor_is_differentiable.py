import pytest
import torch

from spinloom.magnetism import Mesh
from spinloom.magnetism.stray.tensor import demagnetizing_tensor


def leaves(*lengths) -> list[torch.Tensor]:
    return [torch.tensor(length, dtype=torch.float64, requires_grad=True) for length in lengths]


def mixed(n: torch.Tensor) -> torch.Tensor:
    """Every entry counts, with a weight of its own: quick to check."""
    return (n * torch.arange(1.0, n.numel() + 1, dtype=torch.float64).sin().reshape(n.shape)).sum()


def test_every_entry_has_the_gradient_of_finite_differences():
    assert torch.autograd.gradcheck(lambda *d: demagnetizing_tensor(Mesh((3, 2, 2), d)), leaves(1.0, 0.8, 0.6))


@pytest.mark.parametrize(
    ("cells", "lengths"), [((3, 2, 2), (1.0, 1.0, 1.0)), ((9, 4, 1), (1.0, 0.9, 0.2)), ((4, 3, 2), (1.0, 0.9, 9.0))]
)
def test_gradients_agree_with_finite_differences_for_cubes_flat_cells_and_needles(cells, lengths):
    assert torch.autograd.gradcheck(lambda *d: mixed(demagnetizing_tensor(Mesh(cells, d))), leaves(*lengths))


def test_gradients_agree_with_finite_differences_in_a_batch():
    x = torch.tensor([1.0, 3.0], dtype=torch.float64, requires_grad=True)
    z = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, z: mixed(demagnetizing_tensor(Mesh((4, 2, 2), (x, 1.2, z)))), [x, z])


@pytest.mark.parametrize("lengths", [(2e-9, 2e-9, 2e-9), (5e-9, 4e-9, 1e-9), (1e-9, 1e-9, 2e-8)])
def test_gradients_are_finite_and_those_of_a_function_without_a_unit(lengths):
    """Euler: a function of degree 0 has sum of d df/dd = 0."""
    d = leaves(*lengths)
    mixed(demagnetizing_tensor(Mesh((20, 12, 3), tuple(d)))).backward()
    slopes = torch.stack([length.grad * length.detach() for length in d])
    assert slopes.isfinite().all()
    assert abs(float(slopes.sum())) < 1e-9 * float(slopes.abs().max())


def test_a_tensor_made_in_inference_mode_leaves_later_gradients_alone():
    with torch.inference_mode():
        demagnetizing_tensor(Mesh((9, 1, 1), (1e-9, 1e-9, 1e-9)))
    (x,) = leaves(1e-9)
    demagnetizing_tensor(Mesh((9, 1, 1), (x, 1e-9, 1e-9))).sum().backward()
    assert x.grad.isfinite()
