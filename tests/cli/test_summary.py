from __future__ import annotations

import json


def test_a_table_with_totals(caffe, workdir):
    result = caffe("summary", "net.prototxt")
    lines = [line.split() for line in result.out.splitlines()]
    assert lines[0][:2] == ["layer", "type"]
    ip = next(line for line in lines if line[0] == "ip")
    assert ip[:4] == ["ip", "InnerProduct", "data", "8x3"]
    assert ip[4:6] == ["15", "96"]
    assert lines[-1][:3] == ["total", "15", "96"]


def test_json(caffe, workdir):
    found = json.loads(caffe("summary", "-model=net.prototxt", "--json", "-phase=TRAIN").out)
    assert (found["name"], found["parameters"], found["multiply_adds"]) == ("tiny", 15, 96)
    names = [layer["name"] for layer in found["layers"]]
    assert "accuracy" not in names
    assert found["memory"] == sum(layer["memory"] for layer in found["layers"])
    relu = found["layers"][names.index("relu")]
    assert (relu["shapes"], relu["memory"]) == ([[8, 3]], 0)  # it runs in place


def test_a_model_is_needed(caffe):
    result = caffe("summary")
    assert result.status == 1
    assert "Need a model definition to summarize" in result.messages[0]
