from __future__ import annotations

import subprocess
import sys
from importlib import resources

import caffe
import pytest
from caffe.mode import device_name
from caffe.proto import caffe_pb2

import caffe_core
from caffe_core.errors import DeviceError


def test_every_public_name_is_there():
    for name in caffe.__all__:
        assert getattr(caffe, name) is not None
        assert name in dir(caffe)


def test_modules_are_there_without_an_import_of_their_own():
    code = (
        "import caffe\n"
        "print(caffe.proto.caffe_pb2.NetParameter.__name__, caffe.pycaffe.Net is caffe.Net,"
        " caffe._caffe.Net is caffe.Net, caffe.classifier.Classifier is caffe.Classifier,"
        " caffe.detector.Detector is caffe.Detector)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "NetParameter True True True True\n"


def test_types_are_for_the_checkers_of_those_who_use_it():
    for package in ("caffe", "caffe_core", "caffe_layer_python"):  # which has caffe.Layer
        assert (resources.files(package) / "py.typed").is_file()


def test_there_is_a_solver_class_for_each_installed_type():
    classes = [name for name in dir(caffe) if name.endswith("Solver") and name != "Solver"]
    assert classes == sorted(f"{name}Solver" for name in caffe_core.registry.solvers)
    assert all(issubclass(getattr(caffe, name), caffe.Solver) for name in classes)


def test_what_is_not_there_raises():
    with pytest.raises(AttributeError, match="module 'caffe' has no attribute 'Netz'"):
        caffe.Netz  # noqa: B018


def test_messages_and_phases_are_those_of_the_schema():
    assert caffe_pb2.NetParameter().DESCRIPTOR.full_name == "caffe.NetParameter"
    assert (caffe.TRAIN, caffe.TEST) == (caffe_pb2.TRAIN, caffe_pb2.TEST)
    assert caffe_pb2.Phase.Name(caffe.TEST) == "TEST"


def test_layer_types_are_listed_by_name():
    assert {"Convolution", "Data", "InnerProduct"} <= set(caffe.layer_type_list())


def test_a_python_layer_derives_from_layer(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "pycaffe_double.py").write_text(
        "import caffe\n"
        "class Double(caffe.Layer):\n"
        "    def reshape(self, bottom, top):\n"
        "        top[0].reshape(*bottom[0].shape)\n"
        "    def forward(self, bottom, top):\n"
        "        top[0].data[...] = 2 * bottom[0].data\n"
    )
    (tmp_path / "net.prototxt").write_text(
        "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: 2 } } }\n"
        "layer { name: 'y' type: 'Python' bottom: 'x' top: 'y'\n"
        "  python_param { module: 'pycaffe_double' layer: 'Double' } }"
    )
    net = caffe.Net(tmp_path / "net.prototxt", caffe.TEST)
    assert net.forward(x=[1, 2])["y"].tolist() == [2, 4]


def test_the_mode_chooses_the_device(tmp_path):
    try:
        caffe.set_device(98)
        assert device_name() == "cpu"
        caffe.set_mode_gpu()
        assert device_name() == "cuda:98"
        with pytest.raises(DeviceError):
            caffe.Net(tmp_path / "net.prototxt", caffe.TEST)
        with pytest.raises(DeviceError, match="GPU -1: expected 0 or more"):
            caffe.set_device(-1)
    finally:
        caffe.set_device(0)
        caffe.set_mode_cpu()
    assert device_name() == "cpu"


def test_importing_it_imports_neither_numpy_nor_protobuf():
    code = (
        "import sys, caffe; caffe.layer_type_list(); dir(caffe); "
        "print([name for name in ('numpy', 'google.protobuf') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
