"""PyTorch modules that compute with device responses, and the move of trained networks onto them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
