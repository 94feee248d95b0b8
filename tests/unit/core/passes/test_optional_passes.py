from __future__ import annotations

import pytest

from caffe_core import registry
from caffe_core.errors import CaffeError
from caffe_core.net import Net
from caffe_core.passes import REQUIRED

NET = 'layer { name: "d" type: "Any" top: "x" }'


@pytest.fixture
def ran(plug):
    """Two optional passes; gives the names of those that ran, in order."""
    calls = []

    def make(name):
        def apply(graph):
            calls.append(name)
            return [f"{name} saw {len(graph.nodes)} layers"]

        return apply

    for name in ("paint", "carve"):
        plug(registry.passes, name, make(name))
    return calls


def test_required_passes_run_in_their_order():
    assert list(REQUIRED) == [
        "filter", "splits", "setup", "parameters", "backward", "kernels", "formats",
    ]  # fmt: skip
    assert list(Net(NET, passes=()).notes) == list(REQUIRED)


def test_installed_passes_run_last_in_the_order_of_their_names(ran):
    net = Net(NET)
    assert ran == ["carve", "paint"]
    assert net.notes["paint"] == ["paint saw 1 layers"]


def test_the_option_says_which_passes_run_and_in_which_order(ran):
    Net(NET, passes=("paint", "carve"))
    assert ran == ["paint", "carve"]
    ran.clear()
    Net(NET, passes=())
    assert ran == []


def test_a_pass_that_is_not_installed_gives_near_names(ran):
    message = r"^no optional pass 'pain' is installed \(there are: .*paint.*Did you mean 'paint'"
    with pytest.raises(CaffeError, match=message):
        Net(NET, passes=("pain",))
