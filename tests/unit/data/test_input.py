from __future__ import annotations

import pytest

from caffe_core.errors import LayerError


def inputs(shapes, tops):
    names = " ".join(f"top: 'top{index}'" for index in range(tops))
    dims = ("shape { " + " ".join(f"dim: {dim}" for dim in shape) + " }" for shape in shapes)
    return f"name: 'in' type: 'Input' {names} input_param {{ {' '.join(dims)} }}"


def test_zeros_until_filled(run):
    running = run(inputs([(2, 3)], 1))
    assert running.forward()[0].tolist() == [[0] * 3] * 2
    running.top[0].data[...] = 4
    assert (running.forward()[0] == 4).all()


def test_one_shape_for_all_tops(run):
    assert [blob.shape for blob in run(inputs([(2, 3, 1)], 2)).top] == [(2, 3, 1)] * 2


def test_one_shape_for_each_top(run):
    assert [blob.shape for blob in run(inputs([(2, 3), (4,)], 2)).top] == [(2, 3), (4,)]


def test_without_shapes_the_caller_gives_them(run):
    running = run(inputs([], 2))
    running.top[1].reshape(5, 6)
    running.layer.reshape([], running.top)
    assert running.forward()[1].shape == (5, 6)


def test_callers_shape_is_kept(run):
    running = run(inputs([(2, 3)], 1))
    running.top[0].reshape(7, 3)
    running.layer.reshape([], running.top)
    assert running.top[0].shape == (7, 3)


@pytest.mark.parametrize(("shapes", "tops"), [(2, 1), (2, 3), (3, 2)])
def test_number_of_shapes(run, shapes, tops):
    with pytest.raises(
        LayerError, match=rf"in \(Input\): there are {shapes} shapes for {tops} tops"
    ):
        run(inputs([(1,)] * shapes, tops))
