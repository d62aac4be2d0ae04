"""Data sets: found where they already are, fetched with checksums where not, read in their official
formats.

    load(name, split, limit=, seed=, download=)  -> ImageSet          one split
    load_spectra(name, split, download=)         -> SpectraSet        one split of a set of spectra
    load_pair(name, train_limit=, test_limit=)   -> (ImageSet, ImageSet)
    resolve("auto")                              -> Choice(name, reason), never the network
    status()                                     -> [Status]          what `spinloom data list` shows
    fetch(name, progress=)                       -> Found             what `spinloom data fetch` does
    names(), find(name)                          -> names and specifications of the catalogue
    DatasetSpec, FileSpec, Download              your own data set in one of the official formats
    DATA_VARIABLE, CACHE_VARIABLE                the environment variables SPINLOOM_DATA and SPINLOOM_CACHE

Places in order: SPINLOOM_DATA, the user's cache (SPINLOOM_CACHE), /usr/share/datasets.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
