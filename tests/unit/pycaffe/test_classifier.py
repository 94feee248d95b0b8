from __future__ import annotations

import caffe
import numpy as np
import pytest


@pytest.mark.parametrize("oversample", [True, False])
def test_it_says_what_images_show(trained, takes, oversample):
    classifier = caffe.Classifier(trained.model, trained.weights, image_dims=(14, 14), **takes)
    images = [caffe.io.load_image(path) for path in trained.images]
    found = classifier.predict(images * 2, oversample)
    assert found.shape == (6, 3)
    assert list(found.argmax(axis=1)) == [0, 1, 2] * 2
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_the_positions_of_its_arguments_are_pycaffe_s(trained, takes):
    mean, swap = takes["mean"], takes["channel_swap"]
    classifier = caffe.Classifier(trained.model, trained.weights, (12, 12), mean, 0.5, 2.0, swap)
    assert classifier.image_dims == (12, 12)
    assert list(classifier.crop_dims) == [12, 12]
    assert classifier.transformer.input_scale == {"data": 0.5}
    assert classifier.transformer.raw_scale == {"data": 2.0}


def test_the_size_of_images_may_be_an_array(trained, takes):
    classifier = caffe.Classifier(trained.model, trained.weights, np.array([14, 15]), **takes)
    assert classifier.image_dims == (14, 15)


def test_ten_crops_are_averaged(trained, takes):
    classifier = caffe.Classifier(trained.model, trained.weights, image_dims=(16, 16), **takes)
    image = caffe.io.load_image(trained.images[1])
    crops = caffe.io.oversample([image], (12, 12))
    each = classifier.predict(list(crops[:, :, :]), oversample=False)
    classifier.image_dims = (16, 16)
    together = classifier.predict([image])
    assert together.shape == (1, 3)
    assert each.shape == (10, 3)
