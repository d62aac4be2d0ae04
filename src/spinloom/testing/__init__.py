"""Contract suites: what devices and layers of devices promise, as test classes that anybody's tests inherit."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
