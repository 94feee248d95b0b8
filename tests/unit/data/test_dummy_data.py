from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import CHANNELS_LAST
from caffe_core.errors import LayerError, PluginError

SHAPE = "shape { dim: 2 dim: 3 dim: 4 dim: 5 }"
GAUSSIAN = "data_filler { type: 'gaussian' }"


def dummy(param, tops=1):
    names = " ".join(f"top: 'top{index}'" for index in range(tops))
    return f"name: 'dummy' type: 'DummyData' {names} dummy_data_param {{ {param} }}"


def test_zeros_without_a_filler(run):
    (found,) = run(dummy(SHAPE)).forward()
    assert found.shape == (2, 3, 4, 5)
    assert not found.any()


def test_one_shape_and_filler_for_all_tops(run):
    found = run(dummy(f"{SHAPE} data_filler {{ value: 2 }}", 3)).forward()
    assert [each.shape for each in found] == [(2, 3, 4, 5)] * 3
    assert all((each == 2).all() for each in found)


def test_one_shape_and_filler_for_each_top(run):
    param = "shape { dim: 2 } shape { } data_filler { value: 1 } data_filler { value: 2 }"
    first, second = run(dummy(param, 2)).forward()
    assert first.tolist() == [1, 1]
    assert second.tolist() == 2


def test_older_shapes(run):
    param = "num: 2 num: 4 channels: 3 height: 1 width: 5 width: 6"
    assert [blob.shape for blob in run(dummy(param, 2)).top] == [(2, 3, 1, 5), (4, 3, 1, 6)]


def test_constants_are_filled_at_once_and_then_are_the_callers(run):
    running = run(dummy(f"{SHAPE} data_filler {{ value: 2 }}"))
    assert (running.top[0].data == 2).all()
    running.top[0].data[...] = 7
    assert (running.forward()[0] == 7).all()


def test_random_numbers_are_new_in_each_forward(run):
    running = run(dummy(f"{SHAPE} {GAUSSIAN} {GAUSSIAN} data_filler {{ value: 1 }}", 3))
    first, second = running.forward(), running.forward()
    assert (first[0] != second[0]).all()
    assert (first[0] != first[1]).all()
    assert (second[2] == 1).all()


def test_random_numbers_come_from_the_seed(run):
    found = [run(dummy(f"{SHAPE} {GAUSSIAN}"), seed=seed).forward()[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_a_restored_layer_goes_on_as_the_saved_one(run):
    whole, resumed = (run(dummy(f"{SHAPE} {GAUSSIAN}"), seed=seed) for seed in (1, 2))
    whole.forward()
    resumed.layer.restore(whole.layer.state())
    np.testing.assert_array_equal(whole.forward()[0], resumed.forward()[0])


def test_channels_last_gets_the_same_numbers(run):
    plain, other = (run(dummy(f"{SHAPE} {GAUSSIAN}")) for _ in range(2))
    other.top[0].format = CHANNELS_LAST
    np.testing.assert_array_equal(plain.forward()[0], other.forward()[0])


def test_callers_shape_is_kept(run):
    running = run(dummy(f"{SHAPE} {GAUSSIAN}"))
    running.top[0].reshape(3, 2)
    running.layer.reshape([], running.top)
    assert running.forward()[0].shape == (3, 2)


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("", "the shape of the tops is missing"),
        ("num: 1 channels: 2 height: 3", "the shape of the tops is missing"),
        (f"{SHAPE} num: 1", "shape and num, channels, height, width exclude each other"),
        (f"{SHAPE} {SHAPE}", "there are 2 shape for 3 tops; set dummy_data_param.shape once"),
        (f"{SHAPE} {GAUSSIAN} {GAUSSIAN}", "there are 2 data_filler for 3 tops"),
        ("num: 1 num: 2 channels: 1 height: 1 width: 1", "there are 2 num for 3 tops"),
    ],
)
def test_what_does_not_fit(run, param, message):
    with pytest.raises(LayerError, match=rf"dummy \(DummyData\): {message}"):
        run(dummy(param, 3))


def test_unknown_filler(run):
    running = run(dummy(f"{SHAPE} data_filler {{ type: 'gausian' }}"))
    with pytest.raises(PluginError, match=r"no filler 'gausian'.*Did you mean 'gaussian'"):
        running.forward()
