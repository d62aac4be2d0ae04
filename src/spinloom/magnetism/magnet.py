"""A magnet: material, volume or mesh, terms of its effective field, torques on it."""

from dataclasses import dataclass

import torch

from spinloom.errors import InputError, require_positive
from spinloom.magnetism.drives import Drive, Quantity
from spinloom.magnetism.exchange import Exchange, InterlayerExchange
from spinloom.magnetism.fields import Applied, Demagnetization, FieldTerm, Oersted, Uniaxial
from spinloom.magnetism.links import LinkTerm
from spinloom.magnetism.material import Material
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.torques import SpinOrbit, SpinTransfer, Torque, ZhangLi


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
        if self.mesh is None:
            self._require_no_space()
        elif self.geometry is not None:
            _require_geometry(self.geometry, self.mesh)
        self._require_room()

    @property
    def cell_volume(self) -> Quantity:
        """m^3 that one moment stands for: the macrospin's, or that of a cell, () or (*batch, 1, 1, 1)."""
        if self.mesh is not None:
            return self.mesh.cell_volume
        assert self.volume is not None
        return self.volume

    def energies(self, m: torch.Tensor, t: float = 0.0) -> dict[str, torch.Tensor]:
        """Energy in J of each term by the name of its class, (*batch); terms of one class are added up."""
        if self.mesh is not None and m.shape[-3:] != self.mesh.shape:
            raise InputError(
                f"a state on this mesh must have shape (3, *batch, nz, ny, nx) with {self.mesh.shape} last, "
                f"got {tuple(m.shape)}"
            )
        time = torch.tensor(t, dtype=torch.float64)
        found: dict[str, torch.Tensor] = {}
        for term in self.fields:
            total = self._total(term.energy(m, self, time), m)
            name = type(term).__name__
            found[name] = found[name] + total if name in found else total
        return found

    def energy(self, m: torch.Tensor, t: float = 0.0) -> torch.Tensor:
        """Total energy in J of the state m (3, *batch) or (3, *batch, nz, ny, nx) at time t (s); shape (*batch)."""
        total = torch.zeros_like(m[0] if self.mesh is None else m[0, ..., 0, 0, 0])
        for part in self.energies(m, t).values():
            total = total + part
        return total

    def drives(self) -> tuple[Drive, ...]:
        """Every drive, in the order in which the solvers number them: voltages, currents of the polarizers, fields,
        currents of the Zhang-Li torques."""
        voltages = [term.voltage for term in self.fields if isinstance(term, Uniaxial)]
        currents = [torque.current_density for torque in self.polarizers]
        applied = [term.drive for term in self.fields if isinstance(term, Applied | Oersted)]
        return (*voltages, *currents, *applied, *(torque.current_density for torque in self.in_plane_currents))

    @property
    def polarizers(self) -> list[SpinTransfer | SpinOrbit]:
        """Torques of a fixed polarizer: spin-transfer and spin-orbit."""
        return [torque for torque in self.torques if not isinstance(torque, ZhangLi)]

    @property
    def in_plane_currents(self) -> list[ZhangLi]:
        """Torques of a current that flows through the texture itself."""
        return [torque for torque in self.torques if isinstance(torque, ZhangLi)]

    def _total(self, density: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
        density = density.expand(torch.broadcast_shapes(density.shape, m.shape[1:]))
        if self.mesh is None:
            return density * self.cell_volume
        if self.geometry is not None:
            density = torch.where(self.geometry, density, 0.0)
        return (density * self.cell_volume).sum((-3, -2, -1))

    def _require_no_space(self) -> None:
        spatial = [type(term).__name__ for term in (*self.fields, *self.torques) if _couples(term)]
        if spatial:
            raise InputError(
                f"{spatial[0]} couples cells and needs a mesh: Magnet(..., mesh=Mesh(cells, cell)); "
                "a macrospin takes Demagnetization(shape)"
            )
        if self.geometry is not None:
            raise InputError("a geometry needs a mesh: Magnet(..., mesh=Mesh(cells, cell), geometry=mask)")

    def _require_room(self) -> None:
        exchange = [term for term in self.fields if isinstance(term, Exchange)]
        if len(exchange) > 1:
            raise InputError(f"one Exchange term is needed at most, got {len(exchange)}; add their constants")
        for term in self.fields:
            if isinstance(term, LinkTerm) and not isinstance(term, Exchange | InterlayerExchange) and not exchange:
                raise InputError(f"{type(term).__name__} needs an Exchange term: its edge condition holds D / A")
            if isinstance(term, InterlayerExchange) and self.mesh and term.upper >= self.mesh.cells[2]:
                raise InputError(
                    f"InterlayerExchange couples layers {term.lower} and {term.upper}, the mesh has layers 0 to "
                    f"{self.mesh.cells[2] - 1}"
                )


def _couples(term: object) -> bool:
    return isinstance(term, LinkTerm | ZhangLi) or (isinstance(term, Demagnetization) and term.shape is None)


def _require_geometry(geometry: torch.Tensor, mesh: Mesh) -> None:
    if geometry.dtype != torch.bool or geometry.shape[-3:] != mesh.shape:
        raise InputError(
            f"geometry must be a bool tensor (*batch, nz, ny, nx) with the mesh's {mesh.shape} last, "
            f"got {geometry.dtype} {tuple(geometry.shape)}"
        )
    if not bool(geometry.flatten(-3).any(-1).all()):
        raise InputError("empty mask: the geometry leaves no cell in some member; enlarge it or refine the mesh")
