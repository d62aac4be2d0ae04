"""A network of spiking layers that is shown one input for some steps and answers with counts of spikes."""

from torch import Tensor, nn

from spinloom.errors import InputError, require_count
from spinloom.nn.hardware import HardwareLayer, require_layers
from spinloom.nn.spiking.layer import SpikingLayer


class SpikingNetwork(nn.Module):
    """Each input of a batch for `steps` steps: (batch, ...) -> spikes of each output, counted, (batch, *outputs).

    body: layers, spiking ones among them. Time is folded into rows between them, so that anything that works on
    batches of images does. trains: inputs are (steps, batch, ...), one for each step; else each is shown at all steps,
    and what stands in an nn.Sequential before its first layer of devices is computed once.

    It trains, is measured and moves onto devices as any network. Raises InputError where body has no spiking layer, and
    for trains of another length.
    """

    def __init__(self, body: nn.Module, steps: int, *, trains: bool = False) -> None:
        super().__init__()
        require_count(steps=steps)
        self.body, self.steps, self.trains = body, steps, trains
        for layer in require_layers(body, SpikingLayer).values():
            layer.steps = steps

    def forward(self, input: Tensor) -> Tensor:
        return self.spikes(input).sum(0)

    def spikes(self, x: Tensor) -> Tensor:
        """(steps, batch, *outputs), when each output fires. x: as of the network."""
        if self.trains:
            if x.ndim < 2 or len(x) != self.steps:
                axes = [axis for axis, size in enumerate(x.shape) if size == self.steps]
                remedy = f"bring time first with x.movedim({axes[0]}, 0)" if axes else "cut or repeat the trains"
                raise InputError(f"trains are ({self.steps} steps, batch, ...), got {tuple(x.shape)}; {remedy}")
            return self.body(x.flatten(0, 1)).unflatten(0, (self.steps, -1))
        layers: list[nn.Module] = list(self.body) if isinstance(self.body, nn.Sequential) else [self.body]
        while not any(isinstance(module, HardwareLayer) for module in layers[0].modules()):
            x = layers.pop(0)(x)
        x = x.expand(self.steps, *x.shape).flatten(0, 1)
        for layer in layers:
            x = layer(x)
        return x.unflatten(0, (self.steps, -1))

    def extra_repr(self) -> str:
        return f"steps={self.steps}, trains={self.trains}"
