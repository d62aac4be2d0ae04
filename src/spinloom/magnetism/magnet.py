"""A magnet, its material, and what every term that acts on it promises.

A term is one class, in a file of `terms/` or in a package of yours. Its energy says what it is; `rows` and `act` are
what both engines need of it: the plain one runs `act` on tensors, the compiled one traces it once into its loop.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from spinloom import units
from spinloom.errors import InputError, require_non_negative, require_positive
from spinloom.magnetism.drives import Drive, Quantity, double
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.vectors import Triple

TIME_UNIT = 1e-9
"""s per unit of the solvers' time: inside of them times are in ns and every field is a precession rate in rad/ns."""

Components = tuple[Any, Any, Any]
Act = Callable[[Components, Components, Any, Callable[[], Any]], Components]


@dataclass(frozen=True)
class Material:
    """Constants of a ferromagnet; each may be a tensor that broadcasts over the batch.

    saturation_magnetization: A/m, 1e5 (ferrimagnet, doped CoFeB) to 1.7e6 (Fe); from magnetometry.
    damping: Gilbert damping, 0.003 to 0.05 in thin CoFeB; from the ferromagnetic-resonance linewidth.
    gamma: gyromagnetic ratio, rad/(s T). At 0 K every rate is proportional to it, so it also stretches time: a duration
        gets a gradient by a gamma proportional to it (`devices/mtj/gradient.py`).
    """

    saturation_magnetization: Quantity
    damping: Quantity
    gamma: Quantity = units.GAMMA

    def __post_init__(self) -> None:
        require_positive("A/m", saturation_magnetization=self.saturation_magnetization)
        require_non_negative("", damping=self.damping)
        require_positive("rad/(s T)", gamma=self.gamma)


class Term:
    """What acts on a magnet. Subclasses are frozen dataclasses of SI quantities that broadcast over the batch."""

    ORDER: ClassVar[int] = 4
    """Place in the sum and among the drives: uniaxial 0, polarizers 1, external fields 2, cubic 3, currents in the
    texture 5, which must be last."""

    @property
    def drive(self) -> Drive | None:
        """What the term follows in time: the parameter that is a Drive."""
        return next((value for value in vars(self).values() if isinstance(value, Drive)), None)

    @property
    def couples(self) -> bool:
        """Whether cells feel each other by it, which needs a mesh."""
        return False

    def check(self, magnet: "Magnet") -> None:
        """Raise InputError where the term cannot act on this magnet."""

    def rows(self, magnet: "Magnet") -> list[torch.Tensor]:
        """The numbers that `act` needs, in the solvers' unit, differentiable: see `Magnet.rate_per_energy`."""
        return []

    @staticmethod
    def act(w: Components, m: Components, rows: Any, wave: Callable[[], Any]) -> Components:
        """W (rad/ns, `engine/rates.py`) with what the term adds, -gamma dE/dm / Ms of its energy.

        Straight-line arithmetic (+ - * /) on components: of w, of m, on rows[0], rows[1] ... and on wave(), the
        waveform of the drive at this instant, whose amplitude belongs into the rows.
        """
        return w

    def formula(self, magnet: "Magnet") -> Act:
        """The `act` that serves on this magnet."""
        return self.act

    def constant(self, magnet: "Magnet") -> Triple | None:
        """A part of W that does not depend on m, rad/ns."""
        return None

    def diagonal(self, magnet: "Magnet") -> Triple | None:
        """k of a part -k_c m_c of W, rad/ns."""
        return None


class FieldTerm(Term, ABC):
    """A term of the effective field: an energy density first, its field is -dE/dm / (mu0 Ms)."""

    @abstractmethod
    def energy(self, m: torch.Tensor, magnet: "Magnet", t: torch.Tensor) -> torch.Tensor:
        """Density in J/m^3 of the state m (3, *batch), on a mesh (3, *batch, nz, ny, nx), at the time t in s."""


class Torque(Term):
    """A torque that no energy gives."""


@dataclass(frozen=True)
class Magnet:
    """One free layer, or a batch of them: every parameter may be a tensor that broadcasts over the batch.

    volume: m^3, of a macrospin; it sets the thermal field and the total energy. mesh: instead of it, the grid on which
    the magnet is resolved in space; parameters may then differ from cell to cell, shape (*batch, nz, ny, nx), and one
    that differs between members only has shape (*batch, 1, 1, 1).
    geometry: on a mesh, bool (*batch, nz, ny, nx), True where there is material (None: everywhere). Outside m = 0.

    Raises InputError unless there is either a volume or a mesh, for an empty geometry or one of another shape, and for
    terms that need a mesh where there is none.
    """

    material: Material
    volume: Quantity | None = None
    fields: tuple[FieldTerm, ...] = ()
    torques: tuple[Torque, ...] = ()
    mesh: Mesh | None = None
    geometry: torch.Tensor | None = None

    def __post_init__(self) -> None:
        if (self.volume is None) == (self.mesh is None):
            raise InputError("a magnet has either a volume in m^3 (a macrospin) or a mesh; give one of them")
        if self.volume is not None:
            require_positive("m^3", volume=self.volume)
        spatial = [type(term).__name__ for term in (*self.fields, *self.torques) if term.couples]
        if self.mesh is None and spatial:
            raise InputError(
                f"{spatial[0]} couples cells and needs a mesh: Magnet(..., mesh=Mesh(cells, cell)); "
                "a macrospin takes Demagnetization(shape)"
            )
        if self.mesh is None and self.geometry is not None:
            raise InputError("a geometry needs a mesh: Magnet(..., mesh=Mesh(cells, cell), geometry=mask)")
        if self.mesh is not None and self.geometry is not None:
            shape, kind = self.geometry.shape, self.geometry.dtype
            if kind != torch.bool or shape[-3:] != self.mesh.shape:
                raise InputError(
                    f"geometry must be a bool tensor (*batch, nz, ny, nx) with the mesh's {self.mesh.shape} last, "
                    f"got {kind} {tuple(shape)}"
                )
            if not bool(self.geometry.flatten(-3).any(-1).all()):
                raise InputError(
                    "empty mask: the geometry leaves no cell in some member; enlarge it or refine the mesh"
                )
        for term in (*self.fields, *self.torques):
            term.check(self)

    @property
    def cell_volume(self) -> Quantity:
        """m^3 that one moment stands for: the macrospin's, or that of a cell, () or (*batch, 1, 1, 1)."""
        if self.mesh is not None:
            return self.mesh.cell_volume
        assert self.volume is not None
        return self.volume

    @property
    def rate_per_field(self) -> Quantity:
        """gamma mu0, rad/ns per A/m."""
        return self.material.gamma * units.MU0 * TIME_UNIT

    @property
    def rate_per_energy(self) -> torch.Tensor:
        """gamma / Ms, rad/ns per J/m^3: it turns -dE/dm into a part of W."""
        return self.material.gamma * TIME_UNIT / double(self.material.saturation_magnetization)

    def energies(self, m: torch.Tensor, t: float = 0.0) -> dict[str, torch.Tensor]:
        """Energy in J of each term by the name of its class, (*batch); terms of one class are added up."""
        if self.mesh is not None:
            self.mesh.require_state(m)
        time = torch.tensor(t, dtype=torch.float64)
        found: dict[str, torch.Tensor] = {}
        for term in self.fields:
            total = self._total(term.energy(m, self, time), m)
            name = type(term).__name__
            found[name] = found[name] + total if name in found else total
        return found

    def energy(self, m: torch.Tensor, t: float = 0.0) -> torch.Tensor:
        """Total energy in J of the state m (3, *batch) or (3, *batch, nz, ny, nx) at time t (s); shape (*batch)."""
        none = torch.zeros_like(m[0] if self.mesh is None else m[0, ..., 0, 0, 0])
        return sum(self.energies(m, t).values(), start=none)

    def terms(self) -> list[Term]:
        """Fields and torques in the order of the solvers."""
        return sorted((*self.fields, *self.torques), key=lambda term: term.ORDER)

    def drives(self) -> tuple[Drive, ...]:
        """Every drive, in the order in which the solvers number them."""
        return tuple(term.drive for term in self.terms() if term.drive is not None)

    def _total(self, density: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        density = density.expand(torch.broadcast_shapes(density.shape, m.shape[1:]))
        if self.mesh is None:
            return density * self.cell_volume
        if self.geometry is not None:
            density = torch.where(self.geometry, density, 0.0)
        return (density * self.cell_volume).sum((-3, -2, -1))
