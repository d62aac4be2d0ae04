import gzip
import hashlib
import resource
import socket
import sys
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tiny_sets import idx_contents, idx_spec, write_idx

from spinloom.data import Download, fetch, load_images
from spinloom.data.places import cache_folder
from spinloom.errors import InputError, OutputError


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The folder that a server on this machine serves, and its address."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = write_idx(tmp_path / "served")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def closed(monkeypatch):
    """An address where nobody listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def downloads(folder, *hosts):
    return tuple(
        Download(
            f"{name}.gz",
            (folder / f"{name}.gz").stat().st_size,
            f"md5:{hashlib.md5((folder / f'{name}.gz').read_bytes()).hexdigest()}",
            tuple(f"{host}/{name}.gz" for host in hosts),
        )
        for name in idx_contents()
    )


def left_behind():
    return sorted(path.name for path in cache_folder().rglob("*") if path.is_file())


@pytest.mark.parametrize("progress", [True, False])
def test_a_fetch_fills_the_cache_and_load_reads_it(served, progress, capsys):
    folder, host = served
    spec = idx_spec(downloads=downloads(folder, host))
    with pytest.raises(InputError, match="spinloom data fetch tiny-idx"):
        load_images(spec, "test")
    found = fetch(spec, progress=progress)
    assert found.kind == "the cache"
    assert left_behind() == sorted(f"{name}.gz" for name in idx_contents())
    assert len(load_images(spec, "test")) == 6
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ("train-images.gz" in shown.err) == progress


def test_load_downloads_when_asked(served):
    folder, host = served
    assert len(load_images(idx_spec(downloads=downloads(folder, host)), "train", download=True)) == 9


def test_mirrors_are_tried_in_turn(served, closed):
    folder, host = served
    spec = idx_spec(downloads=downloads(folder, closed, f"{host}/no/such/folder", host))
    assert fetch(spec, progress=False).kind == "the cache"


def test_without_network_the_error_names_every_source_and_the_way_round(served, closed):
    folder, host = served
    spec = idx_spec(downloads=downloads(folder, closed, f"{host}/nowhere"))
    with pytest.raises(InputError) as caught:
        fetch(spec, progress=False)
    message = str(caught.value)
    assert f"{closed}/train-images.gz: no connection" in message
    assert f"{host}/nowhere/train-images.gz: 404" in message
    assert "SPINLOOM_DATA" in message
    assert "\n" not in message
    assert left_behind() == []


def test_a_mirror_that_serves_other_bytes_is_refused_and_leaves_nothing(served):
    folder, host = served
    spec = idx_spec(downloads=downloads(folder, host))
    (folder / "train-images.gz").write_bytes(gzip.compress(b"<html>please log in</html>"))
    with pytest.raises(InputError, match="checksum differs"):
        fetch(spec, progress=False)
    assert left_behind() == []


def test_a_damaged_file_in_the_cache_is_fetched_again(served):
    folder, host = served
    spec = idx_spec(downloads=downloads(folder, host))
    cached = fetch(spec, progress=False).path / "train-labels.gz"
    cached.write_bytes(cached.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"train-labels\.gz is truncated"):
        load_images(spec, "train")
    fetch(spec, progress=False)
    assert len(load_images(spec, "train")) == 9


def test_only_what_is_missing_is_fetched(served, closed):
    folder, host = served
    fetch(idx_spec(downloads=downloads(folder, host)), progress=False)
    assert fetch(idx_spec(downloads=downloads(folder, closed)), progress=False).kind == "the cache"


def test_a_local_copy_is_verified_not_fetched(data_root, served, closed):
    spec = idx_spec(downloads=downloads(served[0], closed))
    folder = write_idx(data_root / "tiny-idx")
    assert fetch(spec, progress=False).path == folder
    (folder / "test-images.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"test-images\.gz is truncated"):
        fetch(spec, progress=False)


def test_a_cache_that_cannot_be_written_is_one_line(served, tmp_path, monkeypatch):
    folder, host = served
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("SPINLOOM_CACHE", str(tmp_path / "a file"))
    with pytest.raises(OutputError, match=r"cannot write .*SPINLOOM_CACHE"):
        fetch(idx_spec(downloads=downloads(folder, host)), progress=False)


def test_a_set_without_download_says_so():
    with pytest.raises(InputError, match="'tiny-idx' has no download"):
        fetch(replace(idx_spec(), downloads=()), progress=False)


def test_a_disk_that_is_full_leaves_nothing_and_says_so(served, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # or compiled code is cut off too, and left to be imported
    folder, host = served
    spec = idx_spec(downloads=downloads(folder, host))
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, most))  # stands for the full disk
    try:
        with pytest.raises(OutputError, match=r"cannot write .*; free space or set SPINLOOM_CACHE"):
            fetch(spec, progress=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert left_behind() == []
