"""The array around the devices: wires, converters, tiles, stuck cells, and what a pass takes in energy and time."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from spinloom.errors import InputError, Sign, as_whole, require_count, require_number, require_positive
from spinloom.nn.memory.nodal import Wires, powers, require_conductance, transfer
from spinloom.seeding import Seed, generator

INPUT_ENERGY = 4e-3 / (8 * 128 * 10e6)
"""J per bit of an input: 4 mW for 8 x 128 one-bit drivers at 10 MHz (ISAAC, Shafiee et al., ISCA 2016)."""
OUTPUT_ENERGY = 3.1e-3 / 1.2e9
"""J per conversion of 8 bits: 3.1 mW at 1.2 GS/s in 32 nm (Kull et al., ISSCC 2013, 468)."""
ADDITION_ENERGY = 0.1e-12
"""J per addition of 32-bit integers in 45 nm CMOS (Horowitz, ISSCC 2014, 10-14)."""
_BITS = 8
"""Of a converter whose resolution is not given, when its energy is counted."""
_MOST_BITS = 24
"""Beyond it float32 cannot tell the levels apart."""
_NUMBERS: tuple[tuple[str, str, Sign], ...] = (
    *((f"{part}_resistance", "ohm", "non-negative") for part in ("word", "bit", "driver", "sense")),
    ("stuck_least", "", "non-negative"),
    ("stuck_most", "", "non-negative"),
    ("input_range", "", "positive"),
    ("output_range", "devices", "positive"),
    ("read_voltage", "V", "positive"),
    ("read_time", "s", "positive"),
    ("output_time", "s", "non-negative"),
    ("input_energy", "J", "non-negative"),
    ("output_energy", "J", "non-negative"),
    ("segment_capacitance", "F", "non-negative"),
)
"""Fields of an Array by unit and sign."""


@dataclass(frozen=True)
class ArrayCost:
    """What one input of a network costs in one layer of arrays. Energies in J.

    devices: Joule heat in the memories. wires: Joule heat in the lines, and their charge. inputs, outputs: conversions.
    additions: of partial sums. latency: s. arrays: how many the layer fills. passes: uses of all of them, one after the
    other, for one input. assumptions: to print beside these figures.
    """

    devices: float
    wires: float
    inputs: float
    outputs: float
    additions: float
    latency: float
    arrays: int
    passes: int
    assumptions: tuple[str, ...] = field(repr=False)

    @property
    def energy(self) -> float:
        """J of everything."""
        return self.devices + self.wires + self.inputs + self.outputs + self.additions


@dataclass(frozen=True)
class Array:
    """The design of one array and its periphery. A layer larger than one array fills several, which add their sums.

    rows, columns: devices of one array, for inputs and for outputs.
    word_resistance, bit_resistance: ohm, of the line between two devices, and before the first and after the last.
    driver_resistance, sense_resistance: ohm, between the source and a word line, and between a bit line and the virtual
        ground that reads it.
    stuck_least, stuck_most: shares of cells that stay at the least and at the most conductance, whatever is written.
    input_bits, output_bits: of the converters, 1 to 24; None does not round and does not saturate.
    input_range: network input that stands for the read voltage. output_range: currents at which output converters
        saturate, in those of one device at its most and at the read voltage; None is all `rows` of them.
    signed_inputs, signed_outputs: converters from minus to plus their range (2**bits - 1 levels), or from 0 (2**bits).
        Zero is always a level.
    read_voltage: V. read_time: s that voltages stay on. columns_per_converter: read one after the other by one output
        converter; None is all of an array. output_time: s per conversion.
    input_energy, output_energy: J per conversion; None takes the published ones (INPUT_ENERGY per bit, OUTPUT_ENERGY at
        8 bits and twice as much for each bit more). segment_capacitance: F of the line between two devices.

    Resistance, capacitance and voltage of the defaults are assumed; times are those of ISAAC (Shafiee et al., ISCA
    2016: 100 ns per read, one converter of 1.2 GS/s for 128 columns). Raises InputError for numbers that cannot be.
    """

    rows: int = 128
    columns: int = 128
    word_resistance: float = 1.0
    bit_resistance: float = 1.0
    driver_resistance: float = 0.0
    sense_resistance: float = 0.0
    stuck_least: float = 0.0
    stuck_most: float = 0.0
    input_bits: int | None = None
    output_bits: int | None = None
    input_range: float = 1.0
    output_range: float | None = None
    signed_inputs: bool = True
    signed_outputs: bool = True
    read_voltage: float = 0.2
    read_time: float = 100e-9
    columns_per_converter: int | None = None
    output_time: float = 1 / 1.2e9
    input_energy: float | None = None
    output_energy: float | None = None
    segment_capacitance: float = 0.05e-15

    def __post_init__(self) -> None:
        require_count(rows=self.rows, columns=self.columns)
        if self.columns_per_converter is not None:
            require_count(columns_per_converter=self.columns_per_converter)
        for name, unit, sign in _NUMBERS:
            if getattr(self, name) is not None:
                require_number(unit, sign, **{name: getattr(self, name)})
        for name, signed in (("input_bits", self.signed_inputs), ("output_bits", self.signed_outputs)):
            bits = getattr(self, name)
            if bits is not None and as_whole(bits) not in range(1 + signed, _MOST_BITS + 1):
                least = "2 (zero and one level of either sign)" if signed else "1"
                raise InputError(f"{name} must be None or {least} to {_MOST_BITS}, got {bits!r}")
        if self.stuck_least + self.stuck_most > 1:
            total = f"{self.stuck_least:g} + {self.stuck_most:g}"
            raise InputError(f"stuck_least and stuck_most are shares of the cells, together at most 1, got {total}")

    @property
    def wires(self) -> Wires:
        return Wires(self.word_resistance, self.bit_resistance, self.driver_resistance, self.sense_resistance)

    def tiles(self, outputs: int, inputs: int) -> tuple[int, int]:
        """Arrays beside each other for the outputs, and for the inputs, whose partial sums are added."""
        require_count(outputs=outputs, inputs=inputs)
        return math.ceil(outputs / self.columns), math.ceil(inputs / self.rows)

    def effective(self, conductance: Tensor) -> Tensor:
        """S that the outputs see of every input through the wires, (..., outputs, inputs) as `conductance`.

        Compute it once for each programming: a pass is then a matrix product. Differentiable once. An array that is not
        full is used from the corner next to drivers and virtual grounds; its other devices are open. Raises InputError
        for conductances that are negative or NaN, and for infinite ones unless both lines have resistance.
        """
        require_conductance(conductance)
        if not any(self.wires):
            return conductance
        return self._per_tile(conductance, lambda tiles: transfer(tiles.mT, self.wires).mT)

    def convert_inputs(self, inputs: Tensor) -> Tensor:
        """Network inputs as the input converters give them; gradients pass as through a clip to the range."""
        return _converted(inputs, self.input_range, self.input_bits, self.signed_inputs)

    def convert_outputs(self, sums: Tensor, full_weight: float) -> Tensor:
        """Sums of one array's column as the output converters read them; gradients pass as through a clip.

        sums: inputs times weights, in network units or in A. full_weight: of one device at its most, in units of the
        weights.
        """
        require_positive("", full_weight=full_weight)
        full = self.input_range * full_weight * (self.rows if self.output_range is None else self.output_range)
        return _converted(sums, full, self.output_bits, self.signed_outputs)

    def multiply(self, inputs: Tensor, weight: Tensor, full_weight: float) -> Tensor:
        """inputs (..., inputs) times weight (outputs, inputs), with all converters: each array's sums are converted and
        then added. weight: of what is `effective`; full_weight: as in `convert_outputs`. (..., outputs)."""
        given = self.convert_inputs(inputs)
        if self.output_bits is None:
            return given @ weight.mT
        blocks = zip(given.split(self.rows, -1), weight.split(self.rows, -1), strict=True)
        return torch.stack([self.convert_outputs(x @ w.mT, full_weight) for x, w in blocks]).sum(0)

    def stick(self, conductance: Tensor, window: tuple[Any, Any], seed: Seed) -> Tensor:
        """The same conductances, S, with stuck cells at the ends of the window; the same seed sticks the same cells.

        Which cells does not depend on their conductances, and more stuck cells are the same ones and others. Gradients
        do not reach stuck cells.
        """
        if not self.stuck_least + self.stuck_most:
            return conductance
        draw = torch.rand(conductance.shape, generator=generator(seed), dtype=torch.float64).to(conductance.device)
        for stuck, end in ((draw < self.stuck_least, window[0]), (draw >= 1 - self.stuck_most, window[1])):
            conductance = torch.where(stuck, torch.as_tensor(end).to(conductance), conductance)
        return conductance

    def cost(self, conductance: Tensor, inputs: Tensor) -> ArrayCost:
        """Energy and latency of a layer for one of the inputs, mean over them.

        conductance: (outputs, inputs), S, of all devices; both of a pair, one set below the other. inputs: (examples,
        ..., inputs), in network units, before the converters; what lies between (positions of a convolution) is read
        one after the other. Raises InputError for shapes that do not fit, and for conductances as `effective` does.
        """
        require_conductance(conductance)
        if inputs.ndim < 2 or inputs.shape[-1] != conductance.shape[-1] or conductance.ndim > 2 or not inputs.numel():
            shapes = f"got {tuple(inputs.shape)} and {tuple(conductance.shape)}"
            raise InputError(f"cost needs inputs (examples, ..., inputs) and conductance (outputs, inputs), {shapes}")
        outputs, width = conductance.shape
        across, along = self.tiles(outputs, width)
        examples = len(inputs)
        reads = inputs.detach().double().flatten(0, -2)
        passes = len(reads) // examples
        volts = self.convert_inputs(reads) * (self.read_voltage / self.input_range)
        devices, lines = self._heat(conductance.detach().double(), volts)
        charge = self.segment_capacitance * outputs * float(volts.square().sum())
        shared = min(self.columns, outputs, self.columns_per_converter or self.columns)
        input_bits, output_bits = self.input_bits or _BITS, self.output_bits or _BITS
        published = INPUT_ENERGY * input_bits, OUTPUT_ENERGY * 2.0 ** (output_bits - 8)
        input_energy = published[0] if self.input_energy is None else self.input_energy
        output_energy = published[1] if self.output_energy is None else self.output_energy
        return ArrayCost(
            devices=devices * self.read_time / examples,
            wires=(lines * self.read_time + charge) / examples,
            inputs=passes * width * across * input_energy,
            outputs=passes * outputs * along * output_energy,
            additions=passes * outputs * (along - 1) * ADDITION_ENERGY,
            latency=passes * (self.read_time + shared * self.output_time),
            arrays=across * along,
            passes=passes,
            assumptions=self._assumptions(input_bits, output_bits),
        )

    def _heat(self, conductance: Tensor, volts: Tensor) -> tuple[float, float]:
        """W in devices and in wires, summed over the reads, volts: (reads, inputs)."""
        if not any(self.wires):
            return float(volts.square().sum(0) @ conductance.sum(0)), 0.0
        devices = lines = 0.0
        for columns in conductance.split(self.columns, 0):
            for tile, given in zip(columns.split(self.rows, 1), volts.split(self.rows, 1), strict=True):
                own = powers(tile.mT, self.wires, given.mT)
                devices, lines = devices + float(own[0].sum()), lines + float(own[1].sum())
        return devices, lines

    def _per_tile(self, matrix: Tensor, work: Callable[[Tensor], Tensor]) -> Tensor:
        """`work` on (..., across, along, columns, rows) of all full arrays at once, and of those at the edges."""
        outputs, inputs = matrix.shape[-2:]
        found = []
        for columns in _split(matrix, -2, self.columns):
            row = []
            for part in _split(columns, -1, self.rows):
                across, along = min(self.columns, outputs), min(self.rows, inputs)
                shape = (min(part.shape[-2], across), min(part.shape[-1], along))
                tiles = part.unflatten(-1, (-1, shape[1])).unflatten(-3, (-1, shape[0])).transpose(-3, -2)
                row.append(work(tiles).transpose(-3, -2).flatten(-2, -1).flatten(-3, -2))
            found.append(torch.cat(row, -1))
        return torch.cat(found, -2)

    def _assumptions(self, input_bits: int, output_bits: int) -> tuple[str, ...]:
        """What stands behind the figures of `cost`."""
        given = "as set"
        inputs = f"{1e12 * INPUT_ENERGY:.2f} pJ per bit (drivers of ISAAC, ISCA 2016; in proportion to bits is assumed)"
        outputs = f"{1e12 * OUTPUT_ENERGY:.2f} pJ at 8 bits (Kull et al., ISSCC 2013), twice as much per bit (assumed)"
        unknown = " and ".join(
            name for name, bits in (("input", self.input_bits), ("output", self.output_bits)) if bits is None
        )
        words = [
            f"Voltages of {self.read_voltage:g} V at full input stay on for {1e9 * self.read_time:g} ns; heat in "
            "devices and wires is that of the linear network, solved at its nodes.",
            f"Lines of {self.word_resistance:g} and {self.bit_resistance:g} ohm and "
            f"{1e15 * self.segment_capacitance:g} fF per device (assumed unless set); word lines are charged anew at "
            "every read, bit lines stay at virtual ground, selectors and sense amplifiers are not counted.",
            f"Input conversions of {input_bits} bits, one for each row of each array: "
            f"{inputs if self.input_energy is None else given}.",
            f"Output conversions of {output_bits} bits, one for each column of each array: "
            f"{outputs if self.output_energy is None else given}.",
            f"Partial sums are added at {1e12 * ADDITION_ENERGY:g} pJ (32-bit integers in 45 nm, Horowitz, ISSCC "
            "2014); buffers and data movement are not counted.",
            "All arrays of a layer work at once; the columns of one converter are read one after the other, "
            f"{1e9 * self.output_time:.3g} ns each, after the voltages have stood.",
        ]
        if unknown:
            words.append(f"The {unknown} converters do not round; their energy is that of {_BITS} bits (assumed).")
        return tuple(words)


def _split(matrix: Tensor, axis: int, size: int) -> list[Tensor]:
    """What fills arrays of that size wholly, and what is left."""
    full = matrix.shape[axis] // size * size
    return [part for part in matrix.tensor_split((full,), axis) if part.shape[axis]]


def _converted(values: Tensor, full: float, bits: int | None, signed: bool) -> Tensor:
    """Rounded to the nearest of the levels from 0 or -full to full; the gradient is that of the clip."""
    if bits is None:
        return values
    steps = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    clipped = values.clamp(-full if signed else 0.0, full)
    wide = clipped.detach() if values.itemsize >= 4 else clipped.detach().float()
    rounded = ((wide * (steps / full)).round() * (full / steps)).to(values.dtype)
    return rounded + (clipped - clipped.detach())
