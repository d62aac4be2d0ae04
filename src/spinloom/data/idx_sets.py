"""Fashion-MNIST and MNIST: the four IDX files of each, as published.

The sha256 digests are of the unpacked files, computed from originals whose packed md5 is the published one:
distributions pack these files again, so only the content can be compared.
"""

from spinloom.data.spec import DatasetSpec, Download, FileSpec

DIGITS = tuple("0123456789")
GARMENTS = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")  # fmt: skip # noqa: E501
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")  # fmt: skip # noqa: E501
SIZES = (47_040_016, 60_008, 7_840_016, 10_008)
COUNTS = {"train": 60_000, "test": 10_000}


def _splits(digests: tuple[str, ...]) -> dict[str, tuple[FileSpec, ...]]:
    files = [FileSpec(*row) for row in zip(NAMES, SIZES, digests, strict=True)]
    return {"train": tuple(files[:2]), "test": tuple(files[2:])}


def _downloads(packed: tuple[tuple[int, str], ...], *mirrors: str) -> tuple[Download, ...]:
    return tuple(
        Download(f"{name}.gz", size, f"md5:{md5}", tuple(f"{mirror}{name}.gz" for mirror in mirrors))
        for name, (size, md5) in zip(NAMES, packed, strict=True)
    )


FASHION_MNIST = DatasetSpec(
    name="fashion-mnist",
    title="Fashion-MNIST",
    layout="idx",
    shape=(1, 28, 28),
    classes=GARMENTS,
    splits=_splits(
        (
            "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        )
    ),
    folders=("fashion-mnist", "FashionMNIST/raw"),
    downloads=_downloads(
        (
            (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
            (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
            (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    mean=(0.28604,),
    std=(0.35302,),
    licence="MIT",
    citation="H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747 (2017)",
    homepage="https://github.com/zalandoresearch/fashion-mnist",
    counts=COUNTS,
)

MNIST = DatasetSpec(
    name="mnist",
    title="MNIST",
    layout="idx",
    shape=(1, 28, 28),
    classes=DIGITS,
    splits=_splits(
        (
            "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        )
    ),
    folders=("mnist", "MNIST/raw"),
    downloads=_downloads(
        (
            (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
            (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
            (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
            (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
        ),
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    mean=(0.13066,),
    std=(0.30811,),
    licence="none stated with the files; commonly given as CC BY-SA 3.0",
    citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Proc. IEEE 86, 2278 (1998)",
    homepage="http://yann.lecun.com/exdb/mnist/",
    counts=COUNTS,
)
