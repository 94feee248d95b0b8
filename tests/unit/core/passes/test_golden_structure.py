"""Which layers BVLC Caffe kept, in which order, with which splits: for every golden net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_core.layer import Phase
from caffe_core.passes import filter_layers, insert_splits

CASES = sorted((Path(__file__).parents[3] / "golden" / "cases" / "nets").glob("*.npz"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_layers_and_outputs(graph, path):
    with np.load(path) as file:
        case = dict(file)
    if "all_layers" not in case:
        pytest.skip("the case is about text only")
    options = {
        "phase": Phase[str(case["phase"])],
        "level": int(case["level"]) if "level" in case else 0,
        "stages": tuple(map(str, np.ravel(case["stages"]))) if "stages" in case else (),
    }
    net = graph(str(case["prototxt"]), **options)
    filter_layers(net)
    kept = [(layer.name, layer.type) for layer in net.param.layer]
    names, types = (map(str, case[key]) for key in ("layers", "layer_types"))
    assert kept == list(zip(names, types, strict=True))
    insert_splits(net)
    assert [layer.name for layer in net.param.layer] == list(map(str, case["all_layers"]))


def test_there_are_cases():
    assert len(CASES) > 40
