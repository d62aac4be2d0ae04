"""What stands on a mesh: masks of material, grains, and magnetisation textures to start from or to be found again."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
