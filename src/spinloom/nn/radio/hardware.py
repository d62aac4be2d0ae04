"""What all layers of radio-frequency devices have in common: fabrication, noise, and the way to switch them off."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import nn

from spinloom.nn.radio.imperfections import Imperfections
from spinloom.seeding import Seed, child_seed, generator


class RadioLayer(nn.Module):
    """Base of the layers.

    A layer is ideal when it is made. `fabricate(imperfections, seed)` gives it devices that differ from the plan;
    `resample(seed)` draws others of the same kind; noise is drawn at every forward pass. `train()` and `eval()` change
    neither; `ideal()` and `real()` switch them. Factors drawn are buffers and part of the state dict of a fabricated
    layer.
    """

    members: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self.imperfections = Imperfections()
        self.spread, self.read_noise = True, True
        self._noise: torch.Generator | None = None
        self._names: tuple[str, ...] = ()

    def fabricate(self, imperfections: Imperfections, seed: Seed = 0) -> Self:
        """Draw one instance with these imperfections; the same seed draws the same."""
        self.imperfections = imperfections
        return self.resample(seed)

    def resample(self, seed: Seed) -> Self:
        """Another instance of the same imperfections, new noise from the first read on."""
        source = generator(seed)
        self._fabricate(source)
        self._noise = generator(child_seed(source))
        return self

    def ideal(self, on: bool = True) -> Self:
        """The planned devices and no noise (on), or the fabricated ones (off)."""
        return self.real(spread=not on, read_noise=not on)

    def real(self, *, spread: bool = True, read_noise: bool = True) -> Self:
        """Switch spread and noise separately; the instance stays."""
        self.spread, self.read_noise = spread, read_noise
        return self

    def factor(self, name: str) -> Any:
        """The drawn factors of that name, or 1."""
        drawn = getattr(self, name)
        return 1.0 if drawn is None or not self.spread else drawn

    def drawn(self) -> dict[str, torch.Tensor | None]:
        """All drawn factors by name, None where nothing was drawn."""
        return {name: getattr(self, name) for name in self._names}

    def put(self, drawn: Mapping[str, torch.Tensor | None]) -> Self:
        """Take these factors, as `drawn` gives them, in the place of those that were drawn."""
        for name in self._names:
            setattr(self, name, drawn[name])
        return self

    def noisy(self, value: torch.Tensor, deviation: float | torch.Tensor) -> torch.Tensor:
        """`value` with normal noise of this standard deviation, new at every call."""
        if not self.read_noise or self._noise is None or (isinstance(deviation, float) and not deviation):
            return value
        noise = torch.randn(value.shape, generator=self._noise, dtype=value.dtype)
        return value + deviation * noise.to(value.device)

    def _fabricate(self, source: torch.Generator) -> None:
        raise NotImplementedError

    def _fabricate_nothing(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        for name in names:
            self.register_buffer(name, None)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        for name in self._names:  # a fabricated layer loads into one that is not
            given = state.get(prefix + name)
            setattr(self, name, None if given is None else torch.empty_like(given))
        super()._load_from_state_dict(state, prefix, *rest)
