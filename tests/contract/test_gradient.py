"""The gradient checker."""

from __future__ import annotations

import caffe_layer_inner_product as inner_product
import caffe_layer_relu as relu
import numpy as np
import pytest

from caffe_core import registry
from caffe_core.layer import Phase
from caffe_core.net import Net
from caffe_core.testing import Case, contract, gradient
from caffe_core.testing.bench import Bench
from caffe_core.testing.setting import FLOAT64

DOUBLE = np.dtype(np.float64)


def function_of(values, value, derivative, dtype=DOUBLE):
    values = np.array(values, dtype)
    return gradient.Function(
        {"x": values}, lambda: value(values), lambda: {"x": derivative(values)}, dtype
    )


def cubes(derivative=lambda x: 3 * x * x, dtype=DOUBLE):
    values = np.linspace(-1, 2, 12).reshape(3, 4)
    return function_of(values, lambda x: float((x**3).sum()), derivative, dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_right_gradient_has_no_mismatch(dtype):
    function = cubes(dtype=np.dtype(dtype))
    before = function.variables["x"].copy()
    assert gradient.directional(function) == []
    assert gradient.elementwise(function) == []
    gradient.check(function)
    np.testing.assert_array_equal(function.variables["x"], before)


def test_a_single_wrong_element_shows_along_a_direction_and_is_named():
    def derivative(x):
        wrong = 3 * x * x
        wrong[1, 2] += 0.01
        return wrong

    function = cubes(derivative)
    (along,) = gradient.directional(function)
    assert along.index is None
    (wrong,) = gradient.elementwise(function)
    assert (wrong.variable, wrong.index) == ("x", (1, 2))
    assert wrong.found == pytest.approx(wrong.expected + 0.01)
    with pytest.raises(
        AssertionError, match=r"by x along a random direction.*; .*by x at \(1, 2\)"
    ):
        gradient.check(function)


def test_a_gradient_of_zero_is_no_excuse():
    assert len(gradient.directional(cubes(np.zeros_like))) == 1


def test_only_a_sample_is_checked_if_asked():
    steps = []

    def value(x):
        steps.append(1)
        return float(x.sum())

    function = function_of(np.ones(50), value, lambda x: np.zeros(50))
    assert len(gradient.elementwise(function, sample=7)) == 7
    assert len(steps) == 2 * 7


def test_elements_near_a_kink_are_passed_over():
    function = function_of([-1, 1e-3, 1], lambda x: float(np.abs(x).sum()), np.sign)
    assert len(gradient.elementwise(function, step=1e-2)) == 1
    assert gradient.elementwise(function, step=1e-2, kink=0, kink_range=1e-2) == []


def test_the_gradient_of_a_bench_is_that_of_its_layer():
    case = Case("inner_product_param { num_output: 3 }", bottom=[(2, 4)])
    settings = contract.settings("InnerProduct", cases=[case])
    bench = Bench(next(each for each in settings if each.dtype == FLOAT64))
    function = gradient.of_bench(bench)
    assert set(function.variables) == {"bottom 0", "learned blob 0", "learned blob 1"}
    gradient.check(function)


def test_a_wrong_kernel_is_told_apart_by_its_bottom():
    class Doubles(relu.ReLUKernel):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            bottom[0].diff[0] *= 2

    settings = contract.settings("ReLU", kernels=[Doubles], cases=[Case(bottom=[(2, 3)])])
    function = gradient.of_bench(Bench(settings[-1]))
    assert {each.index for each in gradient.elementwise(function)} <= {(0, 0), (0, 1), (0, 2)}
    with pytest.raises(AssertionError, match="by bottom 0 "):
        gradient.check(function)


NET = """
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 4 } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 3 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""


def make_net():
    net = Net(NET, Phase.TRAIN, dtype=np.float64, seed=3)
    net.blobs["data"].data[...] = np.random.default_rng(0).standard_normal((3, 4))
    net.blobs["label"].data[...] = [0, 2, 1]
    return net


def test_the_gradient_of_a_whole_net():
    function = gradient.of_net(make_net(), blobs=["data"])
    assert set(function.variables) == {"ip1[0]", "ip1[1]", "ip2[0]", "ip2[1]", "data"}
    gradient.check(function)


def test_a_wrong_kernel_in_a_net_is_found():
    class Wrong(inner_product.InnerProductKernel):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            if self.layer.name == "ip1":
                self.blobs[1].diff[2] += 1

    kernels = registry.kernels("cpu")
    kernels.register("InnerProduct", Wrong)
    try:
        net = make_net()
    finally:
        kernels.unregister("InnerProduct")
    with pytest.raises(AssertionError, match=r"by ip1\[1\] along .*by ip1\[1\] at \(2,\)"):
        gradient.check(gradient.of_net(net))
