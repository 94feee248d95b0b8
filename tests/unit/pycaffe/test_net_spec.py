# ruff: noqa: C408 (scripts for NetSpec are written so)
from __future__ import annotations

from pathlib import Path

import caffe
import numpy as np
import pytest
from caffe import layers as L
from caffe import params as P

from caffe_core.errors import CaffeError
from caffe_core.proto.files import load_net

ROOT = Path(__file__).parents[3]


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


def test_a_type_of_a_plugin_has_its_own_message():
    proto = caffe.to_proto(L.GroupNorm(L.Input(), groups=2))
    from caffe_core.proto import plugin_fields

    assert plugin_fields.part(proto.layer[1], "group_norm_param").groups == 2


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
        n.sum = L.Eltwise(n.data, top)
    names = ["data", "a_conv", "a_relu", "b_conv", "b_relu", "b_c_sum"]
    assert [layer.name for layer in n.to_proto().layer] == names
    assert [*n.to_proto().layer[3].bottom] == ["a_relu"]


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: L.Convolution(num_outputs=3), "no field 'num_outputs'. Did you mean 'num_output'"),
        (lambda: L.Convolution(num_output="many"), "ConvolutionParameter.num_output cannot be"),
        (lambda: L.Pooling(pool="LEAST"), "it is none of MAX, AVE, STOCHASTIC"),
        (lambda: L.Split(L.Input(), depth=3), "Split takes no parameter 'depth'"),
        (lambda: L.ReLU("data"), r"ReLU input is not a Top \(type is str\)"),
        (lambda: L.Eltwise(L.Input(), L.Input(), in_place=True), "takes one input"),
    ],
)
def test_mistakes(make, message):
    with pytest.raises(CaffeError, match=message):
        caffe.to_proto(make())


def test_enums_that_do_not_exist():
    with pytest.raises(AttributeError, match="Did you mean 'Pooling'"):
        _ = P.Poolin.MAX
