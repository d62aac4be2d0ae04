"""One network that learns task after task: norms of its own for every task, and elastic weight consolidation."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _NormBase

from spinloom.errors import InputError, as_whole, require_count, require_number
from spinloom.seeding import Seed, generator


class TaskNorms(nn.Module):
    """Gains, shifts and running statistics of all batch and instance norms of a network, kept for each task.

    Weights are shared by all tasks; the few numbers of the norms tell the network which task it is at (Laborieux et al.
    2021). What is kept is in the state dict. Raises InputError for a network without such norms, or tasks < 1.
    """

    def __init__(self, model: nn.Module, tasks: int) -> None:
        super().__init__()
        require_count(tasks=tasks)
        norms = [one for one in model.modules() if isinstance(one, _NormBase)]
        self._own = [tensor for norm in norms for tensor in (*norm.parameters(), *norm.buffers())]
        if not self._own:
            raise InputError("the network has no batch or instance norm with gain and shift; put one behind each layer")
        self.tasks = tasks
        for number, tensor in enumerate(self._own):
            self.register_buffer(f"norm{number}", tensor.detach().clone().expand(tasks, *tensor.shape).clone())

    @torch.no_grad()
    def keep(self, task: int) -> None:
        """Keep the present numbers of the norms as those of a task, 0 to tasks - 1."""
        self._require(task)
        for mine, tensor in zip(self.buffers(), self._own, strict=True):
            mine[task] = tensor

    @torch.no_grad()
    def restore(self, task: int) -> None:
        """Give the norms the numbers kept for a task (those of the beginning, if none were)."""
        self._require(task)
        for mine, tensor in zip(self.buffers(), self._own, strict=True):
            tensor.copy_(mine[task])

    def _require(self, task: int) -> None:
        if as_whole(task) is None or not 0 <= task < self.tasks:
            raise InputError(f"task must be a whole number from 0 to {self.tasks - 1}, got {task!r}")


class ElasticConsolidation(nn.Module):
    """Elastic weight consolidation of the linear layers of a network: weights are held where earlier tasks need them.

    Kirkpatrick et al., PNAS 114, 3521 (2017): the loss gains strength / 2 times the sum over earlier tasks and weights
    of F (W - W_task)^2, with F the diagonal of the Fisher information at W_task, for one input. Two tensors a layer
    serve any number of tasks; they are in the state dict. For binary layers W is the hidden weight.

    Raises InputError for a network without linear layers, or a strength that is not >= 0.
    """

    def __init__(self, model: nn.Module, strength: float = 5e3) -> None:
        super().__init__()
        require_number("", "non-negative", strength=strength)
        self.strength = strength
        self._model = (model,)  # not a part of this module
        self._layers = [one for one in model.modules() if isinstance(one, nn.Linear)]
        if not self._layers:
            raise InputError("the network has no linear layer to consolidate")
        for number, layer in enumerate(self._layers):
            self.register_buffer(f"importance{number}", torch.zeros_like(layer.weight))
            self.register_buffer(f"anchor{number}", torch.zeros_like(layer.weight))

    @torch.no_grad()
    def remember(self, inputs: Tensor, batch: int = 500, seed: Seed = 0) -> None:
        """Hold the present weights for the task of these inputs (n, ...), of which a remainder of a batch is left out.

        F is the mean over inputs of the squared gradient of the log-probability of a class that the network itself
        draws for each input; batch norms couple the inputs of a batch, which enters as in training.
        Raises InputError for fewer inputs than one batch.
        """
        require_count(batch=batch)
        if len(inputs) < batch:
            raise InputError(f"{len(inputs)} inputs are fewer than one batch of {batch}; give a smaller batch")
        source, whole = generator(seed, inputs.device), inputs[: len(inputs) // batch * batch].split(batch)
        found = [torch.zeros_like(layer.weight) for layer in self._layers]
        for one in whole:
            for total, squares in zip(found, self._squares(one, source), strict=True):
                total += squares
        for number, (layer, total) in enumerate(zip(self._layers, found, strict=True)):
            total /= batch * len(whole)
            self.get_buffer(f"importance{number}").add_(total)
            self.get_buffer(f"anchor{number}").addcmul_(total, layer.weight)

    def _squares(self, inputs: Tensor, source: torch.Generator) -> list[Tensor]:
        """Squared gradients of each weight, summed over the inputs."""
        seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

        def look(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            seen[layer] = given[0], output

        hooks = [layer.register_forward_hook(look) for layer in self._layers]
        try:
            with torch.enable_grad():
                logits = self._model[0](inputs)
                drawn = torch.multinomial(logits.detach().softmax(1), 1, generator=source).squeeze(1)
                loss = F.cross_entropy(logits, drawn, reduction="sum")
                slopes = torch.autograd.grad(loss, [seen[layer][1] for layer in self._layers])
        finally:
            for hook in hooks:
                hook.remove()
        return [slope.square().T @ seen[layer][0].square() for layer, slope in zip(self._layers, slopes, strict=True)]

    @torch.no_grad()
    def pull(self) -> None:
        """Add the gradient of the added loss to that of the weights: after backward, before the optimiser's step."""
        for number, layer in enumerate(self._layers):
            if layer.weight.grad is not None:
                importance, anchor = self.get_buffer(f"importance{number}"), self.get_buffer(f"anchor{number}")
                layer.weight.grad.addcmul_(importance, layer.weight, value=self.strength)
                layer.weight.grad.sub_(anchor, alpha=self.strength)
