"""Settings of the whole suite."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

settings.register_profile("spinloom", deadline=None)  # a test fails by what it finds, never by the machine's speed
settings.load_profile("spinloom")


@pytest.fixture
def two_threads() -> Iterator[None]:
    """PyTorch on two threads, whatever the suite runs with: large loops then take all cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
