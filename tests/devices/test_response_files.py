import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import save as to_bytes
from test_response import response

from spinloom.devices import Response, load_response, save_response
from spinloom.errors import InputError, OutputError

shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
finite = {"allow_nan": False, "allow_infinity": False, "width": 32}


@st.composite
def responses(draw):
    dtype = draw(st.sampled_from(["float32", "float64"]))
    devices, points = draw(st.integers(1, 4)), draw(st.integers(2, 6))
    drive = sorted(draw(st.sets(st.floats(-1e6, 1e6, width=32), min_size=points, max_size=points)))
    curves = [
        torch.from_numpy(draw(arrays(dtype, (devices, points), elements=st.floats(low, 2, **finite))))
        for low in (-2, -2, 0)
    ]
    return Response(
        torch.tensor(drive, dtype=getattr(torch, dtype)),
        *curves,
        unit_drive=max(abs(drive[0]), abs(drive[-1])) * draw(st.floats(1e-4, 50)),
        drive_unit=draw(st.sampled_from(["A", "A/m^2", "V", "A/m", "T"])),
        metadata=draw(st.dictionaries(st.text(), st.text(), max_size=3)),
    )


def assert_same(one: Response, other: Response):
    for name in ("drive", "value", "slope", "noise", "slope_noise"):
        assert getattr(one, name).dtype == getattr(other, name).dtype
        assert torch.equal(getattr(one, name), getattr(other, name))
    assert (one.unit_drive, one.drive_unit) == (other.unit_drive, other.drive_unit)
    assert dict(one.metadata) == dict(other.metadata)


@given(original=responses())
@shared_folder
def test_a_response_comes_back_bit_for_bit(tmp_path, original):
    save_response(tmp_path / "device.safetensors", original)
    assert_same(load_response(tmp_path / "device.safetensors"), original)


def test_views_shared_tensors_and_gradients_can_be_saved(tmp_path):
    shared = response().value.mean(0, keepdim=True).requires_grad_().expand(4, -1)
    original = response(value=shared, slope=shared, noise=shared.abs())
    save_response(tmp_path / "device.safetensors", original)
    assert_same(load_response(tmp_path / "device.safetensors"), original)


@pytest.fixture(scope="module")
def saved() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_response(Path(folder) / "device.safetensors", response())
        return (Path(folder) / "device.safetensors").read_bytes()


def assert_refused(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_response(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@given(data=st.data())
@settings(parent=shared_folder, max_examples=300)
def test_any_flipped_bit_is_found(tmp_path, saved, data):
    content = bytearray(saved)
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert_refused(tmp_path / "flipped.safetensors", bytes(content))


def test_a_flipped_bit_that_means_the_same_number_is_found(tmp_path, saved):
    assert saved.count(b"2e-05") == 1
    assert_refused(tmp_path / "flipped.safetensors", saved.replace(b"2e-05", b"2E-05"))


@given(data=st.data())
@shared_folder
def test_any_cut_is_found(tmp_path, saved, data):
    assert_refused(tmp_path / "cut.safetensors", saved[: data.draw(st.integers(0, len(saved) - 1))])


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "is not a Spinloom response"),
        ("[]", "is not a Spinloom response"),
        ('{"format": "weights"}', "is not a Spinloom response"),
        ('{"format": "spinloom-response", "version": 3}', "version 3, this Spinloom reads 1 to 2"),
        ('{"format": "spinloom-response", "version": 1}', "checksum differs"),
        ("{", "truncated, damaged"),
    ],
)
def test_other_headers_are_refused(tmp_path, header, message):
    tensors = {name: getattr(response(), name) for name in ("drive", "value", "slope", "noise")}
    path = tmp_path / "other.safetensors"
    path.write_bytes(to_bytes(tensors, metadata=None if header is None else {"spinloom": header}))
    with pytest.raises(InputError, match=message):
        load_response(path)


def test_other_tensors_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    header = json.dumps({"format": "spinloom-response", "version": 1})
    path.write_bytes(to_bytes({"weight": torch.zeros(3)}, metadata={"spinloom": header}))
    with pytest.raises(InputError, match=r"holds \['weight'\], expected \['drive', 'noise', 'slope', 'value'\]"):
        load_response(path)


@pytest.mark.parametrize("name", ["absent.safetensors", "."])
def test_no_file_is_one_line(tmp_path, name):
    with pytest.raises(InputError) as caught:
        load_response(tmp_path / name)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*device\.safetensors"):
        save_response(tmp_path / "file" / "device.safetensors", response())


FULL_DISK = """
import resource, signal, sys
from dataclasses import replace
from spinloom.devices import load_response, save_response
from spinloom.errors import OutputError
response = load_response(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # stands for the full disk
try:
    save_response(sys.argv[1], replace(response, unit_drive=1e-5))
except OutputError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "device.safetensors"
    save_response(path, response())
    before = path.read_bytes()
    command = [sys.executable, "-B", "-c", FULL_DISK, str(path)]  # -B: or compiled code is cut off too
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"cannot write {path}" in printed
    assert printed.count("\n") == 1
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_the_noise_of_both_reads_comes_back_and_files_of_version_1_are_read(tmp_path):
    noisy = response().with_read_noise(0.02, 0.05)
    save_response(tmp_path / "new.safetensors", noisy)
    assert_same(load_response(tmp_path / "new.safetensors"), noisy)
    tensors = {name: getattr(noisy, name) for name in ("drive", "value", "slope", "noise")}
    header = {"format": "spinloom-response", "version": 1, "unit_drive": noisy.unit_drive}
    header |= {"drive_unit": noisy.drive_unit, "metadata": dict(noisy.metadata)}
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name, tensor in tensors.items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    text = json.dumps({**header, "sha256": digest.hexdigest()})
    (tmp_path / "old.safetensors").write_bytes(to_bytes(tensors, metadata={"spinloom": text}))
    old = load_response(tmp_path / "old.safetensors")
    assert torch.equal(old.noise, noisy.noise)
    assert not bool(old.slope_noise.any())
