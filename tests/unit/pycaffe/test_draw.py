from __future__ import annotations

import shutil

import caffe
import pytest

from caffe_core.errors import CaffeError
from caffe_core.proto.files import load_net

pytest.importorskip("pydot")

NET = """
name: "drawn"
layer { name: "d" type: "Data" top: "data" data_param { batch_size: 7 source: "x" }
        include { phase: TRAIN } }
layer { name: "t" type: "Data" top: "data" data_param { batch_size: 9 source: "x" }
        include { phase: TEST } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 3 }
        convolution_param { num_output: 4 kernel_h: 3 kernel_w: 5 stride: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool"
        pooling_param { pool: AVE kernel_size: 2 pad: 1 } }
"""


@pytest.fixture
def net():
    return load_net(NET)


def test_layers_and_blobs_are_nodes(net):
    graph = caffe.draw.get_pydot_graph(net, "LR")
    labels = [node.get_label() for node in graph.get_nodes()]
    assert labels[:3] == ['"data"', '"conv"', '"pool"']
    assert r'"conv\n(Convolution)\nkernel size: 3x5\nstride: 2\npad: 0"' in labels
    assert r'"pool\n(AVE Pooling)\nkernel size: 2\nstride: 1\npad: 1"' in labels
    colors = {node.get_label(): node.get_fillcolor() for node in graph.get_nodes()}
    assert colors[r'"relu\n(ReLU)"'] == '"#90EE90"'
    edges = [edge.get_label() for edge in graph.get_edges()]
    assert '"Batch 7"' in edges
    assert '"4"' in edges


def test_a_phase_leaves_layers_out(net):
    for phase, name in ((caffe.TRAIN, "d"), (caffe.TEST, "t")):
        text = caffe.draw.draw_net(net, "TB", "dot", phase=phase).decode()
        assert f'label="{name} (Data)"' in text
        assert text.count("(Data)") == 1


def test_factors_of_learning_rates(net):
    text = caffe.draw.draw_net(net, "LR", "dot", display_lrm=True).decode()
    assert r"lr_mult: [3.0]" in text


def test_a_file_has_what_its_suffix_says(net, tmp_path):
    caffe.draw.draw_net_to_file(net, tmp_path / "net.gv")
    assert (tmp_path / "net.gv").read_text().startswith('digraph "drawn"')


def test_without_graphviz_the_error_says_so(net, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaffeError, match=r"needs Graphviz.*or write a \.dot file"):
        caffe.draw.draw_net_to_file(net, tmp_path / "net.png")
    assert not (tmp_path / "net.png").exists()


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize(
    ("ext", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_pictures(net, ext, start):
    assert caffe.draw.draw_net(net, "LR", ext).startswith(start)
