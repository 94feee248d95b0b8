from __future__ import annotations

import logging

import numpy as np
import pytest

from caffe_core.blob import CHANNELS_LAST
from caffe_core.data import datum
from caffe_core.errors import DataError, LayerError

PARAM = "memory_data_param { batch_size: 2 channels: 3 height: 4 width: 5 }"
ARRAY = np.random.default_rng(0).standard_normal((6, 3, 4, 5)).astype(np.float32)
LABELS = np.arange(6)


def memory(param=PARAM, more=""):
    return f"name: 'data' type: 'MemoryData' top: 'data' top: 'label' {param} {more}"


def test_shapes(run):
    assert [blob.shape for blob in run(memory()).top] == [(2, 3, 4, 5), (2, 1, 1, 1)]


@pytest.mark.parametrize("form", [(6,), (6, 1, 1, 1), (6, 1)])
def test_batches_in_turn(run, form):
    running = run(memory())
    running.layer.set_arrays(ARRAY, LABELS.reshape(form))
    for turn in (0, 2, 4, 0, 2):
        images, labels = running.forward()
        np.testing.assert_array_equal(images, ARRAY[turn : turn + 2])
        assert labels.ravel().tolist() == [turn, turn + 1]


def test_channels_last(run):
    running = run(memory())
    running.top[0].format = CHANNELS_LAST
    running.layer.set_arrays(ARRAY, LABELS)
    np.testing.assert_array_equal(running.forward()[0], ARRAY[:2])


def test_arrays_are_not_copied(run):
    running = run(memory())
    mine = ARRAY.copy()
    running.layer.set_arrays(mine, LABELS)
    mine[...] = 5
    assert (running.forward()[0] == 5).all()


def test_other_element_types_are_converted(run):
    running = run(memory())
    running.layer.set_arrays(ARRAY.astype(np.float64), LABELS.astype(np.int64))
    np.testing.assert_array_equal(running.forward()[0], ARRAY[:2])


def test_new_arrays_start_from_their_beginning(run):
    running = run(memory())
    running.layer.set_arrays(ARRAY, LABELS)
    running.forward()
    running.layer.set_arrays(-ARRAY[:2], LABELS[:2])
    np.testing.assert_array_equal(running.forward()[0], -ARRAY[:2])


def test_state(run):
    first, second = run(memory()), run(memory())
    for running in (first, second):
        running.layer.set_arrays(ARRAY, LABELS)
    first.forward()
    second.layer.restore(first.layer.state())
    assert second.forward()[1].ravel().tolist() == [2, 3]


def test_skip(run):
    running = run(memory())
    running.layer.set_arrays(ARRAY, LABELS)
    running.layer.skip(5)
    assert running.forward()[1].ravel().tolist() == [4, 5]


def test_transform_param_does_not_apply_to_arrays_and_says_so(run, caplog):
    running = run(memory(more="transform_param { scale: 2 }"))
    with caplog.at_level(logging.WARNING, "caffe"):
        running.layer.set_arrays(ARRAY, LABELS)
    assert "data (MemoryData): transform_param does not apply to arrays" in caplog.text
    np.testing.assert_array_equal(running.forward()[0], ARRAY[:2])


def test_transform_param_applies_to_datums(run, caplog):
    running = run(
        memory(more="transform_param { scale: 2 crop_size: 4 mean_value: 1 }").replace("5", "4")
    )
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4), np.uint8)
    with caplog.at_level(logging.WARNING, "caffe"):
        running.layer.add_datums([datum.from_array(each, 7) for each in pixels])
    images, labels = running.forward()
    np.testing.assert_array_equal(images, (pixels.astype(np.float32) - 1) * 2)
    assert labels.ravel().tolist() == [7, 7]
    assert not caplog.records


def test_encoded_datums(run, png):
    running = run(memory(more="transform_param { force_color: true }"))
    running.layer.add_datums([png(np.full((4, 5), 9, np.uint8))] * 2)
    assert (running.forward()[0] == 9).all()


def test_datum_of_another_shape(run, numbered):
    with pytest.raises(LayerError, match=r"datum 0 gives \(1, 2, 3\), .* takes \(3, 4, 5\)"):
        run(memory()).layer.add_datums(numbered(2))


def test_damaged_datum(run, png):
    bad = png(np.zeros((4, 5), np.uint8))
    bad.data = b"trash"
    with pytest.raises(DataError, match="cannot be decoded"):
        run(memory()).layer.add_datums([bad, bad])


def test_no_data_yet(run):
    with pytest.raises(
        LayerError, match=r"data \(MemoryData\): there is no data yet; call set_arrays"
    ):
        run(memory()).forward()


@pytest.mark.parametrize("array", [ARRAY[:5], ARRAY[:0], ARRAY[:, :2], ARRAY[0]])
def test_shapes_that_do_not_fit(run, array):
    with pytest.raises(
        LayerError, match=r"expected items of \(3, 4, 5\) .* multiple of batch_size 2"
    ):
        run(memory()).layer.set_arrays(array, LABELS[: len(array)])


def test_number_of_labels(run):
    with pytest.raises(LayerError, match="there are 5 labels for 6 items"):
        run(memory()).layer.set_arrays(ARRAY, LABELS[:5])


@pytest.mark.parametrize("missing", ["batch_size: 2", "channels: 3", "height: 4", "width: 5"])
def test_all_axes_must_be_set(run, missing):
    with pytest.raises(LayerError, match="set all of batch_size, channels, height, width"):
        run(memory(PARAM.replace(missing, "")))
