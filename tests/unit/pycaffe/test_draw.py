from __future__ import annotations

import shutil
import sys
from xml.etree import ElementTree

import caffe
import pytest

from caffe_core.errors import CaffeError
from caffe_core.proto.files import load_net

pytest.importorskip("pydot")
pytest.importorskip("matplotlib")

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
    nodes = {node.get_label(): node for node in graph.get_nodes()}
    assert list(nodes)[:3] == ['"data"', '"conv"', '"pool"']
    assert [nodes[name].get_shape() for name in ('"data"', '"pool"')] == ['"octagon"'] * 2
    colors = {
        r'"conv\n(Convolution)\nkernel size: 3x5\nstride: 2\npad: 0"': '"#FF5050"',
        r'"pool\n(Pooling AVE)\nkernel size: 2\nstride: 1\npad: 1"': '"#FF9900"',
        r'"relu\n(ReLU)"': '"#90EE90"',
        r'"d\n(Data)"': '"#6495ED"',
    }
    for label, color in colors.items():
        assert nodes[label].get_fillcolor() == color
    edges = [(edge.get_source(), edge.get_label()) for edge in graph.get_edges()]
    assert edges[:3] == [
        ('"layer 0 d"', '"Batch 7"'),
        ('"layer 1 t"', '"Batch 9"'),
        ('"data_blob"', '""'),
    ]
    assert ('"layer 2 conv"', '"4"') in edges


def test_edges_need_no_labels(net):
    graph = caffe.draw.get_pydot_graph(net, "LR", label_edges=False)
    assert {edge.get_label() for edge in graph.get_edges()} == {'""'}


def test_names_may_have_any_character():
    net = 'layer { name: "a|b<c>{d}" type: "Input" top: "a:b/c" }'
    _, node = caffe.draw.get_pydot_graph(net, "TB").get_nodes()
    assert node.get_label() == r'"a\|b\<c\>\{d\} (Input)"'


def test_parts_for_people():
    conv, pool, ip, data, relu = load_net("""
        layer { name: "c" type: "Deconvolution" bottom: "x" top: "c" param { lr_mult: 3 }
                convolution_param { num_output: 4 kernel_size: 3 kernel_size: 3 } }
        layer { name: "p" type: "Pooling" bottom: "c" top: "p"
                pooling_param { pool: STOCHASTIC global_pooling: true } }
        layer { name: "i" type: "InnerProduct" bottom: "p" top: "i"
                param { lr_mult: 0 } param { lr_mult: 0 } inner_product_param { num_output: 5 } }
        layer { name: "d" type: "Data" top: "d" data_param { batch_size: 6 } }
        layer { name: "r" type: "ReLU" bottom: "i" top: "r" }
    """).layer
    draw = caffe.draw
    assert draw.get_pooling_types_dict() == {0: "MAX", 1: "AVE", 2: "STOCHASTIC"}
    assert [draw.get_edge_label(each) for each in (conv, ip, data, relu)] == [
        "4", "5", "Batch 6", '""',
    ]  # fmt: skip
    label = '"c (Deconvolution) kernel size: 3 stride: 1 pad: 0'
    assert draw.get_layer_label(conv, "TB") == f'{label}"'
    assert draw.get_layer_label(conv, "BT", display_lrm=True) == f'{label} lr mult: 3.0, 1.0"'
    assert draw.get_layer_label(pool, "LR") == r'"p\n(Pooling STOCHASTIC)\nkernel size: all"'
    assert draw.get_layer_label(ip, "LR", display_lrm=True) == r'"i\n(InnerProduct)"'
    assert [draw.get_layer_lr_mult(each) for each in (conv, ip)] == [(3, 1), (0, 0)]
    with pytest.raises(ValueError, match=r"r \(ReLU\): only Convolution, Deconv.* have factors"):
        draw.get_layer_lr_mult(relu)


def test_a_phase_leaves_layers_out(net):
    for phase, name in ((caffe.TRAIN, "d"), (caffe.TEST, "t")):
        text = caffe.draw.draw_net(net, "TB", "dot", phase=phase).decode()
        assert f'label="{name} (Data)"' in text
        assert text.count("(Data)") == 1


def test_a_rule_of_a_stage_leaves_nothing_out():
    net = """
        layer { name: "a" type: "Input" top: "a" exclude { stage: "deploy" } }
        layer { name: "b" type: "Input" top: "b" include { stage: "deploy" } }
        layer { name: "c" type: "Input" top: "c" exclude { phase: TRAIN } }
    """
    for phase, names in ((caffe.TRAIN, ["a", "b"]), (caffe.TEST, ["a", "b", "c"])):
        nodes = caffe.draw.get_pydot_graph(net, "LR", phase=phase).get_nodes()
        labels = [node.get_label() for node in nodes if "Input" in node.get_label()]
        assert labels == [rf'"{name}\n(Input)"' for name in names]


def test_old_nets_are_upgraded():
    net = 'input: "x" input_dim: [1, 2, 3, 4] layers { name: "y" type: RELU bottom: "x" top: "y" }'
    assert '(ReLU)"' in caffe.draw.draw_net(net, "LR", "dot").decode()


def test_a_file_has_what_its_suffix_says(net, tmp_path):
    caffe.draw.draw_net_to_file(net, tmp_path / "net.gv")
    assert (tmp_path / "net.gv").read_text().startswith('digraph "drawn"')


STARTS = [("PNG", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize(("ext", "start"), STARTS)
def test_pictures_by_graphviz(net, ext, start, tmp_path):
    caffe.draw.draw_net_to_file(net, tmp_path / f"net.{ext}")
    assert (tmp_path / f"net.{ext}").read_bytes().startswith(start)


@pytest.fixture
def no_graphviz(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(("ext", "start"), STARTS)
@pytest.mark.usefixtures("no_graphviz")
def test_pictures_without_graphviz(net, ext, start, tmp_path):
    caffe.draw.draw_net_to_file(net, tmp_path / f"net.{ext}", "TB")
    assert (tmp_path / f"net.{ext}").read_bytes().startswith(start)


def shown(net, rankdir):
    """The words of a picture, with where they stand: x to the right and y downwards."""
    root = ElementTree.fromstring(caffe.draw.draw_net(net, rankdir, "svg"))
    found = {}
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        found[text.text] = (float(text.get("x")), float(text.get("y")))
    return found


@pytest.mark.usefixtures("no_graphviz")
@pytest.mark.parametrize(
    ("rankdir", "axis", "way"),
    [("LR", 0, 1), ("RL", 0, -1), ("TB", 1, 1), ("BT", 1, -1), ("UD", 1, 1)],
)
def test_it_grows_to_where_it_is_told(net, rankdir, axis, way):
    places = shown(net, rankdir)
    line = [word for word in places if word.startswith(("data", "conv", "pool"))]
    along = [places[word][axis] * way for word in ("data", line[line.index("conv")], line[-1])]
    assert along == sorted(along)


@pytest.mark.usefixtures("no_graphviz")
def test_a_picture_shows_labels_and_colors(net):
    picture = caffe.draw.draw_net(net, "LR", "svg").decode().lower()
    assert {"d", "(Data)", "Batch 7", "kernel size: 3x5", "relu", "pool", "4"} <= set(
        shown(net, "LR")
    )
    for color in ("#6495ed", "#90ee90", "#e0e0e0", "#ff5050", "#ff9900"):
        assert color in picture


@pytest.mark.usefixtures("no_graphviz")
def test_a_picture_shows_any_name_as_it_is():
    net = 'layer { name: "$x_$1 {<|>}" type: "Input" top: "$\\\\frac$" }'
    assert "$x_$1 {<|>} (Input)" in shown(net, "TB")


@pytest.mark.usefixtures("no_graphviz")
def test_an_empty_net_is_an_empty_picture():
    assert caffe.draw.draw_net('name: "nothing"\n', "LR", "png").startswith(b"\x89PNG")


@pytest.mark.usefixtures("no_graphviz")
def test_what_only_graphviz_writes(net, tmp_path):
    with pytest.raises(CaffeError, match=r"a gif file needs Graphviz.*there are dot, .*svg"):
        caffe.draw.draw_net_to_file(net, tmp_path / "net.gif")
    assert not (tmp_path / "net.gif").exists()


@pytest.mark.usefixtures("no_graphviz")
def test_without_matplotlib_the_error_says_so(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(CaffeError, match=r"or Matplotlib .*pip install 'caffe\[draw\]'"):
        caffe.draw.draw_net(net, "LR", "png")
    assert caffe.draw.draw_net(net, "LR", "svg").startswith(b"<?xml")


def test_without_pydot_the_error_says_so(net, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)
    with pytest.raises(CaffeError, match=r"drawing needs pydot.*pip install 'caffe\[draw\]'"):
        caffe.draw.draw_net(net, "LR", "dot")
