"""Run a formula once on symbols and get it back as straight-line Python, ready for a compiler.

`rates.py` and `schemes.py` are ordinary arithmetic on components. On tensors they simply run; on `Symbol`s they write
one assignment per operation. Loops over terms disappear on the way, every parameter is read once: what is left is the
body of a loop that a compiler vectorises.
"""

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

    def text(self, value: "Value") -> str:
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
    """A scalar whose arithmetic is written down; products with 0 and 1 and sums with 0 vanish."""

    name: str
    trace: Trace

    def __add__(self, other: "Value") -> "Value":
        return self if other == 0 else self._write(self, "+", other)

    __radd__ = __add__

    def __sub__(self, other: "Value") -> "Value":
        return self if other == 0 else self._write(self, "-", other)

    def __rsub__(self, other: "Value") -> "Value":
        return -self if other == 0 else self._write(other, "-", self)

    def __mul__(self, other: "Value") -> "Value":
        if other == 0:
            return 0.0
        return self if other == 1 else self._write(self, "*", other)

    __rmul__ = __mul__

    def __truediv__(self, other: "Value") -> "Value":
        return self._write(self, "/", other)

    def __neg__(self) -> "Symbol":
        return self.trace.assign(f"-{self.name}")

    def _write(self, left: "Value", operator: str, right: "Value") -> "Symbol":
        return self.trace.assign(f"{self.trace.text(left)} {operator} {self.trace.text(right)}")


Value = Symbol | float
