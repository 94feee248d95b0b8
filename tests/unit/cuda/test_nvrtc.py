"""NVIDIA's compiler takes the CUDA C of every kernel and update rule, for both element types."""

from __future__ import annotations

import re

import numpy as np
import pytest

from caffe_core import registry
from caffe_core.cuda.mean_loss import MeanLoss
from caffe_core.cuda.source import Source
from caffe_core.errors import DeviceError
from caffe_core.testing import nvrtc

ARCHITECTURES = ("sm_80", "sm_90")
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

pytestmark = pytest.mark.skipif(
    nvrtc.library() is None, reason="needs NVRTC: pip install nvidia-cuda-nvrtc-cu12"
)


def sources():
    """The CUDA C of every plugin, and what the core has for several, each once."""
    registries = (registry.kernels("cuda"), registry.solver_kernels("cuda"))
    plugins = [known[name] for known in registries for name in known]
    plugins += [MeanLoss]
    found = {plugin.source: None for plugin in plugins if hasattr(plugin, "source")}
    return sorted(found, key=lambda source: source.name)


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_compiles(source, architecture):
    single = nvrtc.compile_ptx(source, FLOAT32, architecture)
    double = nvrtc.compile_ptx(source, FLOAT64, architecture)
    for name in source.functions:
        assert f".entry {name}(" in single
        assert f".entry {name}(" in double
    if "double" not in source.text:
        wide = re.findall(r".*\.f64.*", single)
        assert not wide, f"write Real(0.5), not 0.5: float computes in double: {wide[0].strip()}"


def test_what_does_not_compile_says_where():
    broken = Source("broken.cu", "KERNEL forward(int n, Real* y) {\n  FOR_EACH(i, n) y[j] = 0;\n}")
    with pytest.raises(DeviceError, match=r'broken.cu\(2\): error: identifier "j" is undefined'):
        nvrtc.compile_ptx(broken, FLOAT32, "sm_90")
