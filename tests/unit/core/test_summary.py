from __future__ import annotations

from pathlib import Path

import pytest

from caffe_core.net import Net

NETS = Path(__file__).parents[3] / "benchmarks" / "nets"
KNOWN = {  # parameters and multiply-adds in millions, as they are published
    "caffenet": (60.97, 724),
    "googlenet": (7.0, 1583),
    "vgg16": (138.36, 15470),
    "resnet50": (25.61, 3858),
    "mobilenet": (4.25, 569),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_figures_of_known_nets(name):
    summary = Net(NETS / f"{name}.prototxt").summary()
    parameters, multiply_adds = KNOWN[name]
    assert summary.parameters / 1e6 == pytest.approx(parameters, rel=2e-3)
    assert summary.multiply_adds / 1e6 == pytest.approx(multiply_adds, rel=2e-3)


def test_recurrent_layers_count_every_step():
    summary = Net("""
    layer { name: "in" type: "Input" top: "x" top: "cont" top: "s" input_param {
      shape { dim: 5 dim: 2 dim: 3 } shape { dim: 5 dim: 2 } shape { dim: 2 dim: 7 } } }
    layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" bottom: "s" top: "h"
      recurrent_param { num_output: 4 } }
    """).summary()
    assert summary.multiply_adds == 2 * 16 * (5 * (3 + 4) + 7)


def test_deconvolution_counts_pixels_of_the_bottom():
    summary = Net("""
    layer { name: "in" type: "Input" top: "x"
      input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } }
    layer { name: "up" type: "Deconvolution" bottom: "x" top: "y"
      convolution_param { num_output: 5 kernel_size: 4 stride: 2 bias_term: false } }
    """).summary()
    assert summary.multiply_adds == 2 * 5 * 16 * 9


def test_shared_blobs_count_once():
    shared = "inner_product_param { num_output: 3 bias_term: false }"
    summary = Net(f"""
    layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 }} }} }}
    layer {{ name: "a" type: "InnerProduct" bottom: "x" top: "a" param {{ name: "w" }} {shared} }}
    layer {{ name: "b" type: "InnerProduct" bottom: "a" top: "b" param {{ name: "w" }} {shared} }}
    """).summary()
    assert [layer.parameters for layer in summary.layers] == [0, 9, 0]
    assert summary.parameters == 9


def test_in_a_notebook_it_is_a_table():
    html = Net('layer { name: "a<b" type: "Input" top: "x" input_param { shape { dim: 1 } } }')
    assert "<td>a&lt;b</td>" in html.summary()._repr_html_()
