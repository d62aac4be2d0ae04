"""Magnetisation dynamics: fields, torques, thermal noise, steppers.

`Magnet` collects what acts on a free layer, `simulate` runs a batch of them. A state is a tensor (3, *batch),
components first. A mesh ends its batch with the space axes (nz, ny, nx); a macrospin is one cell and may omit them.
"""

from spinloom.magnetism.dmi import BulkDMI, InterfacialDMI
from spinloom.magnetism.drives import Constant, Drive, Pulse, Sampled, Sine, Sum
from spinloom.magnetism.dynamics import Trajectory, simulate
from spinloom.magnetism.exchange import Exchange, InterlayerExchange
from spinloom.magnetism.fields import Applied, Cubic, Demagnetization, Interlayer, Oersted, Uniaxial
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.material import Material
from spinloom.magnetism.mesh import Mesh
from spinloom.magnetism.shapes import Cuboid, Ellipsoid, EllipticCylinder, Shape
from spinloom.magnetism.torques import SpinOrbit, SpinTransfer, ZhangLi
from spinloom.magnetism.vectors import from_angles

__all__ = [
    "Applied",
    "BulkDMI",
    "Constant",
    "Cubic",
    "Cuboid",
    "Demagnetization",
    "Drive",
    "Ellipsoid",
    "EllipticCylinder",
    "Exchange",
    "InterfacialDMI",
    "Interlayer",
    "InterlayerExchange",
    "Magnet",
    "Material",
    "Mesh",
    "Oersted",
    "Pulse",
    "Sampled",
    "Shape",
    "Sine",
    "SpinOrbit",
    "SpinTransfer",
    "Sum",
    "Trajectory",
    "Uniaxial",
    "ZhangLi",
    "from_angles",
    "simulate",
]
