"""Data sets: found where they already are, fetched with checksums where not, read in their official formats.

Places in order: SPINLOOM_DATA, the user's cache (SPINLOOM_CACHE), /usr/share/datasets. A `DatasetSpec` of your own
reads your data in one of the official formats.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
