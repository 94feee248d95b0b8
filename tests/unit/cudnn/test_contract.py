"""Every kernel of the engine keeps to the contract, with cuDNN interpreted."""

from __future__ import annotations

import pytest

from caffe_core import registry
from caffe_core.device import device
from caffe_core.testing import contract
from caffe_core.testing.bench import RefusalError
from caffe_core.testing.emulation import compiler

if compiler() is None:
    pytest.skip("needs g++", allow_module_level=True)

NAMES = [name for name in registry.kernels("cuda").names() if name.endswith(".cudnn")]
SETTINGS = [
    setting
    for name in NAMES
    for setting in contract.settings(
        name.partition(".")[0],
        kernels=[registry.kernels("cuda")[name]],
        device=device("emulated"),
    )
    if setting.dtype == "float32"
]


@pytest.mark.parametrize("setting", SETTINGS, ids=[f"{s.type_name}-{s.id}" for s in SETTINGS])
def test_contract(library, setting):
    try:
        found = contract.violations(setting)
    except RefusalError as refusal:
        pytest.skip(str(refusal))
    assert not found, "\n".join(map(str, found))
    assert library.module.ran
