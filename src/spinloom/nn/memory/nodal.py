"""What wires with resistance leave of a crossbar of devices: the currents of its columns for voltages on its rows.

Word line i runs from its driver past the devices (i, 0), (i, 1), ...; bit line j runs past (0, j), (1, j), ... and ends
below the last row at virtual ground, where its current is read. Between neighbouring devices, before the first of a row
and after the last of a column lies one segment of wire (as in Joksas and Mehonic, SoftwareX 12, 100617 (2020)).
Devices are linear, so the currents are one matrix times the voltages, computed once for each programming.

Row after row is eliminated. Given the potentials b of its bit lines, a word line is a ladder: the voltage across its
devices is t V - H b, with t and H in closed form (the inverse of a tridiagonal matrix), written in terms that are all
positive, so that nothing cancels. What lies above a row is, seen from the bit lines, an admittance Y and a current J:

    Y_i = S_i + Y_(i-1) X_(i-1),   J_i = g_i t_i V_i + X_(i-1) J_(i-1),   X = (1 + r_bit Y)^-1,   S = diag(g) H

One inverse of columns x columns a row; the array is mirrored, by reciprocity, where it has fewer rows than columns.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from spinloom.errors import InputError, require_number

_SHORT = 1e30
"""S, for an infinite conductance: what is left across it is lost in rounding."""
_BLOCK = 1 << 16
"""Numbers in the matrices of the arrays that are solved side by side, so that they stay in the cache."""
_FIELD = 1 << 23
"""The same of the voltages across all devices for all inputs, that a gradient or a power needs."""


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
    g, volts = conductance, voltages
    ladders = [_ladder(g[:, row], wires, *ratios) for row, ratios in enumerate(_ratios(g, wires))]
    eye = torch.eye(g.shape[-1], dtype=g.dtype, device=g.device)
    admittance: Tensor | None = None
    current: Tensor | None = None
    passed: list[Tensor] = []
    currents: list[Tensor] = []
    for row, (entering, across) in enumerate(ladders):
        own = g[:, row, :, None] * across
        admittance = own if admittance is None else own + admittance @ passed[-1]
        if volts is not None:
            fed = (g[:, row] * entering).unsqueeze(-1) * volts[:, row, None]
            current = fed if current is None else fed + passed[-1] @ current
            currents.append(current)
        segment = wires.bit + (wires.sense if row == len(ladders) - 1 else 0.0)
        passed.append(_inverse(eye + segment * admittance) if segment else eye.expand_as(own))
    below = torch.zeros(1, dtype=g.dtype, device=g.device) if ends is None else ends
    found = []
    for row in reversed(range(len(ladders))):
        entering, across = ladders[row]
        segment = wires.bit + (wires.sense if row == len(ladders) - 1 else 0.0)
        pushed = below + segment * currents[row] if volts is not None else below
        below = passed[row] @ pushed.expand(len(g), g.shape[-1], -1)  # the potentials of this row's bit lines
        left = -(across @ below)
        found.append(left if volts is None else left + entering.unsqueeze(-1) * volts[:, row, None])
    return torch.stack(found[::-1], 1)


class _Transfer(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, conductance: Tensor, wires: Wires) -> Tensor:
        context.save_for_backward(conductance)
        context.wires = wires
        rows, columns = conductance.shape[-2:]
        found = [_transfer(g, wires) for (g,) in _chunks(_BLOCK * rows // columns, conductance)]
        return torch.cat(found)

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


def _transfer(g: Tensor, wires: Wires) -> Tensor:
    """As `transfer`, of (arrays, rows, columns), unchecked."""
    rows, columns = g.shape[-2:]
    eye = torch.eye(columns, dtype=g.dtype, device=g.device)
    current = torch.empty_like(g)
    admittance: Tensor | None = None
    passed: Tensor | None = None
    for row, ratios in enumerate(_ratios(g, wires)):
        current[:, row] = g[:, row] * ratios[0]
        if not wires.bit + wires.sense:  # bit lines at ground everywhere: each row by itself
            continue
        own = _ladder(g[:, row], wires, *ratios)[1].mul_(g[:, row, :, None])
        if passed is not None and admittance is not None:
            current[:, :row] = current[:, :row] @ passed
            # Y X = (1 - X) / r, whose rounding is nothing once the same r multiplies it again
            admittance = own.add_(admittance @ passed if wires.sense else (eye - passed).div_(wires.bit))
        else:
            admittance = own if admittance is None else own.add_(admittance)
        if row == rows - 1:
            current = current @ _inverse((wires.bit + wires.sense) * admittance + eye)
        elif wires.bit:
            passed = _inverse(wires.bit * admittance + eye)
    return current


def _ratios(g: Tensor, wires: Wires) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """For every row what `_ladder` needs, each (arrays, columns).

    The voltage at each node per volt of the driver, with the bit lines at ground; resistance of the line to the left of
    each node, conductance of all to its right; voltage at each node over that at the one before.
    """
    columns = g.shape[-1]
    step = g.movedim(-1, 0).contiguous()
    left, right = torch.empty_like(step), torch.zeros_like(step)
    left[0] = wires.driver + wires.word
    for node in range(1, columns):
        left[node] = wires.word + left[node - 1] / (1 + left[node - 1] * step[node - 1])
    for node in range(columns - 1, 0, -1):
        beyond = right[node] + step[node]
        right[node - 1] = beyond / (1 + wires.word * beyond)
    ratio = 1 / (1 + wires.word * (step + right))
    ratio[0] = 1 / (1 + (wires.driver + wires.word) * (step[0] + right[0]))
    entering = ratio.cumprod(0)
    by_row = [part.permute(2, 1, 0).contiguous() for part in (entering, left, right, ratio)]
    return zip(*by_row, strict=True)


def _ladder(
    g: Tensor, wires: Wires, entering: Tensor, left: Tensor, right: Tensor, ratio: Tensor
) -> tuple[Tensor, Tensor]:
    """t (arrays, columns) and H (arrays, columns, columns) of one row: across its devices lie t V - H b."""
    columns = g.shape[-1]
    right_of = torch.ones(columns, columns, dtype=torch.bool, device=g.device).triu_(1)
    loaded = 1 + left * (g + right)
    # how a voltage falls from the node where a device feeds in to all nodes on its right; the others by reciprocity
    fall = torch.where(right_of, ratio.unsqueeze(-2), 1.0).cumprod(-1).mul_((left / loaded).unsqueeze(-1))
    across = torch.where(right_of, fall, fall.mT).mul_(-g.unsqueeze(-2))
    across.diagonal(dim1=-2, dim2=-1).copy_((1 + left * right) / loaded)
    return entering, across


def _inverse(matrix: Tensor) -> Tensor:
    """Of 1 + r Y, symmetric and well conditioned: its eigenvalues lie between 1 and 2 + r times a row's conductance."""
    return torch.cholesky_inverse(torch.linalg.cholesky(matrix))


def _chunks(numbers: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Some arrays at a time, of about that many conductances together."""
    count = max(1, numbers // tensors[0][0].numel())
    return zip(*(tensor.split(count) for tensor in tensors), strict=True)


def require_conductance(conductance: Tensor) -> None:
    """Raise InputError unless it is a matrix, or several, of numbers >= 0."""
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
