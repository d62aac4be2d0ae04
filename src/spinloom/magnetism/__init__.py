"""Magnetisation dynamics: fields, torques, thermal noise, steppers.

`Magnet` collects what acts on a free layer, `simulate` runs a batch of them. A state is a tensor (3, *batch),
components first. A mesh ends its batch with the space axes (nz, ny, nx); a macrospin is one cell and may omit them.
"""

from spinloom.magnetism.drives import Constant, Drive, Pulse, Sampled, Sine, Sum
from spinloom.magnetism.dynamics import Trajectory, simulate
from spinloom.magnetism.fields import Applied, Demagnetization, Interlayer, Uniaxial
from spinloom.magnetism.magnet import Magnet
from spinloom.magnetism.material import Material
from spinloom.magnetism.shapes import Cuboid, Ellipsoid, EllipticCylinder, Shape
from spinloom.magnetism.torques import SpinOrbit, SpinTransfer
from spinloom.magnetism.vectors import from_angles

__all__ = [
    "Applied",
    "Constant",
    "Cuboid",
    "Demagnetization",
    "Drive",
    "Ellipsoid",
    "EllipticCylinder",
    "Interlayer",
    "Magnet",
    "Material",
    "Pulse",
    "Sampled",
    "Shape",
    "Sine",
    "SpinOrbit",
    "SpinTransfer",
    "Sum",
    "Trajectory",
    "Uniaxial",
    "from_angles",
    "simulate",
]
