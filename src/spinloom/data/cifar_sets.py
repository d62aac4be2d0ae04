"""CIFAR-10 and CIFAR-100, binary version, as files or as the official archive.

Nobody publishes digests of the two unpacked CIFAR-100 files; there the digest of the archive is checked.
"""

from spinloom.data.spec import DatasetSpec, Download, FileSpec

HOST = "https://www.cs.toronto.edu/~kriz/"
LICENCE = "none stated; its authors ask to be cited"
CITATION = "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, University of Toronto (2009)"
COUNTS = {"train": 50_000, "test": 10_000}
BATCH = 10_000 * (1 + 3 * 32 * 32)

OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FINE = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""
FINE_OBJECTS = tuple(_FINE.split())


def _download(name: str, size: int, md5: str) -> tuple[Download, ...]:
    return (Download(name, size, f"md5:{md5}", (f"{HOST}{name}",)),)


CIFAR10 = DatasetSpec(
    name="cifar10",
    title="CIFAR-10",
    layout="cifar",
    shape=(3, 32, 32),
    classes=OBJECTS,
    splits={
        "train": (
            FileSpec("data_batch_1.bin", BATCH, "md5:5dd7e06a14cb22eb9f671a540d1b7c25"),
            FileSpec("data_batch_2.bin", BATCH, "md5:5ea93a67294ea407fff1d09f752e9692"),
            FileSpec("data_batch_3.bin", BATCH, "md5:942cd6a4bcdd0dd3c604fbe906cb4421"),
            FileSpec("data_batch_4.bin", BATCH, "md5:ae636b3ba5c66a11e91e8cb52e771fcb"),
            FileSpec("data_batch_5.bin", BATCH, "md5:53f37980c15c3d472c316c40844f3f0d"),
        ),
        "test": (FileSpec("test_batch.bin", BATCH, "md5:803d5f7f4d78ea53de84dbe85f74fb6d"),),
    },
    folders=("cifar10", "cifar-10", ""),
    prefix="cifar-10-batches-bin",
    archive="cifar-10-binary.tar.gz",
    downloads=_download("cifar-10-binary.tar.gz", 170_052_171, "c32a1d4ab5d03f1284b67883e8d87530"),
    mean=(0.49140, 0.48216, 0.44653),
    std=(0.24703, 0.24349, 0.26159),
    licence=LICENCE,
    citation=CITATION,
    homepage=f"{HOST}cifar.html",
    counts=COUNTS,
)

CIFAR100 = DatasetSpec(
    name="cifar100",
    title="CIFAR-100 (fine labels)",
    layout="cifar",
    shape=(3, 32, 32),
    classes=FINE_OBJECTS,
    splits={
        "train": (FileSpec("train.bin", 50_000 * (2 + 3 * 32 * 32)),),
        "test": (FileSpec("test.bin", 10_000 * (2 + 3 * 32 * 32)),),
    },
    folders=("cifar100", "cifar-100", ""),
    prefix="cifar-100-binary",
    archive="cifar-100-binary.tar.gz",
    label_bytes=2,
    downloads=_download("cifar-100-binary.tar.gz", 168_513_733, "03b5dce01913d631647c71ecec9e9cb8"),
    mean=(0.50708, 0.48655, 0.44092),
    std=(0.26733, 0.25644, 0.27615),
    licence=LICENCE,
    citation=CITATION,
    homepage=f"{HOST}cifar.html",
    counts=COUNTS,
)
