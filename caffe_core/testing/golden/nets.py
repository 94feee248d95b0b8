"""Golden cases of whole nets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.proto import caffe_pb2, text
from caffe_core.proto.files import load_net
from caffe_core.testing.golden import feed
from caffe_core.testing.golden.case import GoldenCase
from caffe_core.testing.golden.compare import Comparison

_EVERY = 97


def run_net(case: GoldenCase, net_options: dict[str, Any]) -> Comparison:
    """Build a net, run it forward and backward once, and compare."""
    comparison = Comparison()
    _compare_upgrade(case, comparison)
    if case.number("run", 1):
        phase, level, stages = Phase[case.text("phase")], case.number("level"), case.names("stages")
        with Net(case.prototxt, phase, level=level, stages=stages, **net_options) as net:
            _compare_structure(net, case, comparison)
            _set_parameters(net, case, comparison)
            _run(net, case, comparison)
    return comparison


def _compare_upgrade(case: GoldenCase, comparison: Comparison) -> None:
    if "upgraded" not in case.arrays:
        return
    expected = text.parse(case.text("upgraded"), caffe_pb2.NetParameter, case.name)
    found = load_net(case.prototxt)
    if found != expected:
        ours, theirs = text.format(found).splitlines(), text.format(expected).splitlines()
        comparison.equal("upgraded", [x for x in ours if x not in theirs], [
            x for x in theirs if x not in ours
        ])  # fmt: skip


def _compare_structure(net: Net, case: GoldenCase, comparison: Comparison) -> None:
    written = {layer.name for layer in load_net(case.prototxt).layer}
    kept = [node for node in net.nodes if node.name in written]
    comparison.equal("layers", [node.name for node in kept], case.names("layers"))
    comparison.equal("layer_types", [n.layer.type for n in kept], case.names("layer_types"))
    comparison.equal("all_layers", net.layer_names, case.names("all_layers"))
    comparison.equal("outputs", net.outputs, case.names("outputs"))


def _set_parameters(net: Net, case: GoldenCase, comparison: Comparison) -> None:
    if "paramgen" in case.arrays:
        feed.set_params(net, _generated(net))
    feed.set_params(net, case.each("param"))
    if "weights" in case.arrays:
        net.copy_from(case.text("weights"))
        comparison.arrays("loaded", feed.param_data(net), case.each("loaded"))


def _run(net: Net, case: GoldenCase, comparison: Comparison) -> None:
    feed.set_memory_data(net, case)
    feed.set_blobs(net, case.each("in"))
    net.clear_param_diffs()
    comparison.array("loss", net.forward(), case.arrays["loss"])
    comparison.arrays("out", feed.blob_data(net), case.each("out"))
    comparison.arrays("param_after", feed.param_data(net), case.each("param_after"))
    for name, value in case.each("topdiff").items():
        net.blobs[name].diff[...] = value
    net.backward()
    comparison.arrays("diff", feed.blob_diffs(net), _gradients(net, case))
    found = feed.param_diffs(net)
    comparison.arrays("paramdiff", found, case.each("paramdiff"))
    sampled = {name: diff.ravel()[::_EVERY] for name, diff in found.items()}
    comparison.arrays("paramdiff_every97", sampled, case.each("paramdiff_every97"))
    norms = {name: np.linalg.norm(diff) for name, diff in found.items()}
    comparison.arrays("paramdiff_l2", norms, case.each("paramdiff_l2"))


def _gradients(net: Net, case: GoldenCase) -> dict[str, Any]:
    """The diff of each blob: zeros where the case has none.

    Left out is what the original's Scale leaves in the diff of a bottom that gets no gradient,
    where it multiplies.
    """
    zeros = {name: np.zeros_like(value) for name, value in case.each("out").items()}
    scratch = {
        node.bottom_names[0]
        for node in net.nodes
        if node.layer.type == "Scale" and not node.propagate_down[0]
    }
    diffs = zeros | case.each("diff")
    return {name: diff for name, diff in diffs.items() if name not in scratch}


def _generated(net: Net) -> dict[str, Any]:
    """Learned blobs from the formula that ``paramgen`` states."""
    values = {}
    for name, array in feed.param_data(net).items():
        layer, _, index = name.rpartition(":")
        amplitude = math.sqrt(2 / math.prod(array.shape[1:])) if array.ndim > 1 else 0.1
        phases = np.arange(array.size) * 12.9898 * (int(index) + 1) + len(layer)
        values[name] = (amplitude * math.sqrt(2) * np.sin(phases)).reshape(array.shape)
    return values
