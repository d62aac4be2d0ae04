"""The name of kept work changes with its source, its arguments and all that they are made of, and with nothing else."""

import sys

import pytest
import torch

from spinloom import identity
from spinloom.data import ImageSet
from spinloom.errors import InputError


def written(folder, source, monkeypatch, name="experiment"):
    """A module of the user's with this source, as another process would find it."""
    (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, name, raising=False)
    identity.package.cache_clear()
    return __import__(name)


def test_work_is_named_by_its_source_and_arguments(tmp_path, monkeypatch):
    source, found = "RATE = {}\ndef work(x):\n    return helper(x)\ndef helper(x):\n    return RATE * x\n", []
    for number, rate in enumerate((2, 2, 3)):
        folder = tmp_path / str(number)
        folder.mkdir()
        work = written(folder, source.format(rate), monkeypatch).work
        found.append([identity.of(work, x=1, y=torch.ones(2)), identity.of(work, y=torch.ones(2), x=1)])
        assert identity.of(work, x=2) != identity.of(work, x=1) != identity.of(work, y=1)
    assert found[0] == found[1]
    assert not {*found[0]} & {*found[2]}
    assert len({*found[0]}) == 1


def test_a_changed_file_anywhere_in_a_package_gives_another_name(tmp_path, monkeypatch):
    folder = tmp_path / "mine" / "deep"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for content in ("a = 1", "a = 2", "a = 1"):
        (folder / "inner.py").write_text(content)
        identity.package.cache_clear()
        found.append(identity.package("mine"))
    assert found[0] == found[2] != found[1]
    assert len(identity.package()) == 64


def test_a_package_that_is_not_there_is_named():
    with pytest.raises(InputError, match="there is no package 'nowhere'"):
        identity.package("nowhere")


def test_what_cannot_be_named_is_refused():
    with pytest.raises(InputError, match=r"<generator .* cannot be named"):
        identity.digest({"rows": list("ab"), "more": (x for x in "ab")})


def test_images_count_and_not_where_they_were_read():
    images = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    given = {"name": "toy", "split": "train", "labels": torch.tensor([0, 1]), "classes": ("a", "b")}
    one, moved, other = (
        ImageSet(images=images + value, source=source, **given)
        for value, source in ((0, "here"), (0, "there"), (1, "here"))
    )
    assert identity.digest(one) == identity.digest(moved) != identity.digest(other)
