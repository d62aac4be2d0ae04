"""Equilibrium propagation: a network settles, is nudged towards its targets, and settles again; the two states give
the gradient (Scellier and Bengio, Front. Comput. Neurosci. 11, 24 (2017); Ernoult et al., arXiv 1905.13633).

Each link between two layers of neurons carries signals both ways with the same weights: forward `F(below)`, back the
gradient of <above, F(below)> with respect to below. All neurons are renewed at the same time, as often as asked.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from spinloom.devices import Response
from spinloom.errors import InputError, require_count, require_number, unknown_name
from spinloom.nn import DeviceActivation, MemoryLayer
from spinloom.seeding import Seed, child_seed, generator

Nudging = Literal["random", "symmetric", "positive"]


class EquilibriumNetwork(nn.Module):
    """A stack of links and the neurons between them: x (batch, ...) -> (batch, classes), the outputs at rest.

    links: nn.Linear, nn.Conv2d, our `DeviceLinear` or `DeviceConv2d`, each alone or in nn.Sequential with one
    nn.MaxPool2d behind it; the last one has `classes` outputs, or as many times more: replicas, of which the mean
    counts. Layers of memories compute with what they hold, read once a batch.
    neurons: None are s <- clamp(input, 0, 1). A `Response` gives every neuron a junction (or oscillator) of its own,
    fabricated from `seed`, read anew in each step; or a sequence of modules, one a link.
    free_steps, nudged_steps: of the first phase and of the second, which goes on from the first. nudging: beta, the
    strength of the pull beta (target - output) on the outputs. sign: that of beta drawn for each batch ("random"),
    both and their difference ("symmetric", its error is of second order in beta) or always positive.
    binary: neurons send 0 or 1, whether s >= 0.5 (J. Laydevant et al., CVPR-W 2021, arXiv 2103.08953).
    inertia: share of s that a step leaves, published 0.5 for binary neurons, 0 else. start: s of all neurons in the
    beginning; published 0, for convolutions 0.5, for binary neurons 1.

    Any optimiser then learns: `contrast(x, labels)` adds to the gradients, as `loss.backward()` does.

    Raises InputError for a link of another kind, outputs that are no multiple of the classes, no steps, nudging 0.
    """

    def __init__(
        self,
        *links: nn.Module,
        classes: int = 10,
        neurons: Response | Sequence[nn.Module] | None = None,
        free_steps: int = 30,
        nudged_steps: int = 10,
        nudging: float = 0.5,
        sign: Nudging = "random",
        binary: bool = False,
        inertia: float = 0.0,
        start: float = 0.0,
        seed: Seed = 0,
    ) -> None:
        super().__init__()
        require_count(free_steps=free_steps, nudged_steps=nudged_steps, classes=classes)
        require_number("", nudging=nudging, start=start, inertia=inertia)
        if nudging == 0:
            raise InputError("nudging 0 leaves both phases alike, so that there is no gradient; 0.1 to 1 is usual")
        if not 0 <= inertia < 1:
            raise InputError(f"inertia is the share of a state that a step leaves, 0 to 1 without 1, got {inertia:g}")
        if sign not in get_args(Nudging):
            raise unknown_name("sign of nudging", str(sign), get_args(Nudging))
        if not links:
            raise InputError("an equilibrium network needs one link at least; give nn.Linear(784, 10), say")
        self.links = nn.ModuleList(links)
        made = [_Link(link) for link in links]
        outputs = made[-1].layer.weight.shape[0]
        if outputs % classes or isinstance(made[-1].layer, nn.Conv2d):
            raise InputError(f"the last link needs a multiple of {classes} outputs in a row, got {outputs}")
        if binary and neurons is not None:
            raise InputError("binary neurons are no devices; give one of both")
        source = generator(seed)
        if isinstance(neurons, Response):
            neurons = [DeviceActivation(neurons, seed=child_seed(source)) for _ in links]
        if neurons is not None and len(neurons) != len(links):
            raise InputError(f"neurons must be one module for each of {len(links)} links, got {len(neurons)}")
        self.neurons = None if neurons is None else nn.ModuleList(neurons)
        self.classes, self.free_steps, self.nudged_steps = classes, free_steps, nudged_steps
        self.replicas = outputs // classes
        self.nudging, self.sign, self.binary, self.inertia, self.start = nudging, sign, binary, inertia, start
        self._source = source

    def forward(self, x: Tensor) -> Tensor:
        links = self._links()
        return self._answer(self._settle(links, self._begin(links, x), self.free_steps)[-1])

    @torch.no_grad()
    def contrast(self, x: Tensor, labels: Tensor) -> Tensor:
        """Add the estimate of the gradient of 1/2 |target - output|^2, mean over the batch, to every weight and bias.

        labels: (batch,), numbers of classes. Returns the outputs at rest, (batch, classes).
        """
        links = self._links()
        target = self._target(labels, x)
        rest = self._settle(links, self._begin(links, x), self.free_steps)
        signs = {"random": [self._coin()], "symmetric": [1, -1], "positive": [1]}[self.sign]
        ends = [self._settle(links, rest, self.nudged_steps, target, sign * self.nudging) for sign in signs]
        one, other = (ends[0], rest) if len(ends) == 1 else ends
        weight = 1 / (self.nudging * len(ends) * len(x)) * signs[0]
        before: tuple[Tensor, Tensor] = (x, x)
        for link, above, below in zip(links, self._sent(one), self._sent(other), strict=True):
            link.learn((above, below), before, weight)
            before = above, below
        return self._answer(rest[-1])

    def backpropagate(self, x: Tensor, labels: Tensor) -> Tensor:
        """The same gradient by autograd through the last `nudged_steps` steps of the first phase, to compare with.

        The loss reaches outputs that are clamped too, as the pull on them does.
        """
        if self.binary:
            raise InputError("binary neurons have no derivative; compare a network of others")
        with torch.no_grad():
            links = self._links()
            state = self._settle(links, self._begin(links, x), max(0, self.free_steps - self.nudged_steps))
        links = self._links(learns=True)
        links[0].forward(x)
        state = self._settle(links, state, self.nudged_steps - 1)
        drive = self._drives(links, state)[-1]
        output = self._renewed(len(links) - 1, state[-1], drive)
        told = output if self.neurons is not None else drive + (output - drive).detach()
        ((self._target(labels, x) - told).square().sum() / (2 * len(x))).backward()
        return self._answer(output.detach())

    def _settle(
        self,
        links: list["_Link"],
        state: list[Tensor],
        steps: int,
        target: Tensor | None = None,
        beta: float = 0.0,
    ) -> list[Tensor]:
        """States after so many steps; what the input gives the first layer does not change."""
        for _ in range(steps):
            drives, output = self._drives(links, state), state[-1]
            state = [self._renewed(number, *pair) for number, pair in enumerate(zip(state, drives, strict=True))]
            if target is not None:
                state[-1] = self._nudged(state[-1], beta * (target - output))
        return state

    def _drives(self, links: list["_Link"], state: list[Tensor]) -> list[Tensor]:
        """The input of all neurons."""
        first = links[0].drive
        sent = self._sent(state)
        drives = [first, *(link.forward(below) for link, below in zip(links[1:], sent, strict=False))]
        for number, (link, above) in enumerate(zip(links[1:], sent[1:], strict=True)):
            drives[number] = link.back(above, sent[number], drives[number])
        return drives

    def _renewed(self, number: int, state: Tensor, drive: Tensor) -> Tensor:
        new = drive if self.neurons is None else self.neurons[number](drive)
        new = torch.lerp(new, state, self.inertia) if self.inertia else new
        return new.clamp(0, 1) if self.neurons is None else new

    def _nudged(self, output: Tensor, pull: Tensor) -> Tensor:
        """Behind the neuron, as published: before it, an output that is clamped for good would never be learnt."""
        output = torch.add(output, pull, alpha=1 - self.inertia)
        return output.clamp(0, 1) if self.neurons is None else output

    def _sent(self, state: list[Tensor]) -> list[Tensor]:
        return [(one >= 0.5).to(one.dtype) for one in state] if self.binary else state

    def _begin(self, links: list["_Link"], x: Tensor) -> list[Tensor]:
        state = list[Tensor]()
        for link in links:
            shape = link.forward(state[-1] if state else x).shape
            state.append(torch.full(shape, self.start, dtype=x.dtype, device=x.device))
        return state

    def _links(self, learns: bool = False) -> list["_Link"]:
        return [_Link(link, learns) for link in self.links]

    def _target(self, labels: Tensor, like: Tensor) -> Tensor:
        if labels.ndim != 1 or len(labels) != len(like):
            raise InputError(f"labels must be one class for each of {len(like)} inputs, got {tuple(labels.shape)}")
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
            most = self.classes - 1
            raise InputError(f"labels must lie in 0 to {most}, got {int(labels.min())} to {int(labels.max())}")
        return functional.one_hot(labels, self.classes).repeat_interleave(self.replicas, 1).to(like)

    def _answer(self, output: Tensor) -> Tensor:
        """Mean of the replicas of each class."""
        return output if self.replicas == 1 else output.unflatten(1, (self.classes, self.replicas)).mean(-1)

    def _coin(self) -> int:
        return 1 - 2 * int(torch.randint(2, (), generator=self._source))


class _Link:
    """A layer with the weights of this batch; pooled where there is pooling. drive: what it gave last."""

    drive: Tensor
    places: Tensor
    shape: torch.Size

    def __init__(self, module: nn.Module, learns: bool = False) -> None:
        parts: list[Any] = list(module) if isinstance(module, nn.Sequential) else [module]
        layer, pool = parts[0], parts[1] if len(parts) == 2 else None
        known = isinstance(layer, nn.Linear | nn.Conv2d | MemoryLayer)
        pools = pool is None or (isinstance(pool, nn.MaxPool2d) and known and layer.weight.ndim == 4)
        if not known or not pools or len(parts) > 2:
            kinds = "a linear layer or a convolution, with or without one nn.MaxPool2d behind it"
            raise InputError(f"a link is {kinds}, got {' and '.join(type(part).__name__ for part in parts)}")
        self.layer: Any = layer
        self.pool: Any = pool
        self.weight: Tensor = layer.weight if learns else layer.weight.detach()
        if isinstance(layer, MemoryLayer):
            held, variance = layer.read_weights(), layer.noise_variance()
            self.weight = held if variance is None else layer.noisy(held, variance.sqrt())
        self.dense = self.weight.ndim == 2

    def forward(self, below: Tensor) -> Tensor:
        layer = self.layer
        if self.dense:
            self.drive = functional.linear(below.flatten(1), self.weight, layer.bias)
            return self.drive
        options = layer.stride, layer.padding, layer.dilation, layer.groups
        drive = functional.conv2d(below, self.weight, layer.bias, *options)
        self.shape = drive.shape
        if self.pool is not None:
            drive, self.places = functional.max_pool2d(drive, *self._pooling(), return_indices=True)
        self.drive = drive
        return drive

    def back(self, above: Tensor, below: Tensor, drive: Tensor) -> Tensor:
        """The drive of the layer below, and what it gets from above, for `below`: `forward` was called with it last."""
        if self.dense:
            return torch.addmm(drive.flatten(1), above, self.weight).view(below.shape)
        return drive + self._backward(self._unpooled(above), below, 0)

    def learn(self, above: tuple[Tensor, Tensor], below: tuple[Tensor, Tensor], weight: float) -> None:
        """Take weight times the difference of d<above, F(below)> of two states from the gradients."""
        one, other = above
        if below[0] is below[1] and self.dense:
            up, down = one - other, below[0].flatten(1)
        else:
            up, down = torch.cat([one, -other]), torch.cat(below)
        if self.dense:
            gradient, slope = up.T @ down.flatten(1), up.sum(0)
        else:
            self.forward(down)
            up = self._unpooled(up)
            gradient, slope = self._backward(up, down, 1), up.sum((0, 2, 3))
        for parameter, found in ((self.layer.weight, gradient), (self.layer.bias, slope)):
            if parameter is not None:
                step = found.mul_(-weight)
                parameter.grad = step if parameter.grad is None else parameter.grad.add_(step)

    def _backward(self, spread: Tensor, below: Tensor, which: int) -> Tensor:
        """The gradient of a convolution with respect to its input (0) or weight (1)."""
        layer = self.layer
        options = layer.stride, layer.padding, layer.dilation, False, [0, 0], layer.groups
        wanted = [which == 0, which == 1, False]
        return torch.ops.aten.convolution_backward(spread, below, self.weight, None, *options, wanted)[which]

    def _unpooled(self, above: Tensor) -> Tensor:
        if self.pool is None:
            return above
        return functional.max_unpool2d(above, self.places, *self._pooling(), output_size=list(self.shape))

    def _pooling(self) -> tuple[Any, Any, Any]:
        return self.pool.kernel_size, self.pool.stride, self.pool.padding
