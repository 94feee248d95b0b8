from __future__ import annotations

import caffe
import numpy as np
import pytest

from caffe_core.errors import CaffeError

SOLVER = """
net_param {
  layer { name: 'data' type: 'DummyData' top: 'data' top: 'label' dummy_data_param {
    shape { dim: 4 dim: 3 } shape { dim: 4 } data_filler { value: 1 } data_filler { value: 1 } } }
  layer { name: 'ip' type: 'InnerProduct' bottom: 'data' top: 'ip'
    inner_product_param { num_output: 2 weight_filler { type: 'xavier' } } }
  layer { name: 'loss' type: 'SoftmaxWithLoss' bottom: 'ip' bottom: 'label' top: 'loss' }
}
test_iter: 1 test_interval: 100 test_initialization: false
base_lr: 0.1 lr_policy: 'fixed' momentum: 0.5 max_iter: 6 random_seed: 1
type: 'Nesterov' solver_mode: GPU
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solver.prototxt").write_text(SOLVER)
    return "solver.prototxt"


def test_get_solver_makes_the_type_that_the_definition_names(path):
    solver = caffe.get_solver(path)
    assert isinstance(solver, caffe.NesterovSolver)
    assert isinstance(solver, caffe.Solver)
    assert solver.param.type == "Nesterov"


def test_a_class_has_its_own_type_whatever_the_definition_names(path):
    solver = caffe.SGDSolver(path)
    assert solver.param.type == "SGD"
    assert not isinstance(solver, caffe.NesterovSolver)


def test_it_steps_and_solves(path):
    solver = caffe.get_solver(path)
    first = solver.net.forward()["loss"].item()
    solver.step(2)
    assert solver.iter == 2
    solver.solve()
    assert solver.iter == 6
    assert solver.net.forward()["loss"] < first
    (tested,) = solver.test_nets
    assert tested.forward()["loss"] == solver.net.forward()["loss"]


def test_it_resumes_from_its_snapshot(path):
    solver = caffe.get_solver(path)
    solver.step(3)
    solver.snapshot()
    solver.solve()
    restored, resumed = caffe.get_solver(path), caffe.get_solver(path)
    restored.restore("solver_iter_3.solverstate")
    assert restored.iter == 3
    restored.solve()
    resumed.solve("solver_iter_3.solverstate")
    for other in (restored, resumed):
        for mine, its in zip(solver.net.params["ip"], other.net.params["ip"], strict=True):
            np.testing.assert_array_equal(mine.data, its.data)


def test_an_unknown_type_says_what_to_install(path, tmp_path):
    (tmp_path / "solver.prototxt").write_text(SOLVER.replace("Nesterov", "Lion"))
    with pytest.raises(CaffeError, match=r"no solver type 'Lion' .* pip install caffe-solver-lion"):
        caffe.get_solver(path)
    with pytest.raises(AttributeError, match="no attribute 'LionSolver': no solver type 'Lion'"):
        caffe.LionSolver  # noqa: B018
