"""Every name of pycaffe's public surface, used as its documentation uses it."""

from __future__ import annotations

import gc
import logging
import re
import resource
import runpy
import sys
import threading
import time
import weakref
from pathlib import Path
from types import ModuleType

import caffe
import numpy as np
import pytest
from caffe.proto import caffe_pb2

from caffe_core.errors import CaffeError, DeviceError
from caffe_core.tensor import Tensor
from caffe_core.testing.emulation import compiler

ROOT = Path(__file__).parents[3]
NET = """
name: "small" force_backward: true
layer { name: "data" type: "Input" top: "data"
  input_param { shape { dim: 4 dim: 3 dim: 5 dim: 5 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
"""
NORMALISED = """
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }
layer { name: "sc" type: "Scale" bottom: "bn" top: "bn" scale_param { bias_term: true } }
layer { name: "nothing" type: "ReLU" bottom: "bn" top: "sc" }
"""
MEMORY = """
layer { name: "data" type: "MemoryData" top: "data" top: "label"
  memory_data_param { batch_size: 2 channels: 1 height: 1 width: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "constant" value: 1 } } }
"""
SOLVER = """
net_param {
  layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
    shape { dim: 4 dim: 3 } shape { dim: 4 dim: 1 }
    data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
    inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "t" top: "loss" }
}
base_lr: 0.1 lr_policy: "fixed" max_iter: 6 random_seed: 1 snapshot_prefix: "%s" solver_mode: CPU
test_iter: 1 test_interval: 100
"""


@pytest.fixture
def net():
    return caffe.Net(NET, caffe.TEST)


@pytest.fixture
def solver(tmp_path):
    return caffe.get_solver(SOLVER % (tmp_path / "s"))


@pytest.fixture
def images():
    return np.random.default_rng(0).standard_normal((10, 3, 5, 5)).astype(np.float32)


class TestNet:
    def test_ways_to_build_one(self, net, tmp_path):
        path, weights = str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel")
        Path(path).write_text(NET)
        net.save(weights)
        message = caffe_pb2.NetParameter.FromString(net._net.param.SerializeToString())
        made = [
            caffe.Net(path, weights, caffe.TEST),
            caffe.Net(path, caffe.TEST, weights=weights),
            caffe.Net(network_file=path, phase=caffe.TEST, level=0, stages=["x"], weights=weights),
            caffe.Net(NET, caffe.TEST, weights=weights),
            caffe.Net(message, caffe.TEST, weights=weights),
        ]
        for each in made:
            np.testing.assert_array_equal(each.params["conv"][0].data, net.params["conv"][0].data)
        with pytest.raises(RuntimeError, match="the phase is missing"):
            caffe.Net(path)

    def test_names_and_numbers(self, net):
        assert net._blob_names == ["data", "conv", "ip"]
        assert net._layer_names == ["data", "conv", "relu", "ip"]
        assert (net._inputs, net._outputs) == ([0], [2])
        assert (net._bottom_ids(3), net._top_ids(2)) == ([1], [1])
        assert [blob.shape for blob in net._blobs] == [(4, 3, 5, 5), (4, 2, 3, 3), (4, 3)]
        assert net.layer_dict["conv"].blobs[0].shape == (2, 3, 3, 3)
        assert [layer.type for layer in net.layers][1:3] == ["Convolution", "ReLU"]
        blob = net.blobs["conv"]
        assert (blob.num, blob.channels, blob.height, blob.width, blob.count) == (4, 2, 3, 3, 72)

    def test_any_number_of_items(self, net, images):
        found = net.forward_all(blobs=["conv"], data=images)
        assert {name: array.shape for name, array in found.items()} == {
            "ip": (10, 3),
            "conv": (10, 2, 3, 3),
        }
        for start in range(0, 8, 4):
            outputs = net.forward(data=images[start : start + 4])
            np.testing.assert_allclose(found["ip"][start : start + 4], outputs["ip"], rtol=1e-6)

    def test_any_number_of_items_and_their_gradients(self, net, images):
        gradient = np.ones((10, 3), np.float32)
        outputs, diffs = net.forward_backward_all(diffs=["conv"], data=images, ip=gradient)
        assert outputs["ip"].shape == (10, 3)
        assert {name: diff.shape for name, diff in diffs.items()} == {
            "data": (10, 3, 5, 5),
            "conv": (10, 2, 3, 3),
        }
        net.forward(data=images[:4])
        net.backward(ip=gradient[:4])
        np.testing.assert_allclose(diffs["data"][:4], net.blobs["data"].diff, rtol=1e-5)

    def test_arrays_must_be_equally_long(self, net, images):
        with pytest.raises(CaffeError, match="equally many items"):
            net.forward_backward_all(data=images, ip=np.ones((3, 3)))

    def test_layers_by_index(self, net, images):
        net.blobs["data"].data[...] = images[:4]
        assert net._forward(0, 3) == 0
        net.blobs["ip"].diff[...] = 1
        net._backward(3, 0)
        assert np.abs(net.blobs["data"].diff).sum() > 0
        assert [each["data"].shape for each in net._batch({"data": images})] == [(4, 3, 5, 5)] * 3

    def test_callbacks_see_each_layer_by_itself(self, net, images):
        seen = []
        net.before_forward(lambda index: seen.append(("before", index)))
        net.after_forward(lambda index: seen.append(("after", index)))
        negative = []
        net.after_forward(lambda index: negative.append((net.blobs["conv"].data < 0).any()))
        net.forward(data=images[:4])
        assert seen == [(when, index) for index in range(4) for when in ("before", "after")]
        assert negative == [False, True, False, False]  # the ReLU has not run after the conv
        seen.clear()
        net.before_backward(lambda index: seen.append(index))
        net.after_backward(lambda index: seen.append(-index))
        net.backward(ip=np.ones((4, 3)))
        assert seen == [3, -3, 2, -2, 1, -1, 0, 0]

    def test_hdf5_there_and_back(self, net, tmp_path):
        path = str(tmp_path / "weights")
        net.save_hdf5(path)
        other = caffe.Net(NET, caffe.TEST)
        other.load_hdf5(path)
        np.testing.assert_array_equal(other.params["ip"][0].data, net.params["ip"][0].data)

    def test_sharing_and_clearing(self, net):
        other = caffe.Net(NET, caffe.TEST)
        other.share_with(net)
        net.params["ip"][0].data[...] = 3
        assert (other.params["ip"][0].data == 3).all()
        net.params["ip"][0].diff[...] = 1
        net.clear_param_diffs()
        assert not net.params["ip"][0].diff.any()

    def test_arrays_as_input(self, net):
        with pytest.raises(CaffeError, match="first layer is a MemoryData layer; it is Input"):
            net.set_input_arrays(np.zeros((2, 1, 1, 3)), np.zeros(2))
        net = caffe.Net(MEMORY, caffe.TEST)
        net.set_input_arrays(np.arange(12, dtype=np.float32).reshape(4, 1, 1, 3), np.zeros(4))
        assert net.forward()["label"].shape == (2, 1, 1, 1)
        np.testing.assert_allclose(net.blobs["ip"].data[:, 0], [3, 12])

    def test_in_a_notebook(self, net):
        html = net._repr_html_()
        assert html.startswith("<h4>small</h4><table>")
        assert "<details open><summary>drawing</summary><svg" in html
        assert str(net.summary()).splitlines()[-1].split()[:2] == ["total", "113"]
        assert repr(net).startswith("<Net 'small' TEST: 4 layers")

    @pytest.mark.parametrize(
        ("layers", "shown"),
        [
            (50, "<details><summary>drawing</summary><svg"),
            (500, "<p>504 layers are too many to draw here: <code>caffe.draw.draw_net_to_file"),
        ],
    )
    def test_the_drawing_of_a_large_net_is_folded_away_or_left_to_a_file(self, layers, shown):
        layer = "layer { name: '%d' type: 'ReLU' bottom: 'ip' top: 'ip' }"
        net = caffe.Net(NET + "".join(layer % each for each in range(layers)), caffe.TEST)
        html = net._repr_html_()
        assert shown in html
        assert ("<svg" in html) == ("<svg" in shown)

    def test_resnet_50_is_shown_in_an_instant(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)  # which would take seconds
        monkeypatch.setenv("PATH", "")  # and so would Graphviz
        namespace = runpy.run_path(str(ROOT / "examples" / "netspec" / "resnet50.py"))
        net = caffe.Net(namespace["resnet50"](), caffe.TEST)
        net._repr_html_()
        start = time.process_time()
        html = net._repr_html_()
        assert time.process_time() - start < 0.5
        assert html.count("<polygon") > 300

    def test_without_what_draws_there_is_the_table_alone(self, net, monkeypatch):
        monkeypatch.setitem(sys.modules, "pydot", None)
        assert net._repr_html_().endswith("</table>")

    def test_a_thousand_nets_leave_nothing_behind(self, images):
        def build():
            net = caffe.Net(NET, caffe.TEST)
            net.forward(data=images[:4])
            return net.blobs["ip"].data

        kept = build()
        copy = kept.copy()
        for _ in range(50):
            build()
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(950):
            build()
        gc.collect()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert grown < 8 << 10  # KiB
        np.testing.assert_array_equal(kept, copy)

    @pytest.mark.parametrize(
        "options",
        [{}, {"phase": caffe.TEST, "keep": []}, {"precision": "bf16"}, {"device": "emulated"}],
        ids=str,
    )
    def test_the_memory_of_one_that_is_dropped_is_freed_at_once(self, options, images):
        def tensors():
            return sum(isinstance(each, Tensor) for each in gc.get_objects())

        def use():
            net = caffe.Net(NET + NORMALISED, **{"phase": caffe.TRAIN, **options})
            net.forward(data=images[:4])
            if net._net.phase == caffe.TRAIN:
                net.backward(sc=np.ones((4, 2, 3, 3)), ip=np.ones((4, 3)))
            return [net.params["conv"][0].data, net.blobs["ip"].data]

        if "device" in options and compiler() is None:
            pytest.skip("needs g++")
        use()
        gc.collect()
        gc.disable()  # cycles are collected by their number, not by the memory that they hold
        try:
            before = tensors()
            arrays = use()
            assert tensors() == before
            assert all(np.isfinite(array).all() for array in arrays)
        finally:
            gc.enable()

    def test_threads_run_nets_of_their_own(self, images):
        results = {}

        def work(name):
            caffe.set_random_seed(0)
            net = caffe.Net(NET, caffe.TEST, seed=4)
            for _ in range(20):
                results[name] = net.forward(data=images[:4])["ip"].copy()

        threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        np.testing.assert_array_equal(results[0], results[1])
        np.testing.assert_array_equal(results[0], results[2])


class TestSolver:
    @pytest.mark.parametrize("name", ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"])
    def test_a_class_for_each_rule(self, name, tmp_path):
        solver = getattr(caffe, f"{name}Solver")(SOLVER % tmp_path)
        assert isinstance(solver, caffe.Solver)
        assert solver.type == name
        solver.step(2)
        assert solver.iter == 2
        assert len(solver.losses) == 2

    def test_files_texts_and_messages(self, solver, tmp_path):
        path = tmp_path / "solver.prototxt"
        path.write_text(SOLVER % tmp_path)
        assert caffe.SGDSolver(str(path)).param.max_iter == 6
        assert caffe.SGDSolver(solver.param).max_iter == 6

    def test_it_solves_snapshots_and_resumes(self, solver, tmp_path):
        solver.solve()
        assert solver.iter == 6
        assert solver.lr == pytest.approx(0.1)
        solver.snapshot()
        other = caffe.get_solver(SOLVER % (tmp_path / "s"))
        other.restore(str(tmp_path / "s_iter_6.solverstate"))
        assert other.iter == 6
        np.testing.assert_array_equal(
            other.net.params["ip"][0].data, solver.net.params["ip"][0].data
        )
        assert len(solver.test_nets) == 1

    def test_a_loop_by_hand_is_a_step(self, solver, tmp_path):
        other = caffe.get_solver(SOLVER % (tmp_path / "s"))
        other.step(1)
        solver.net.clear_param_diffs()
        solver.net.forward()
        solver.net.backward()
        solver.apply_update()
        assert solver.iter == 0
        np.testing.assert_array_equal(
            solver.net.params["ip"][0].data, other.net.params["ip"][0].data
        )

    def test_callbacks(self, solver):
        seen = []
        solver.add_callback(
            lambda: seen.append("start"),
            lambda: seen.append(float(np.abs(solver.net.params["ip"][0].diff).sum()) > 0),
        )
        solver.step(2)
        assert seen == ["start", True] * 2

    def test_one_that_is_dropped_is_freed_at_once(self, tmp_path):
        gc.disable()
        try:
            solver = caffe.get_solver(SOLVER % tmp_path)
            solver.net.after_forward(lambda index: None)
            solver.step(1)
            solver.test_nets[0].forward()
            freed = [weakref.ref(each) for each in (solver, solver._solver, solver._solver.net)]
            del solver
            assert [each() for each in freed] == [None] * 3
        finally:
            gc.enable()

    def test_another_net_uses_its_weights(self, solver):
        solver.step(1)
        other = caffe.Net(solver.param.net_param, caffe.TEST)
        trained = solver.net.params["ip"][0].data.copy()
        solver.share_weights(other)
        np.testing.assert_array_equal(other.params["ip"][0].data, trained)
        solver.step(1)
        assert (other.params["ip"][0].data != trained).any()
        np.testing.assert_array_equal(other.params["ip"][0].data, solver.net.params["ip"][0].data)

    def test_in_a_notebook(self, solver):
        assert "none yet" in solver._repr_html_()
        solver.step(3)
        html = solver._repr_html_()
        assert "<td>3 of 6</td>" in html
        assert "<polyline" in html


class TestModule:
    def test_modes_and_devices(self):
        caffe.set_mode_cpu()
        with caffe.device("cpu"):
            caffe.Net(NET, caffe.TEST)
        with pytest.raises(DeviceError), caffe.device("cuda:99"):
            pass

    def test_what_solvers_know_of_each_other(self):
        assert (caffe.solver_count(), caffe.solver_rank(), caffe.multiprocess()) == (1, 0, False)
        caffe.set_solver_count(2), caffe.set_solver_rank(1), caffe.set_multiprocess(True)
        assert (caffe.solver_count(), caffe.solver_rank(), caffe.multiprocess()) == (2, 1, True)
        caffe.set_solver_count(1), caffe.set_solver_rank(0), caffe.set_multiprocess(False)
        assert caffe.has_nccl() is False
        for use in (caffe.NCCL, caffe.NCCL.new_uid):
            with pytest.raises(DeviceError, match="NCCL is not supported"):
                use()

    def test_the_log(self, caplog):
        caplog.set_level(logging.INFO, logger="caffe")
        caffe.log("hello")
        assert caplog.messages == ["hello"]
        logger = logging.getLogger("caffe")
        before, level = list(logger.handlers), logger.level
        try:
            caffe.init_log(1)
            caffe.init_log(0)
            assert len(logger.handlers) <= len(before) + 1
            assert logger.level == logging.INFO
        finally:
            logger.handlers[:] = before
            logger.setLevel(level)

    def test_a_timer(self):
        timer = caffe.Timer()
        timer.start()
        timer.stop()
        assert 0 <= timer.ms < 1000
        assert timer.ms == timer.ms

    def test_the_types_that_scripts_ask_for(self, net):
        from caffe import _caffe

        assert {type(blobs) for blobs in net.params.values()} == {_caffe.BlobVec}
        assert {type(blob) for blob in net._blobs} == {_caffe.Blob}
        for name in ("RawBlobVec", "LayerVec", "NetVec", "IntVec", "StringVec"):
            assert getattr(_caffe, name) is list
        assert _caffe.LayerParameter is caffe_pb2.LayerParameter

    def test_where_scripts_import_from(self):
        from caffe import pycaffe
        from caffe._caffe import Layer
        from caffe.pycaffe import Net, SGDSolver

        assert (Net, SGDSolver, Layer) == (caffe.Net, caffe.SGDSolver, caffe.Layer)
        assert pycaffe.get_solver is caffe.get_solver
        assert (caffe.TRAIN, caffe.TEST) == (caffe_pb2.TRAIN, caffe_pb2.TEST)
        assert "Convolution" in caffe.layer_type_list()
        assert re.fullmatch(r"\d+\.\d+\.\d+", caffe.__version__)


class TestPythonLayer:
    MODULE = """
import caffe, numpy as np

class Times(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = float(self.param_str)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        if np.isnan(bottom[0].data).any():
            raise ValueError("not a number")
        top[0].data[...] = self.blobs[0].data * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum()
        if propagate_down[0]:
            bottom[0].diff[...] = self.blobs[0].data * top[0].diff
"""
    NET = """
    layer { name: "x" type: "Input" top: "x" top: "t"
      input_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 3 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip"
      inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "times" type: "Python" bottom: "ip" top: "times"
      python_param { module: "surface_times" layer: "Times" param_str: "2"
                     share_in_parallel: true } }
    layer { name: "loss" type: "EuclideanLoss" bottom: "times" bottom: "t" top: "loss" }
    """

    @pytest.fixture
    def solver(self, tmp_path, monkeypatch):
        (tmp_path / "surface_times.py").write_text(self.MODULE)
        monkeypatch.syspath_prepend(str(tmp_path))
        return caffe.get_solver(
            f"net_param {{ {self.NET} }} base_lr: 0.05 lr_policy: 'fixed' random_seed: 1 "
            "solver_mode: CPU"
        )

    def test_it_learns(self, solver):
        rng = np.random.default_rng(0)
        for _ in range(200):
            x = rng.standard_normal((4, 3))
            solver.net.blobs["x"].data[...] = x
            solver.net.blobs["t"].data[...] = 5 * x
            solver.step(1)
        assert solver.losses[-1] < 0.01 * solver.losses[0]
        assert solver.net.params["times"][0].data[0] != 2

    def test_a_net_shows_the_object_of_the_user_s_class(self, solver, tmp_path):
        layer = solver.net.layers[solver.net._layer_names.index("times")]
        assert type(layer).__name__ == "Times"
        assert solver.net.layer_dict["times"] is layer
        assert (layer.type, layer.blobs[0].data[0]) == ("Python", 2)
        (tmp_path / "surface_plain.py").write_text(
            "class Plain:\n"
            "    def setup(self, bottom, top):\n        self.value = 0\n"
            "    def reshape(self, bottom, top):\n        top[0].reshape(1)\n"
            "    def forward(self, bottom, top):\n        top[0].data[...] = self.value\n"
        )
        net = caffe.Net(
            "layer { name: 'plain' type: 'Python' top: 'plain' "
            "python_param { module: 'surface_plain' layer: 'Plain' } }",
            caffe.TEST,
        )
        net.layers[0].value = 7
        assert (net.layers[0].type, net.forward()["plain"].tolist()) == ("Python", [7])

    @pytest.mark.parametrize("device", ["cpu", "emulated"])
    def test_the_one_of_the_documentation(self, device, tmp_path, monkeypatch):
        if device == "emulated" and compiler() is None:
            pytest.skip("needs g++")
        text = (ROOT / "docs" / "pycaffe.md").read_text()
        code = re.search(r"```python\n(import caffe\n.*?)```", text, re.DOTALL)[1]
        (tmp_path / "surface_documented.py").write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
        with caffe.device(device):
            net = caffe.Net(
                "force_backward: true "
                "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 3 } } }"
                "layer { name: 'y' type: 'Python' bottom: 'x' top: 'y' "
                "python_param { module: 'surface_documented' layer: 'Softplus' } }",
                caffe.TRAIN,
            )
        x = np.array([-1.0, 0, 2])
        np.testing.assert_allclose(net.forward(x=x)["y"], np.log1p(np.exp(x)), rtol=1e-6)
        found = net.backward(y=np.ones(3))["x"]
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-x)), rtol=1e-6)

    @pytest.mark.usefixtures("solver")  # which has the module
    def test_a_net_of_it_that_is_dropped_is_freed_at_once(self):
        gc.disable()
        try:
            net = caffe.Net(self.NET, caffe.TRAIN)
            net.forward()
            net.backward()
            freed = [weakref.ref(each) for each in (net._net, net.layer_dict["times"])]
            del net
            assert [each() for each in freed] == [None, None]
        finally:
            gc.enable()

    def test_its_errors_name_the_layer_and_keep_the_traceback(self, solver):
        solver.net.blobs["x"].data[...] = np.nan
        with pytest.raises(RuntimeError, match=r"times \(Python\): Times.forward raised") as caught:
            solver.net.forward()
        cause = caught.value.__cause__
        while cause.__cause__ is not None:
            cause = cause.__cause__
        assert isinstance(cause, ValueError)
        assert cause.__traceback__ is not None


def names(holder, kind):
    """The public names of a class, or those that a module defines."""
    if not isinstance(kind, ModuleType):
        own = vars(kind)
    elif hasattr(kind, "__all__"):
        own = kind.__all__
    else:
        home = kind.__name__
        own = (
            name
            for name, value in vars(kind).items()
            if getattr(value, "__module__", home) == home and not isinstance(value, ModuleType)
        )
    return {f"{holder}.{name}" for name in own if not name.startswith("_")}


def test_the_documentation_lists_every_name():
    text = (ROOT / "docs" / "pycaffe.md").read_text()
    named = set(re.findall(r"`([\w.]+)`", text))
    public = {name for name in caffe.__all__ if not name.startswith("__")}
    classes = ("Net", "Solver", "Classifier", "Detector", "NetSpec")
    for holder in (*classes, "io", "draw", "net_spec", "coord_map"):
        public |= names(holder, getattr(caffe, holder))
    public |= names("Transformer", caffe.io.Transformer)
    hints = {"coord_map.Map", "net_spec.Names"}
    assert sorted(public - named - hints) == []
