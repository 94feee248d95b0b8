from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from caffe_core import registry
from caffe_core.cli import inventory
from caffe_core.layer import Facts, Layer


def listing(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "caffe_core.cli", "plugins", *argv],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def rows(*argv: str, **environment: str) -> dict[tuple[str, str, str], dict[str, object]]:
    done = listing("--json", *argv, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return {
        (row["group"], row["name"], row["distribution"]): row for row in json.loads(done.stdout)
    }


def test_every_name_of_every_group_is_listed(caffe):
    found = {(row["group"], row["name"]) for row in json.loads(caffe("plugins", "--json").out)}
    assert found == {(each.group, name) for each in registry.registries() for name in each}


def test_what_is_known_of_a_kernel_and_its_layer(caffe):
    found = {(row["group"], row["name"]): row for row in json.loads(caffe("plugins", "--json").out)}
    assert found["caffe.kernels.cpu", "ReLU"] == {
        "group": "caffe.kernels.cpu",
        "name": "ReLU",
        "devices": ["cpu"],
        "engines": ["caffe"],
        "distribution": "caffe-layer-relu",
        "version": "1.0.0",
        "target": "caffe_layer_relu:ReLUKernel",
        "status": "ok",
        "cause": "",
    }
    layer = found["caffe.layers", "ReLU"]
    assert "cpu" in layer["devices"]
    assert "caffe" in layer["engines"]


def test_everything_of_the_project_works(caffe):
    found = json.loads(caffe("plugins", "--json").out)
    assert [row for row in found if row["status"] == "broken"] == []


def test_the_table(caffe):
    lines = caffe("plugins").out.splitlines()
    assert lines[0].split() == [
        *("group", "name", "device", "engine", "distribution", "version", "target", "status")
    ]
    rows = [line.split() for line in lines]
    relu = next(row for row in rows if row[:2] == ["kernels.cpu", "ReLU"])
    assert relu[2:] == [
        *("cpu", "caffe", "caffe-layer-relu", "1.0.0", "caffe_layer_relu:ReLUKernel", "ok")
    ]
    assert re.fullmatch(r"\d+ names from \d+ distributions", lines[-1])


@pytest.mark.parametrize("group", ["caffe.fillers", "fillers"])
def test_one_group(caffe, group):
    found = json.loads(caffe("plugins", "--json", "--group", group).out)
    assert {row["group"] for row in found} == {"caffe.fillers"}
    assert "xavier" in {row["name"] for row in found}


def test_a_group_that_does_not_exist(caffe):
    result = caffe("plugins", "--group", "filers")
    assert result.status == 1
    assert "no plugin group 'filers'" in result.messages[0]
    assert "Did you mean 'caffe.fillers'" in result.messages[0]


WOBBLE = "[caffe.layers]\nWobble = caffe_layer_wobble:Wobble\n"


def test_what_is_broken_is_shown_with_its_cause(distribution):
    site = distribution(
        "caffe-layer-wobble", "[caffe.layers]\nWobble = caffe_layer_wobble:Wobble\n"
    )
    row = rows(PYTHONPATH=site)["caffe.layers", "Wobble", "caffe-layer-wobble"]
    assert row["status"] == "broken"
    assert row["cause"] == "ModuleNotFoundError: No module named 'caffe_layer_wobble'"
    done = listing("--group", "layers", PYTHONPATH=site)
    assert done.returncode == 0
    assert "broken: ModuleNotFoundError: No module named 'caffe_layer_wobble'" in done.stdout
    assert done.stdout.rstrip().endswith("; 1 broken")


LAYER = "from caffe_core.layer import Layer\nclass ReLU(Layer): pass\nclass Wobble(Layer): pass\n"


def test_a_layer_without_a_kernel(distribution):
    site = distribution(
        "caffe-layer-wobble",
        WOBBLE,
        caffe_layer_wobble=LAYER,
    )
    row = rows(PYTHONPATH=site)["caffe.layers", "Wobble", "caffe-layer-wobble"]
    assert (row["devices"], row["status"]) == ([], "no kernel")
    assert row["cause"].startswith("none for cpu; try: pip install caffe-layer-wobble")


def test_two_claims_to_one_name(distribution):
    site = distribution("other-relu", "[caffe.layers]\nReLU = other_relu:ReLU\n", other_relu=LAYER)
    ours, theirs = (
        ("caffe.layers", "ReLU", "caffe-layer-relu"),
        ("caffe.layers", "ReLU", "other-relu"),
    )
    contested = rows(PYTHONPATH=site)
    for claim in (ours, theirs):
        assert contested[claim]["status"] == "broken"
        assert (
            "is supplied by caffe-layer-relu 1.0.0 and other-relu 1.0" in contested[claim]["cause"]
        )
    decided = rows(PYTHONPATH=site, CAFFE_PREFER="ReLU=other-relu")
    assert decided[theirs]["status"] == "ok"
    assert decided[ours]["status"] == "hidden"


class Lonely(Layer):
    pass


class HostOnly(Layer):
    facts = Facts(host_only=True)


def test_a_missing_cuda_kernel_counts_where_there_is_a_gpu(caffe, monkeypatch):
    for layer in (Lonely, HostOnly):
        monkeypatch.setitem(registry.layers._registered, layer.__name__, layer)
        monkeypatch.setitem(registry.kernels("cpu")._registered, layer.__name__, object())
    for gpus, expected in ((0, "ok"), (1, "no kernel")):
        monkeypatch.setattr(inventory, "device_count", lambda gpus=gpus: gpus)
        listed = json.loads(caffe("plugins", "--json", "--group=layers").out)
        found = {row["name"]: row for row in listed}
        assert found["Lonely"]["devices"] == ["cpu"]
        assert found["Lonely"]["status"] == expected
        assert found["HostOnly"]["status"] == "ok"
    assert found["Lonely"]["cause"] == "none for cuda; try: pip install caffe-layer-lonely-cuda"
