from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import Blob
from caffe_core.errors import LayerError
from caffe_core.layer import Layer, Phase, at_least, between, exactly
from caffe_core.proto import caffe_pb2


def make(seed=3, **fields):
    return Layer(caffe_pb2.LayerParameter(name="l", type="T", **fields), Phase.TRAIN, seed=seed)


@pytest.mark.parametrize(
    ("count", "inside", "outside", "text"),
    [
        (exactly(2), [2], [1, 3], "2"),
        (at_least(1), [1, 9], [0], "at least 1"),
        (between(1, 3), [1, 3], [0, 4], "1 to 3"),
    ],
)
def test_counts(count, inside, outside, text):
    assert all(number in count for number in inside)
    assert not any(number in count for number in outside)
    assert str(count) == text


def test_a_layer_knows_its_name_and_type():
    layer = make()
    assert (layer.name, layer.type, layer.phase) == ("l", "T", Phase.TRAIN)
    error = layer.error("it does not work; mend it")
    assert isinstance(error, LayerError)
    assert str(error) == "l (T): it does not work; mend it"


def test_tops_get_the_shapes_of_the_bottoms_by_default():
    bottom, top = [Blob((2, 3)), Blob((4,))], [Blob(), Blob()]
    make().reshape(bottom, top)
    assert [blob.shape for blob in top] == [(2, 3), (4,)]


def test_learned_blobs_are_filled_or_zero():
    layer = make()
    layer.add_blob((2, 3))
    layer.add_blob((4,), caffe_pb2.FillerParameter(type="constant", value=2))
    assert [blob.data.tolist() for blob in layer.blobs] == [[[0] * 3] * 2, [2] * 4]


def test_one_seed_gives_one_sequence_of_random_numbers():
    first, second, other = make([1, 0]), make([1, 0]), make([1, 1])
    drawn = first.rng.random(4)
    np.testing.assert_array_equal(drawn, second.rng.random(4))
    assert (drawn != other.rng.random(4)).all()


def test_a_restored_layer_draws_what_the_other_would():
    layer, twin = make(seed=1), make(seed=2)
    layer.rng.random(3)
    twin.restore(layer.state())
    np.testing.assert_array_equal(twin.rng.random(5), layer.rng.random(5))


def test_a_layer_that_has_drawn_nothing_is_restored_to_its_first_number():
    layer, twin = make(seed=1), make(seed=2)
    twin.rng.random(3)
    twin.restore(layer.state())
    np.testing.assert_array_equal(twin.rng.random(5), layer.rng.random(5))
