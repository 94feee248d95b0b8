"""Every kernel of the engine keeps to the contract, with cuDNN interpreted and on a GPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
from caffe_engine_cudnn.library import libraries

from caffe_core import registry
from caffe_core.testing import contract
from caffe_core.testing.bench import RefusalError

KERNELS = {
    name.partition(".")[0]: registry.kernels("cuda")[name]
    for name in registry.kernels("cuda").names()
    if name.endswith(".cudnn")
}
ASKED_FOR = [  # what the kernel takes if the layer wants it
    replace(case, params=f"{case.params.removesuffix('}')} engine: CUDNN }}")
    for case in contract.cases_of(registry.layers["Pooling"])
]


def settings(layer_type, cases=None):
    found = contract.settings(layer_type, kernels=[KERNELS[layer_type]], cases=cases)
    return [setting for setting in found if setting.dtype == "float32"]


SETTINGS = {
    f"{word}{layer_type}-{setting.id}": setting
    for word, layer_type, cases in (
        *(("", layer_type, None) for layer_type in KERNELS),
        ("asked-", "Pooling", ASKED_FOR),
    )
    for setting in settings(layer_type, cases)
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_contract(place, setting):
    try:
        found = contract.violations(replace(setting, device=place))
    except RefusalError as refusal:
        pytest.skip(str(refusal))
    assert not found, "\n".join(map(str, found))
    assert getattr(libraries[place].module, "ran", True)
