"""`fit` on the CPU does what a loop written out in PyTorch does, but for rounding."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from toy_images import quarters

from spinloom.learning import Training, fit, resnet20
from spinloom.seeding import child_seed, generator

IMAGES = quarters(136)


def start() -> nn.Sequential:
    """A small network with convolutions, batch norms and dropout."""
    model = resnet20((1, 8, 8), 4, 4, 1, seed=0)
    model.append(nn.Dropout(0.1))
    return model


def plain_loop(model: nn.Module, how: Training) -> list[float]:
    kind = {"adam": torch.optim.AdamW, "sgd": torch.optim.SGD}[how.optimiser]
    more = {} if how.optimiser == "adam" else {"momentum": 0.9, "nesterov": True}
    optimiser = kind(model.parameters(), weight_decay=how.weight_decay, **more)
    steps = len(IMAGES) // how.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, how.rate, total_steps=how.epochs * steps, pct_start=0.2)
    inputs = (IMAGES.images / 255 - 0.3) / 0.2
    model.train().to(memory_format=torch.channels_last)
    losses = []
    for epoch in range(how.epochs):
        source = generator(how.seed * 100_003 + epoch)
        torch.manual_seed(child_seed(source))
        total = 0.0
        for chosen in torch.randperm(len(IMAGES), generator=source)[: steps * how.batch].split(how.batch):
            given = inputs[chosen].contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(model(given), IMAGES.labels[chosen], label_smoothing=how.smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
        losses.append(total / steps)
    return losses


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_the_same_weights_statistics_and_losses(optimiser):
    how = Training(epochs=2, batch=32, rate=2e-3, optimiser=optimiser, weight_decay=1e-3, smoothing=0.1, seed=5)
    ours, plain = start(), start()
    assert fit(ours, IMAGES, how) == pytest.approx(plain_loop(plain, how), rel=1e-5)
    for name, tensor in plain.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-5, atol=1e-6, msg=name)
    assert not torch.equal(ours.state_dict()["conv1.weight"], start().state_dict()["conv1.weight"])
