"""Run a formula once on symbols and get it back as straight-line Python, ready for a compiler.

`rates.py` and `steppers.py` are ordinary arithmetic on components. On tensors they simply run; on `Symbol`s they write
one assignment per operation. Loops over terms disappear on the way, every parameter is read once: what is left is the
body of a loop that a compiler vectorises.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Trace:
    """Lines of code, named constants and loads seen so far."""

    lines: list[str] = field(default_factory=list)
    constants: dict[float, str] = field(default_factory=dict)
    loads: dict[str, str] = field(default_factory=dict)

    def assign(self, expression: str) -> "Symbol":
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {expression}")
        return Symbol(name, self)

    def text(self, value: "Symbol | float") -> str:
        if isinstance(value, Symbol):
            return value.name
        return self.constants.setdefault(float(value), f"c{len(self.constants)}")

    def load(self, source: str) -> "Symbol":
        """The value of `source`, read once."""
        if source not in self.loads:
            self.loads[source] = self.assign(source).name
        return Symbol(self.loads[source], self)


@dataclass(frozen=True)
class Symbol:
    """A scalar whose arithmetic is written down."""

    name: str
    trace: Trace

    def __add__(self, other: "Symbol | float") -> "Symbol":
        return self.trace.assign(f"{self.name} + {self.trace.text(other)}")

    def __sub__(self, other: "Symbol | float") -> "Symbol":
        return self.trace.assign(f"{self.name} - {self.trace.text(other)}")

    def __mul__(self, other: "Symbol | float") -> "Symbol":
        return self.trace.assign(f"{self.name} * {self.trace.text(other)}")

    def __truediv__(self, other: "Symbol | float") -> "Symbol":
        return self.trace.assign(f"{self.name} / {self.trace.text(other)}")

    def __rmul__(self, other: float) -> "Symbol":
        return self.trace.assign(f"{self.trace.text(other)} * {self.name}")

    def __radd__(self, other: float) -> "Symbol":
        return self.trace.assign(f"{self.trace.text(other)} + {self.name}")

    def __rsub__(self, other: float) -> "Symbol":
        return self.trace.assign(f"{self.trace.text(other)} - {self.name}")

    def __neg__(self) -> "Symbol":
        return self.trace.assign(f"-{self.name}")


@dataclass(frozen=True)
class Loads:
    """Indexing that writes a load: `source(index)` gives the code that reads it."""

    trace: Trace
    source: Callable[[int], str]

    def __getitem__(self, index: int) -> Symbol:
        return self.trace.load(self.source(index))
