"""Compiled kernels against the plain functions, and life without a compiler."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from populations import population

from spinloom.nn import DeviceActivation, kernels
from spinloom.nn.compiled import Fused
from spinloom.nn.noise import read_key


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("shape", [(2, 3), (3, 1001), (129, 65), (70, 5000)])
def test_compiled_equals_plain(shape, shared):
    layer = DeviceActivation(population(), sharing="shared" if shared else "unit")
    x = 2 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    layer(x)
    key = torch.tensor(read_key(1, 2), dtype=torch.int32)
    tables = (layer._rows, layer.curves, layer.grid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without a compiler both are the plain function
        for kernel, rest in ((kernels.value_slope, tables), (kernels.noisy_value_slope, (*tables, layer.noise, key))):
            for fast, plain in zip(Fused(kernel)(x, *rest), kernel(x, *rest), strict=True):
                torch.testing.assert_close(fast, plain, atol=2e-6, rtol=1e-5)


def test_without_a_compiler_it_warns_once_and_computes(tmp_path):
    program = """
import torch, warnings
from populations import population
from spinloom.nn import DeviceActivation
layer = DeviceActivation(population(noise=0.0), sharing="shared")
x = torch.linspace(-2, 2, 40).reshape(4, 10)
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    layer(x), layer(x), layer(x)
print(sum("uncompiled" in str(w.message) for w in seen), float((layer(x) - torch.tanh(x)).abs().max()) < 0.3)
"""
    missing = {"CXX": str(tmp_path / "no-compiler"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    environment = os.environ | missing | {"PYTHONPATH": str(Path(__file__).parent)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=200)
    assert run.stdout.split() == ["1", "True"], run.stderr
