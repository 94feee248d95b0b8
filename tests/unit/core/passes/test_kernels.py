from __future__ import annotations

import pytest

from caffe_core import registry
from caffe_core.device import CPU
from caffe_core.errors import DeviceError, PluginError
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, exactly
from caffe_core.net import Net
from caffe_core.passes import choose_kernels, set_up_layers


class Source(Layer):
    bottoms = exactly(0)

    def reshape(self, bottom, top):
        top[0].reshape(2)


class Plain(Kernel):
    pass


class Fast(Kernel):
    pass


class Fussy(Kernel):
    @classmethod
    def refuses(cls, layer, bottom, top):
        return "it is Tuesday" if layer.name == "s" else None


@pytest.fixture
def source(plug, monkeypatch):
    """A layer type ``Source`` with a plain kernel; gives a function that adds engines."""
    monkeypatch.delenv("CAFFE_ENGINES_CPU", raising=False)
    plug(registry.layers, "Source", Source)
    plug(registry.kernels("cpu"), "Source", Plain)

    def add(**engines):
        for engine, kernel in engines.items():
            plug(registry.kernels("cpu"), f"Source.{engine}", kernel)

    return add


def chosen(graph, text='layer { name: "s" type: "Source" top: "x" }', **options):
    net = graph(text, **options)
    set_up_layers(net)
    net.notes["kernels"] = choose_kernels(net)
    return net


def engine(graph, *args, **options):
    return chosen(graph, *args, **options).nodes[0].engine


def test_the_plain_kernel_is_the_engine_caffe(graph, source):
    node = chosen(graph).nodes[0]
    assert (type(node.kernel), node.engine, node.kernel.device) == (Plain, "caffe", CPU)


def test_any_other_engine_comes_before_the_plain_one(graph, source):
    source(zippy=Fast, quick=Fast)
    assert engine(graph) == "quick"


def test_the_environment_orders_engines(graph, source, monkeypatch):
    source(zippy=Fast, quick=Fast)
    monkeypatch.setenv("CAFFE_ENGINES_CPU", "other, zippy ,caffe")
    assert engine(graph) == "zippy"


def test_the_option_comes_before_the_environment(graph, source, monkeypatch):
    source(zippy=Fast, quick=Fast)
    monkeypatch.setenv("CAFFE_ENGINES_CPU", "zippy")
    assert engine(graph, engines=("caffe",)) == "caffe"


def test_an_empty_option_leaves_the_default_order(graph, source, monkeypatch):
    source(zippy=Fast, quick=Fast)
    monkeypatch.setenv("CAFFE_ENGINES_CPU", "zippy")
    assert engine(graph, engines=()) == "quick"


@pytest.mark.parametrize(
    ("field", "expected"), [("CAFFE", "caffe"), ("CUDNN", "cudnn"), ("DEFAULT", "quick")]
)
def test_the_prototxt_comes_first(graph, source, monkeypatch, field, expected):
    source(quick=Fast, cudnn=Fast)
    layer = f'name: "s" type: "Source" top: "x" relu_param {{ engine: {field} }}'
    assert engine(graph, f"layer {{ {layer} }}", engines=("quick",)) == expected


def test_an_engine_that_the_device_does_not_have_is_passed_over(graph, source):
    layer = 'name: "s" type: "Source" top: "x" relu_param { engine: CUDNN }'
    assert engine(graph, f"layer {{ {layer} }}") == "caffe"


def test_a_kernel_that_refuses_is_passed_over_and_the_reason_kept(graph, source):
    source(fussy=Fussy)
    net = chosen(graph)
    assert net.nodes[0].engine == "caffe"
    assert net.nodes[0].refusals == ["fussy refuses: it is Tuesday"]
    assert net.notes["kernels"] == ["s: caffe on cpu; fussy refuses: it is Tuesday"]


def test_a_broken_engine_is_passed_over_and_the_reason_kept(graph, source, plug, monkeypatch):
    source(broken=Fast)
    kernels = registry.kernels("cpu")
    fetch = type(kernels).__getitem__

    def broken(self, name):
        if name == "Source.broken":
            raise PluginError("it does not import")
        return fetch(self, name)

    monkeypatch.setattr(type(kernels), "__getitem__", broken)
    node = chosen(graph).nodes[0]
    assert (node.engine, node.refusals) == ("caffe", ["broken: it does not import"])


def test_when_every_kernel_refuses_all_reasons_are_listed(graph, source, plug):
    source(fussy=Fussy)
    plug(registry.kernels("cpu"), "Source", Fussy)
    with pytest.raises(DeviceError) as caught:
        chosen(graph)
    assert str(caught.value) == (
        "s (Source): no cpu kernel takes it: "
        "fussy refuses: it is Tuesday; caffe refuses: it is Tuesday"
    )


def test_without_any_kernel_the_pip_line_is_given(graph, source, mirror):
    registry.kernels("cpu").unregister("Source")
    with pytest.raises(DeviceError) as caught:
        chosen(graph)
    assert str(caught.value) == (
        "s (Source): no cpu kernel is installed for this type. Try: pip install caffe-layer-source"
    )
    with pytest.raises(DeviceError) as caught:
        chosen(graph, device=mirror)
    assert str(caught.value) == (
        "s (Source): no mirror kernel is installed for this type. "
        "Try: pip install caffe-layer-source-mirror, or run it on the CPU with --fallback cpu"
    )


def test_fallback_runs_on_the_cpu_and_says_so(graph, source, mirror, messages):
    net = chosen(graph, device=mirror, fallback=True)
    assert net.nodes[0].kernel.device is CPU
    assert messages()[-1] == "s (Source) has no mirror kernel; it runs on the CPU"


def test_a_layer_of_the_host_runs_on_the_cpu_without_a_word(graph, source, mirror, messages):
    class Files(Source):
        facts = Facts(host_only=True)

    registry.layers.register("Source", Files)
    net = chosen(graph, device=mirror)
    assert net.nodes[0].kernel.device is CPU
    assert not [line for line in messages() if "CPU" in line]


def test_kernels_of_a_device_share_one_workspace(graph, source, mirror):
    text = """
        layer { name: "s" type: "Source" top: "x" }
        layer { name: "t" type: "Any" top: "y" }
        layer { name: "u" type: "Any" top: "z" }
    """
    net = chosen(graph, text, device=mirror, fallback=True)
    host, *there = (node.kernel.workspace for node in net.nodes)
    assert there[0] is there[1]
    assert (host.device, there[0].device) == (CPU, mirror)


def test_a_kernel_knows_whether_backward_will_run():
    net = Net("""
        layer { name: "n" type: "Noise" top: "x" }
        layer { name: "a" type: "Double" bottom: "x" top: "a" }
        layer { name: "g" type: "Gain" bottom: "a" top: "g" }
        layer { name: "loss" type: "Total" bottom: "g" top: "loss" }
    """)
    assert [node.kernel.need_backward for node in net.nodes] == [False, False, True, True]


def test_an_engine_that_nobody_supplies_is_warned_of(graph, source, caplog):
    source(fast=Fast)
    chosen(graph, engines=("fats",))
    assert "no cpu kernel of engine 'fats' is installed" in caplog.text
    assert "Did you mean 'fast'" in caplog.text
