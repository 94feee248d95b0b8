"""Every installed layer keeps to the contract, on every kernel and every case it comes with."""

from __future__ import annotations

from caffe_core import registry
from caffe_core.testing import contract

test_contract = contract.suite(*registry.layers.names())
