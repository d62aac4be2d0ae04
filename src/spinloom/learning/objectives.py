"""What a training minimises: labels alone, or labels and a teacher."""

from typing import Protocol, Self

import torch
from torch import nn
from torch.nn import functional as F

from spinloom.errors import require_positive
from spinloom.learning.settings import require_share


class Objective(Protocol):
    """Called with inputs (n, ...), logits (n, classes) and labels (n,); returns the loss, a scalar."""

    def __call__(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor: ...


class Labels(nn.Module):
    """Cross-entropy with the labels; smoothing as in `torch.nn.functional.cross_entropy`."""

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        require_share(smoothing=smoothing)
        self.smoothing = smoothing

    def forward(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)


class Distillation(nn.Module):
    """Knowledge distillation (Hinton, Vinyals and Dean, arXiv 1503.02531).

    mixing * T^2 * KL(teacher || student), both softened by the temperature T, + (1 - mixing) * cross-entropy. T^2 keeps
    the gradients of both parts of one size when T changes. The teacher is used in evaluation mode and learns nothing.
    Raises InputError for a temperature <= 0 or mixing outside 0 to 1.
    """

    def __init__(self, teacher: nn.Module, temperature: float = 4.0, mixing: float = 0.7) -> None:
        super().__init__()
        require_positive("", temperature=temperature)
        require_share(mixing=mixing)
        self.teacher, self.temperature, self.mixing = teacher.eval(), temperature, mixing

    def forward(self, inputs: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            target = F.log_softmax(self.teacher(inputs).float() / self.temperature, dim=1)
        student = F.log_softmax(logits.float() / self.temperature, dim=1)
        soft = F.kl_div(student, target, reduction="batchmean", log_target=True)
        return self.mixing * self.temperature**2 * soft + (1 - self.mixing) * F.cross_entropy(logits, labels)

    def train(self, mode: bool = True) -> Self:
        """The teacher stays in evaluation mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def extra_repr(self) -> str:
        return f"temperature={self.temperature:g}, mixing={self.mixing:g}"
