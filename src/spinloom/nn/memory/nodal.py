"""What wires with resistance leave of a crossbar of devices: the currents of its columns for voltages on its rows.

Word line i runs from its driver past the devices (i, 0), (i, 1), ...; bit line j runs past (0, j), (1, j), ... and ends
below the last row at virtual ground, where its current is read. Between neighbouring devices, before the first of a row
and after the last of a column lies one segment of wire (as in Joksas and Mehonic, SoftwareX 12, 100617 (2020)).
Devices are linear, so the currents are one matrix times the voltages, computed once for each programming.

Row after row is eliminated. Given the potentials b of its bit lines, a word line is a ladder: the voltage across its
devices is t V - H b, with t and H in closed form (the inverse of a tridiagonal matrix), written in terms that are all
positive, so that nothing cancels. What lies above a row is, seen from the bit lines, an admittance Y and a current J:

    Y_i = S_i + Y_(i-1) X_(i-1),   J_i = g_i t_i V_i + X_(i-1) J_(i-1),   X = (1 + r_bit Y)^-1,   S = diag(g) H

One inverse of columns x columns a row; the array is mirrored, by reciprocity, where it has fewer rows than columns. The
loops are compiled and free of library calls, so that nothing waits for threads.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import prange
from torch import Tensor
from torch.autograd.function import once_differentiable

from spinloom.errors import InputError, require_number
from spinloom.kernels import kept
from spinloom.nn.compiled import OPTIONS, compile_loop

_SHORT = 1e30
"""S, for an infinite conductance: what is left across it is lost in rounding."""
_FIELD = 1 << 23
"""Numbers in the voltages across all devices for all inputs, which a gradient or a power needs."""
_PARALLEL = 1 << 12
"""Devices from which on more cores pay for several arrays."""


class Wires(NamedTuple):
    """Resistances in ohm. word, bit: of one segment. driver: before the first segment of each word line; sense: after
    the last of each bit line."""

    word: float
    bit: float
    driver: float = 0.0
    sense: float = 0.0

    @property
    def mirrored(self) -> "Wires":
        """Of the array with its bit lines driven and its word lines read."""
        return Wires(self.bit, self.word, self.sense, self.driver)


def transfer(conductance: Tensor, wires: Wires) -> Tensor:
    """Current of every column per volt on every row, S, (*arrays, rows, columns) as `conductance` in S.

    Without resistance it is the conductance itself. A device may be open (0) or, where both lines have resistance, a
    short (infinite). Differentiable once in the conductances: d(current of j per volt on i) is minus the product of the
    voltages across a device with 1 V on row i and with 1 V on the end of column j. Computed in float64.

    Raises InputError for conductances that are negative or NaN, fewer than two dimensions, resistances that are
    negative or not finite.
    """
    given = _checked(conductance, wires)
    if not any(wires):
        return conductance
    rows, columns = given.shape[-2:]
    ladders = not wires.word + wires.driver and wires.bit + wires.sense  # the columns know nothing of each other
    if ladders or (columns > rows and wires.bit + wires.sense):
        found = _Transfer.apply(given.mT.flip(-1, -2), wires.mirrored).flip(-1, -2).mT
    else:
        found = _Transfer.apply(given, wires)
    return found.reshape(conductance.shape).to(conductance.dtype)


def powers(conductance: Tensor, wires: Wires, voltages: Tensor) -> tuple[Tensor, Tensor]:
    """W in all devices and in all wires of every array, (*arrays,), summed over the inputs.

    conductance: (*arrays, rows, columns), S, all finite. voltages: (*arrays, rows, inputs), V. Raises InputError as
    `transfer` does.
    """
    given = _checked(conductance, wires)
    volts = voltages.detach().double()
    if volts.shape[-1] > volts.shape[-2]:  # powers are quadratic: as many inputs as rows have the same sum
        volts = torch.linalg.qr(volts.mT, mode="r")[1].mT
    found = []
    for g, driven in _chunks(_FIELD // volts.shape[-1], given.detach(), volts.reshape(-1, *volts.shape[-2:])):
        across = drops(g, wires, driven)
        current = g.unsqueeze(-1) * across
        taken = (current * across).sum((-3, -2, -1))
        found.append(torch.stack((taken, (current.sum(-2) * driven).sum((-2, -1)) - taken)))
    devices, lines = torch.cat(found, -1).reshape(2, *conductance.shape[:-2])
    return devices, lines


def drops(conductance: Tensor, wires: Wires, voltages: Tensor | None = None, ends: Tensor | None = None) -> Tensor:
    """V across every device, word line minus bit line, (arrays, rows, columns, inputs), float64.

    conductance: (arrays, rows, columns), S. voltages: (arrays, rows, inputs), V on the rows. ends: (arrays, columns,
    inputs), V on the ends of the columns. At least one of them; the other is 0.
    """
    arrays, rows, columns = conductance.shape
    given = voltages if ends is None else ends
    assert given is not None
    inputs = given.shape[-1]
    driven, held = (
        np.zeros((arrays, count, inputs)) if volts is None else _numbers(volts)
        for count, volts in ((rows, voltages), (columns, ends))
    )
    found = np.empty((arrays, rows, columns, inputs))
    _DROP[arrays > 1 and found.size > _PARALLEL](_numbers(conductance), driven, held, *map(float, wires), found)
    return torch.from_numpy(found).to(conductance.device)


class _Transfer(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, conductance: Tensor, wires: Wires) -> Tensor:
        context.save_for_backward(conductance)
        context.wires = wires
        found = np.empty(conductance.shape)
        _ELIMINATE[len(found) > 1 and found.size > _PARALLEL](_numbers(conductance), *map(float, wires), found)
        return torch.from_numpy(found).to(conductance.device)

    @staticmethod
    @once_differentiable
    def backward(context: Any, grad: Tensor) -> tuple[Tensor, None]:
        (conductance,) = context.saved_tensors
        rows, columns = conductance.shape[-2:]
        found = []
        for g, weight in _chunks(_FIELD // (rows + columns), conductance, grad):
            one = torch.eye(max(rows, columns), dtype=g.dtype, device=g.device).expand(len(g), -1, -1)
            forth = drops(g, context.wires, voltages=one[:, :rows, :rows])
            back = drops(g, context.wires, ends=one[:, :columns, :columns])
            found.append(-((forth.flatten(1, 2) @ weight) * back.flatten(1, 2)).sum(-1).view(g.shape))
        return torch.cat(found), None


def _eliminate(g: np.ndarray, word: float, bit: float, driver: float, sense: float, found: np.ndarray) -> None:
    """As `transfer`, of (arrays, rows, columns), into `found`.

    `stack` holds A = 1 + r Y, then Y where it is needed by itself, then the currents J of all rows so far; all are
    multiplied by the inverse of A at once.
    """
    rows, columns = g.shape[1:]
    size = (columns + 3) // 4 * 4
    own = 2 * size if sense > 0.0 else size
    for array in prange(g.shape[0]):
        stack, ladder = np.zeros((own + rows + rows % 2, size)), np.empty((6, columns))
        for row in range(rows):
            line = g[array, row]
            _climb(line, word, driver, ladder)
            for j in range(columns):
                stack[own + row, j] = line[j] * ladder[3, j]
            segment = bit + sense if row == rows - 1 else bit
            if bit + sense > 0.0:
                _load(line, ladder, segment, sense > 0.0, row == 0, stack)
            if segment > 0.0:
                _multiply(stack, own + row + 1)
        found[array] = stack[own : own + rows, :columns]


def _drop(
    g: np.ndarray,
    volts: np.ndarray,
    ends: np.ndarray,
    word: float,
    bit: float,
    driver: float,
    sense: float,
    found: np.ndarray,
) -> None:
    """As `drops`, into `found`: rows are eliminated for all inputs, then potentials b follow from the last row up."""
    rows, columns = g.shape[1:]
    inputs, size = volts.shape[2], (columns + 3) // 4 * 4
    own = 2 * size if sense > 0.0 else size
    for array in prange(g.shape[0]):
        stack, ladder = np.zeros((own + inputs + inputs % 2, size)), np.empty((6, columns))
        passed, currents = np.empty((rows, size, size)), np.empty((rows, inputs, size))
        b, pushed, flow = ends[array].copy(), np.empty((columns, inputs)), np.empty(inputs)
        for row in range(rows):
            line = g[array, row]
            _climb(line, word, driver, ladder)
            for q in range(inputs):
                for j in range(columns):
                    stack[own + q, j] += line[j] * ladder[3, j] * volts[array, row, q]
            currents[row] = stack[own : own + inputs]
            segment = bit + sense if row == rows - 1 else bit
            if bit + sense > 0.0:
                _load(line, ladder, segment, sense > 0.0, row == 0, stack)
            if segment > 0.0:
                _multiply(stack, own + inputs)
            passed[row] = stack[:size]
        for row in range(rows - 1, -1, -1):
            line, across = g[array, row], found[array, row]
            segment = bit + sense if row == rows - 1 else bit
            if segment > 0.0:
                for j in range(columns):
                    for q in range(inputs):
                        pushed[j, q] = b[j, q] + segment * currents[row, q, j]
                for j in range(columns):
                    b[j] = 0.0
                    for k in range(columns):
                        share = passed[row, j, k]
                        for q in range(inputs):
                            b[j, q] += share * pushed[k, q]
            _climb(line, word, driver, ladder)
            left, right, ratio = ladder[0], ladder[1], ladder[2]
            flow[:] = volts[array, row]  # open voltage of all to the left of a node, then current from all to its right
            for j in range(columns):
                for q in range(inputs):
                    across[j, q] = flow[q] - b[j, q]
                    flow[q] = (flow[q] + left[j] * line[j] * b[j, q]) / (1.0 + left[j] * line[j])
            flow[:] = 0.0
            for j in range(columns - 1, -1, -1):
                loaded = 1.0 / (1.0 + left[j] * (line[j] + right[j]))
                for q in range(inputs):
                    across[j, q] = (across[j, q] + left[j] * (flow[q] - right[j] * b[j, q])) * loaded
                    flow[q] = (flow[q] + line[j] * b[j, q]) * ratio[j]


@kept(**OPTIONS)
def _climb(line: np.ndarray, word: float, driver: float, ladder: np.ndarray) -> None:
    """The ladder of one word line: resistance of all to the left of each node, conductance of all to its right, voltage
    at each node over that at the one before, and, with the bit lines at ground, per volt of the driver."""
    left, right, ratio, entering = ladder[0], ladder[1], ladder[2], ladder[3]
    columns = len(line)
    left[0], right[columns - 1] = driver + word, 0.0
    for j in range(1, columns):
        left[j] = word + left[j - 1] / (1.0 + left[j - 1] * line[j - 1])
    for j in range(columns - 1, -1, -1):
        beyond = right[j] + line[j]
        ratio[j] = 1.0 / (1.0 + word * beyond)
        if j:
            right[j - 1] = beyond * ratio[j]
    entering[0] = 1.0 / (1.0 + left[0] * (line[0] + right[0]))
    for j in range(1, columns):
        entering[j] = entering[j - 1] * ratio[j]


@kept(**OPTIONS)
def _load(line: np.ndarray, ladder: np.ndarray, segment: float, apart: bool, first: bool, stack: np.ndarray) -> None:
    """Put A = 1 + segment Y of a row on the stack, where X (and, apart, Y X) of the rows above lies.

    Without Y X it is Y X = (1 - X) / segment, whose rounding is nothing once the same segment multiplies it again.
    """
    columns, size = len(line), stack.shape[1]
    left, right, ratio, feed, admittance = ladder[0], ladder[1], ladder[2], ladder[4], ladder[5]
    for j in range(columns):
        feed[j] = line[j] * left[j] / (1.0 + left[j] * (line[j] + right[j]))
    for j in range(columns):
        fall = -line[j]
        for k in range(j - 1, -1, -1):
            fall *= ratio[k + 1]
            admittance[k] = fall * feed[k]
        loaded = 1.0 + left[j] * (line[j] + right[j])
        admittance[j] = line[j] * (1.0 + left[j] * right[j]) / loaded
        fall = -feed[j]
        for k in range(j + 1, columns):
            fall *= ratio[k]
            admittance[k] = fall * line[k]
        if apart:
            for k in range(columns):
                stack[size + j, k] += admittance[k]
                stack[j, k] = segment * stack[size + j, k]
            stack[j, j] += 1.0
        else:
            for k in range(columns):
                stack[j, k] = segment * admittance[k] - stack[j, k]
            stack[j, j] += 1.0 if first else 2.0
    for j in range(columns, size):
        stack[j, j] = 1.0


@kept(**OPTIONS)
def _multiply(stack: np.ndarray, count: int) -> None:
    """Replace A, the square on top, by its inverse, and the rows below, `count` of all, by their product with it.

    Gauss and Jordan's elimination of columns, four pivots at once and two rows at once; A needs no search for pivots,
    as its eigenvalues lie between 1 and 2 + r times the conductances of a row.
    """
    size = stack.shape[1]
    pivots, block, shares = np.empty((4, size)), np.empty((4, 4)), np.empty((2, 4))
    for first in range(0, size, 4):
        for s in range(4):
            for t in range(4):
                block[s, t] = stack[first + s, first + t]
            pivots[s] = stack[first + s]
        for k in range(4):
            inverse = 1.0 / block[k, k]
            for s in range(4):
                if s != k:
                    share = block[s, k] * inverse
                    for t in range(4):
                        block[s, t] -= share * block[k, t]
                    block[s, k] = share
            for t in range(4):
                block[k, t] *= -inverse
            block[k, k] = inverse
        p0, p1, p2, p3 = pivots[0], pivots[1], pivots[2], pivots[3]
        for q in range(0, count, 2):
            if q == first or q == first + 2:
                continue
            one, two = stack[q], stack[q + 1]
            for s in range(4):
                shares[0, s], shares[1, s] = 0.0, 0.0
                for t in range(4):
                    shares[0, s] += one[first + t] * block[t, s]
                    shares[1, s] += two[first + t] * block[t, s]
            a0, a1, a2, a3 = shares[0, 0], shares[0, 1], shares[0, 2], shares[0, 3]
            b0, b1, b2, b3 = shares[1, 0], shares[1, 1], shares[1, 2], shares[1, 3]
            for j in range(size):
                one[j] -= a0 * p0[j] + a1 * p1[j] + a2 * p2[j] + a3 * p3[j]
                two[j] -= b0 * p0[j] + b1 * p1[j] + b2 * p2[j] + b3 * p3[j]
            for s in range(4):
                one[first + s], two[first + s] = shares[0, s], shares[1, s]
        for s in range(4):
            for j in range(size):
                stack[first + s, j] = -(
                    block[s, 0] * p0[j] + block[s, 1] * p1[j] + block[s, 2] * p2[j] + block[s, 3] * p3[j]
                )
            for t in range(4):
                stack[first + s, first + t] = block[s, t]


_ELIMINATE, _DROP = compile_loop(_eliminate), compile_loop(_drop)


def _numbers(given: Tensor) -> np.ndarray:
    return given.detach().cpu().double().contiguous().numpy()


def _chunks(numbers: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Some arrays at a time, of about that many conductances together."""
    count = max(1, numbers // tensors[0][0].numel())
    return zip(*(tensor.split(count) for tensor in tensors), strict=True)


def require_conductance(conductance: Tensor) -> None:
    """Raise InputError unless it is a matrix, or several, of floating-point numbers >= 0."""
    if not conductance.is_floating_point():
        raise InputError(f"conductance must be floating-point numbers in S, got {conductance.dtype}")
    if conductance.ndim < 2 or not conductance.numel():
        raise InputError(f"conductance must be a matrix or several, got a tensor of {tuple(conductance.shape)}")
    if not bool((conductance >= 0).all()):
        raise InputError("conductance must be >= 0 S everywhere, got a negative one or NaN; give pairs one by one")


def _checked(conductance: Tensor, wires: Wires) -> Tensor:
    """(arrays, rows, columns) in float64, shorts with a finite conductance."""
    require_conductance(conductance)
    require_number("ohm", "non-negative", **wires._asdict())
    if bool(conductance.isinf().any()) and not (wires.word and wires.bit):
        raise InputError("a device of infinite conductance needs word and bit lines with resistance, got 0 ohm")
    return conductance.double().clamp(max=_SHORT).reshape(-1, *conductance.shape[-2:])
