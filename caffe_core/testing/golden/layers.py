"""Golden cases of one layer."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.testing.golden import feed
from caffe_core.testing.golden.case import GoldenCase
from caffe_core.testing.golden.compare import Comparison
from caffe_core.testing.golden.needs import layers_of

_UNDER_TEST = "layer"
_LEVELS = 2


def run_layer(case: GoldenCase, net_options: dict[str, Any]) -> Comparison:
    """Run a layer forward and backward as often as the case says, and compare."""
    comparison = Comparison(_allowed_levels(case))
    with Net(case.prototxt, Phase[case.text("phase")], **net_options) as net:
        feed.set_memory_data(net, case)
        feed.set_params(net, _of_layer(case.each("param")))
        _run_forward(net, case, comparison)
        _run_backward(net, case, comparison)
    _compare_file(case, comparison)
    return comparison


def _run_forward(net: Net, case: GoldenCase, comparison: Comparison) -> None:
    passes = case.number("nforward", 1)
    for index in range(passes):
        feed.set_blobs(net, feed.at_pass(case.each("in"), index, passes))
        net.forward()
        expected = feed.at_pass(case.each("out"), index, passes)
        comparison.arrays("out", feed.blob_data(net), expected)
    comparison.arrays("param_after", feed.param_data(net), _of_layer(case.each("param_after")))


def _run_backward(net: Net, case: GoldenCase, comparison: Comparison) -> None:
    net.clear_param_diffs()
    for _ in range(case.number("nbackward")):
        feed.set_top_diffs(net, case.each("topdiff"))
        net.backward()
    comparison.arrays("bottomdiff", feed.blob_diffs(net), case.each("bottomdiff"))
    comparison.arrays("paramdiff", feed.param_diffs(net), _of_layer(case.each("paramdiff")))


def _of_layer(values: dict[str, Any]) -> dict[str, Any]:
    return {f"{_UNDER_TEST}:{index}": value for index, value in values.items()}


def _compare_file(case: GoldenCase, comparison: Comparison) -> None:
    """Compare what HDF5Output wrote; the file is complete once the net is closed."""
    expected = case.each("h5")
    if not expected:
        return
    h5py = importlib.import_module("h5py")
    with h5py.File(Path("out.h5"), "r") as file:
        comparison.arrays("h5", {name: file[name][...] for name in file}, expected)


def _allowed_levels(case: GoldenCase) -> float:
    """How far pixels may be off: the original resized them by other code than ours."""
    for layer in layers_of(case):
        if layer.type == "WindowData" or layer.image_data_param.new_height:
            return float(_LEVELS * layer.transform_param.scale)
    return 0.0
