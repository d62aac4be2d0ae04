"""Magnetisation dynamics: fields, torques, thermal noise, steppers.

`Magnet` collects what acts on a free layer, `simulate` runs a batch of them. A state is a tensor (3, *batch),
components first. A mesh ends its batch with the space axes (nz, ny, nx); a macrospin is one cell and may omit them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
