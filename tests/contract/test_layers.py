"""Every installed layer keeps to the contract, on every kernel and every case it comes with."""

from __future__ import annotations

import pytest

from caffe_core import registry
from caffe_core.testing import contract

test_contract = contract.suite(*registry.layers.names())

ON_CUDA = sorted({name.partition(".")[0] for name in registry.kernels("cuda").names()})
if ON_CUDA:
    test_contract_on_cuda = pytest.mark.cuda(contract.suite(*ON_CUDA, device="cuda"))
