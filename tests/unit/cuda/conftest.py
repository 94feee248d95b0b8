"""What the tests of CUDA share."""

from __future__ import annotations

import pytest

from caffe_core.device import device
from caffe_core.testing.emulation import compiler


@pytest.fixture
def emulated():
    """A CUDA device that runs on the CPU."""
    if compiler() is None:
        pytest.skip("needs g++")
    return device("emulated")
