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

from spinloom.data.catalogue import find, names
from spinloom.data.download import fetch
from spinloom.data.imageset import ImageSet
from spinloom.data.loaders import Choice, Status, load, load_pair, resolve, status
from spinloom.data.places import CACHE_VARIABLE, DATA_VARIABLE, Found
from spinloom.data.spec import DatasetSpec, Download, FileSpec
from spinloom.data.spectra import SpectraSet, load_spectra

__all__ = [
    "CACHE_VARIABLE",
    "DATA_VARIABLE",
    "Choice",
    "DatasetSpec",
    "Download",
    "FileSpec",
    "Found",
    "ImageSet",
    "SpectraSet",
    "Status",
    "fetch",
    "find",
    "load",
    "load_pair",
    "load_spectra",
    "names",
    "resolve",
    "status",
]
