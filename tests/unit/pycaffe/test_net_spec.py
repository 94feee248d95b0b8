# ruff: noqa: C408 (scripts for NetSpec are written so)
from __future__ import annotations

import copy
import re
from enum import Enum
from pathlib import Path

import caffe
import numpy as np
import pytest
from caffe import layers as L
from caffe import params as P
from caffe.proto import caffe_pb2

from caffe_core import registry
from caffe_core.errors import CaffeError
from caffe_core.layer import Layer
from caffe_core.proto import plugin_fields, text
from caffe_core.proto.files import load_net
from caffe_core.proto.plugin_message import PluginMessage


def test_blobs_get_the_names_of_the_attributes_they_are_assigned_to():
    n = caffe.NetSpec()
    n.data, n.label = L.Data(batch_size=2, backend=P.Data.LMDB, source="train", ntop=2)
    n.conv1 = L.Convolution(
        n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"),
        param=[dict(lr_mult=1), dict(lr_mult=2)],
    )  # fmt: skip
    n.relu1 = L.ReLU(n.conv1, in_place=True)
    n.pool1 = L.Pooling(n.relu1, kernel_size=2, stride=2, pool=P.Pooling.AVE)
    n.silence = L.Silence(n.label, ntop=0)
    assert n.to_proto() == load_net("""
        layer { name: "data" type: "Data" top: "data" top: "label"
                data_param { source: "train" batch_size: 2 backend: LMDB } }
        layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
                param { lr_mult: 1 } param { lr_mult: 2 }
                convolution_param { num_output: 20 kernel_size: 5
                                    weight_filler { type: "xavier" } } }
        layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
        layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
                pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
        layer { name: "silence" type: "Silence" bottom: "label" }
    """)


def test_what_has_no_name_gets_that_of_its_type_and_a_number():
    n = caffe.NetSpec()
    n.x = L.Input(input_param=dict(shape=dict(dim=[1, 2])))
    n.y = L.Dropout(L.ReLU(L.ReLU(n.x)))
    assert [layer.name for layer in n.to_proto().layer] == ["x", "ReLU1", "ReLU2", "y"]
    proto = caffe.to_proto(L.ReLU(L.DummyData(shape=dict(dim=[1])), in_place=True))
    assert [list(layer.top) for layer in proto.layer] == [["DummyData1"], ["DummyData1"]]


def test_values_are_set_however_deep():
    layer = caffe.to_proto(
        L.Data(
            transform_param=dict(mean_value=[1, 2, 3], mirror=True),
            include=dict(phase=caffe.TEST, stage=["deploy"]),
            loss_weight=np.float32(0.5),
            backend="LEVELDB",
        )
    ).layer[0]
    assert list(layer.transform_param.mean_value) == [1, 2, 3]
    assert (layer.include[0].phase, list(layer.include[0].stage)) == (caffe.TEST, ["deploy"])
    assert list(layer.loss_weight) == [0.5]
    assert layer.data_param.backend == P.Data.LEVELDB


def test_types_that_borrow_another_s_message():
    for layer, field in (
        (L.Deconvolution(num_output=2), "convolution_param"),
        (L.LSTM(num_output=2), "recurrent_param"),
        (L.SoftmaxWithLoss(axis=0), "softmax_param"),
    ):
        assert caffe.to_proto(layer).layer[0].HasField(field)


class Way(Enum):
    UP = 1
    DOWN = 2


class NetSpecProbe(Layer):
    """A type from outside, with two messages."""

    probe_param = PluginMessage(way=Way.UP, sizes=[int])
    probe_filler = PluginMessage(weight=caffe_pb2.FillerParameter)


def test_a_type_of_a_plugin_has_its_own_messages(monkeypatch):
    monkeypatch.setitem(registry.layers._registered, "NetSpecProbe", NetSpecProbe)
    n = caffe.NetSpec()
    n.x = L.Input()
    n.y = L.NetSpecProbe(n.x, way=Way.DOWN, sizes=np.array([3, 4]), weight=dict(type="msra"))
    n.z = L.NetSpecProbe(n.x, probe_param=dict(way="DOWN"))
    n.w = L.NetSpecProbe(n.x, way=P.NetSpecProbe.DOWN)
    _, y, z, w = n.to_proto().layer
    param = plugin_fields.part(y, "probe_param")
    assert (param.way, list(param.sizes)) == (2, [3, 4])
    assert plugin_fields.part(y, "probe_filler").weight.type == "msra"
    assert [plugin_fields.part(each, "probe_param").way for each in (z, w)] == [2, 2]
    assert "  probe_param {\n    way: DOWN\n" in str(n)


def test_it_is_written_as_prototxt():
    n = caffe.NetSpec()
    n.x = L.Input(shape=dict(dim=[1, 2]))
    n.y = L.GroupNorm(n.x, groups=2)
    assert str(n) == text.format(n.to_proto())
    assert str(n).endswith("""\
layer {
  name: "y"
  type: "GroupNorm"
  bottom: "x"
  top: "y"
  group_norm_param {
    groups: 2
  }
}
""")
    assert load_net(str(n)) == load_net(str(n.to_proto())) == n.to_proto()


def test_layers_in_place_may_have_several_tops():
    n = caffe.NetSpec()
    n.x, n.y = L.DummyData(ntop=2)
    n.a, n.b = L.Python(n.x, n.y, ntop=2, in_place=True, module="m", layer="Both")
    n.c = L.Eltwise(n.a, n.b)
    layers = n.to_proto().layer
    assert [list(layer.top) for layer in layers[1:]] == [["x", "y"], ["c"]]
    assert list(layers[2].bottom) == ["x", "y"]


def test_long_chains_need_no_deep_stack():
    top = L.Input()
    for _ in range(3000):
        top = L.ReLU(top)
    names = [layer.name for layer in top.to_proto().layer]
    assert names == ["Input1", *(f"ReLU{index}" for index in range(1, 3001))]


def test_a_layer_that_nobody_assigned_is_added_before_its_first_reader():
    n = caffe.NetSpec()
    n.x = L.Input()
    n.y = L.Concat(L.TanH(n.x), L.ReLU(n.x), n.x)
    proto = n.to_proto()
    assert [layer.name for layer in proto.layer] == ["x", "TanH1", "ReLU1", "y"]
    assert list(proto.layer[3].bottom) == ["TanH1", "ReLU1", "x"]


def test_a_copy_is_another_net():
    n = caffe.NetSpec()
    n.x = L.Input()
    other = copy.deepcopy(n)
    other.y = L.ReLU(other.x)
    assert len(n.to_proto().layer) == 1
    assert [layer.name for layer in other.to_proto().layer] == ["x", "y"]


def test_what_pycaffe_calls_its_own_parts():
    assert caffe.net_spec.param_name_dict()["InnerProduct"] == "inner_product"
    param = caffe_pb2.ConvolutionParameter()
    caffe.net_spec.assign_proto(param, "kernel_size", 3)
    caffe.net_spec.assign_proto(param, "weight_filler", dict(type="xavier", std=0.5))
    assert param == caffe_pb2.ConvolutionParameter(
        kernel_size=[3], weight_filler=dict(type="xavier", std=0.5)
    )


def test_scopes_give_a_block_names_of_its_own():
    def block(n, bottom):
        n.conv = L.Convolution(bottom, num_output=2, kernel_size=1)
        n.relu = L.ReLU(n.conv)
        return n.relu

    n = caffe.NetSpec()
    n.data = L.Input()
    top = n.data
    for name in ("a_", "b_"):
        with n.scope(name):
            top = block(n, top)
    with n.scope("b_"), n.scope("c_"):
        n.sum = L.Eltwise(n.data, n.relu)
        assert n["relu"] is top
        assert "conv" in n
        del n.conv
    assert "conv" not in n
    assert "b_conv" not in n
    n.b_conv = top.fn.inputs[0]
    names = ["data", "a_conv", "a_relu", "b_conv", "b_relu", "b_c_sum"]
    assert [layer.name for layer in n.to_proto().layer] == names
    assert [*n.to_proto().layer[3].bottom] == ["a_relu"]


def test_an_error_in_a_scope_leaves_it():
    n = caffe.NetSpec()
    with pytest.raises(CaffeError), n.scope("a_"):
        n.x = L.ReLU(L.Input(), L.Input(), in_place=True)
    n.y = L.Input()
    assert list(n.tops) == ["y"]


def test_items_are_attributes():
    n = caffe.NetSpec()
    n["data"] = L.Input()
    assert n["data"] is n.data
    assert "data" in n
    del n["data"]
    assert "data" not in n
    with pytest.raises(KeyError):
        n["data"]
    with pytest.raises(AttributeError, match="no blob 'data'"):
        _ = n.data
    n["scope"] = L.Input()  # a method's name, too
    assert n["scope"] is n.tops["scope"]


def test_names_are_listed_for_completion():
    assert {"Convolution", "GroupNorm"} <= set(dir(L))
    assert {"Pooling", "Data"} <= set(dir(P))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: L.Convolution(num_outputs=3),
            "Convolution has no parameter 'num_outputs'. Did you mean 'num_output'.* own are num",
        ),
        (lambda: L.Convolution(num_output="many"), "ConvolutionParameter.num_output cannot be"),
        (
            lambda: L.Convolution(weight_filler=dict(kind="xavier")),
            "Convolution: FillerParameter has no field 'kind'",
        ),
        (lambda: L.Pooling(pool="LEAST"), "it is none of MAX, AVE, STOCHASTIC"),
        (lambda: L.Split(L.Input(), depth=3), "Split has no parameter 'depth'. Its own are none"),
        (
            lambda: L.SoftmaxWithLoss(ignore_label=255),
            r"belongs in loss_param=dict\(ignore_label=...\)",
        ),
        (lambda: L.Data(mean_value=4), "Data has no.* belongs in transform_param=dict.mean_value"),
        (
            lambda: L.Convolutin(num_output=3),
            "no parameter 'num_output': no layer type 'Convolutin'.*Did you mean 'Convolution'",
        ),
        (lambda: L.GroupNorm(group=2), "GroupNorm has no parameter 'group'. Did you mean 'groups'"),
        (
            lambda: L.Eltwise(L.Input(), L.Input(), in_place=True),
            "as many tops as bottoms.* 1 and 2",
        ),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(CaffeError, match=message):
        caffe.to_proto(make())


def test_an_input_that_is_no_blob():
    message = r"^Silence input 1 is not a Top \(type is <class 'tuple'>\)$"
    with pytest.raises(TypeError, match=message):
        L.Silence(L.Input(), L.DummyData(ntop=2), ntop=0)


def test_enums_that_do_not_exist():
    with pytest.raises(AttributeError, match="Did you mean 'Pooling'"):
        _ = P.Poolin.MAX


def test_the_guide_s_code_runs(capsys):
    page = Path(__file__).parents[3] / "docs" / "netspec.md"
    first, blocks, *_ = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    names = {}
    exec(first, names)
    assert load_net(capsys.readouterr().out) == names["n"].to_proto()
    exec(blocks, names)
    layers = [layer.name for layer in names["n"].to_proto().layer]
    assert layers[6:] == [
        f"res2{block}_{name}" for block in "ab" for name in ("branch2a", "branch2b", "sum")
    ]
    assert list(names["n"].to_proto().layer[-1].bottom) == ["res2a_sum", "res2b_branch2b"]
