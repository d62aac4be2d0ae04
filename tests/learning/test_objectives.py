"""Distillation against its formula written out."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from spinloom.errors import InputError
from spinloom.learning import Distillation, Labels, Training


def case(seed: int = 0):
    source = torch.Generator().manual_seed(seed)
    inputs = torch.randn(7, 3, generator=source)
    logits = torch.randn(7, 4, generator=source).requires_grad_()
    labels = torch.randint(4, (7,), generator=source)
    torch.manual_seed(seed)
    return inputs, logits, labels, nn.Linear(3, 4)


@settings(max_examples=25, deadline=None)
@given(temperature=st.floats(0.5, 20), mixing=st.floats(0, 1))
def test_the_loss_is_hintons(temperature, mixing):
    inputs, logits, labels, teacher = case()
    found = Distillation(teacher, temperature, mixing)(inputs, logits, labels)
    total = 0.0
    for x, z, label in zip(inputs, logits.detach().double(), labels, strict=True):
        soft = (teacher(x).detach().double() / temperature).exp()
        p = soft / soft.sum()
        q = (z / temperature).exp() / (z / temperature).exp().sum()
        total += mixing * temperature**2 * float((p * (p / q).log()).sum())
        total -= (1 - mixing) * float((z.exp() / z.exp().sum())[label].log())
    assert float(found.detach()) == pytest.approx(total / 7, rel=1e-4, abs=1e-6)


def test_without_a_teachers_part_it_is_the_labels_loss_and_a_perfect_student_costs_nothing_more():
    inputs, logits, labels, teacher = case()
    torch.testing.assert_close(
        Distillation(teacher, 3.0, 0.0)(inputs, logits, labels), Labels()(inputs, logits, labels)
    )
    perfect = Distillation(teacher, 3.0, 1.0)(inputs, teacher(inputs), labels)
    assert float(perfect.detach()) == pytest.approx(0, abs=1e-5)


def test_gradients_of_the_soft_part_keep_their_size_when_the_temperature_changes():
    sizes = []
    for temperature in (20.0, 40.0):
        inputs, logits, labels, teacher = case()
        Distillation(teacher, temperature, 1.0)(inputs, logits, labels).backward()
        sizes.append(float(logits.grad.norm()))
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)


def test_the_teacher_learns_nothing_and_stays_in_evaluation_mode():
    inputs, logits, labels, _ = case()
    teacher = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)).train()
    objective = Distillation(teacher)
    objective.train()
    first, second = (float(objective(inputs, logits, labels).detach()) for _ in range(2))
    assert first == second
    objective(inputs, logits, labels).backward()
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(parameter.requires_grad for parameter in teacher.parameters())  # it is the caller's network


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"mixing": 1.2}, {"mixing": -0.1}, {"mixing": float("nan")}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError):
        Distillation(nn.Linear(3, 4), **wrong)


@pytest.mark.parametrize("wrong", [-0.1, 1.5, float("nan")])
def test_smoothing_is_a_share(wrong):
    with pytest.raises(InputError, match="smoothing must be in 0 to 1"):
        Labels(wrong)
    with pytest.raises(InputError, match="smoothing must be in 0 to 1"):
        Training(smoothing=wrong)
