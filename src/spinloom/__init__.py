"""Spinloom: neural networks made of spintronic and memristive devices.

    import spinloom as sl

gives what most programs begin with; the rooms (`sl.devices`, `sl.nn`, ...) hold the rest. Each is loaded when it is
first used.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
