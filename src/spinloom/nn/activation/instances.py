"""Several fabricated instances of one device layer, served side by side."""

import math
from collections.abc import Sequence

import torch

from spinloom.errors import InputError
from spinloom.nn.activation.converters import quantised
from spinloom.nn.activation.kernels import look_up, look_up_members
from spinloom.nn.activation.noise import read_key
from spinloom.nn.activation.state import LayerState
from spinloom.nn.activation.tables import draw_devices, rows_of_units
from spinloom.seeding import generator


class Instances:
    """K instances of a layer: the devices and the noise that `layer.resample(seed)` gives, for each of the seeds.

    shared_input: whether inputs are (batch, *units), the same for all instances, instead of (batch * K, *units).
    """

    def __init__(self, layer: LayerState, seeds: Sequence[int], shared_input: bool) -> None:
        self.layer, self.shared_input = layer, shared_input
        self.seeds = [int(seed) % 2**63 for seed in seeds]
        self._reads = 0
        self._rows: dict[tuple[tuple[int, ...], bool, bool], tuple[torch.Tensor, torch.Tensor]] = {}
        self._table = torch.cat([layer.curves[..., :2], layer.noise], dim=-1).contiguous()

    def read(self, x: torch.Tensor) -> torch.Tensor:
        """Values (batch * K, *units), image-major: row i K + k is image i in instance k."""
        count = len(self.seeds)
        if x.requires_grad and torch.is_grad_enabled():
            raise InputError("instances side by side are for inference; call the network in torch.inference_mode()")
        if not self.shared_input and len(x) % count:
            raise InputError(f"{count} instances side by side take batch x {count} rows, image by image; got {len(x)}")
        last = x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
        laid = x.permute(0, 2, 3, 1) if last else x
        shape = laid.shape[1:]
        inputs = laid.reshape(-1, 1 if self.shared_input else count, math.prod(shape))
        rows, place = self._devices(tuple(x.shape[1:]), last)
        value = self._values(inputs, rows, self._keys(), place)
        value = quantised(value, self.layer.affine.ends, self.layer.converters.value).view(-1, *shape)
        return value.permute(0, 3, 1, 2) if last else value

    def _values(self, x: torch.Tensor, rows: torch.Tensor, keys: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
        layer = self.layer
        own = x.device.type == "cpu" and x.dtype == layer.curves.dtype == self._table.dtype
        if own and x.dtype in (torch.float32, torch.float64):
            return look_up_members(x, rows, self._table, layer.grid, keys, place)
        home = place.argsort()  # back to the order that noise is numbered in
        every = x.expand(-1, len(rows), -1)[..., home]
        tables = (layer.curves, layer.grid, layer.noise)
        given = ((every[:, k], row[home], *tables, keys[k : k + 1].view(-1)) for k, row in enumerate(rows))
        single = [look_up(*one, want_slope=False) for one in given]
        return torch.stack([value for value, _ in single], dim=1)[..., place]

    def _keys(self) -> torch.Tensor:
        """(K, 3): of each instance's next read; (0, 3) if it is silent."""
        keys = []
        if self.layer.reads_noise:
            keys = [read_key(seed, self._reads) for seed in self.seeds]
            self._reads += 1
        return torch.tensor(keys, dtype=torch.int32, device=self.layer.curves.device).view(-1, 3)

    def _devices(self, shape: tuple[int, ...], last: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Table row of each unit in each instance (K, units), and each unit's number, in the order of memory."""
        layer, known = self.layer, (shape, last, self.layer.spread)
        if known not in self._rows:
            rows = torch.stack([self._rows_of(seed, shape) for seed in self.seeds])
            place = torch.arange(math.prod(shape), dtype=torch.int32)
            if last:
                place = place.view(shape).permute(1, 2, 0).reshape(-1)
            here = layer.curves.device
            self._rows[known] = rows[:, place].contiguous().to(here), place.to(here)
        return self._rows[known]

    def _rows_of(self, seed: int, shape: tuple[int, ...]) -> torch.Tensor:
        layer = self.layer
        devices = draw_devices(layer.sharing, layer.unit_shape or shape, layer.population, generator(seed))
        if not layer.spread:
            devices = torch.full_like(devices, layer.population)
        return rows_of_units(devices, layer.sharing, shape)
