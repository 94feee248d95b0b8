"""Every CUDA kernel keeps to the contract, its CUDA C compiled for the CPU."""

from __future__ import annotations

import pytest

from caffe_core import registry
from caffe_core.testing import contract
from caffe_core.testing.emulation import compiler

ON_CUDA = sorted({name.partition(".")[0] for name in registry.kernels("cuda").names()})

if compiler() is None:
    pytest.skip("needs g++", allow_module_level=True)

test_contract_emulated = contract.suite(*ON_CUDA, device="emulated")
