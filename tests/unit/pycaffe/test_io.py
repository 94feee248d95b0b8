from __future__ import annotations

import caffe
import numpy as np
import pytest
from caffe.proto import caffe_pb2
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from caffe_core.errors import CaffeError, DataError

IMAGES = arrays(np.float32, (6, 8, 3), elements=st.floats(0, 1, width=32))


class TestMessages:
    def test_blobs_there_and_back(self):
        array = np.arange(24.0).reshape(2, 3, 4)
        blob = caffe.io.array_to_blobproto(array, -array)
        np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob), array)
        np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob, return_diff=True), -array)

    def test_a_blob_of_an_older_caffe_has_four_axes(self):
        blob = caffe_pb2.BlobProto(num=1, channels=2, height=1, width=3, data=range(6))
        assert caffe.io.blobproto_to_array(blob).shape == (1, 2, 1, 3)

    def test_a_blob_without_a_shape_is_a_single_number(self):
        assert caffe.io.blobproto_to_array(caffe_pb2.BlobProto(data=[123])) == 123
        with pytest.raises(ValueError, match="cannot reshape array of size 2"):
            caffe.io.blobproto_to_array(caffe_pb2.BlobProto(data=[1, 2]))

    def test_lists_of_arrays_there_and_back(self):
        given_arrays = [np.ones((2, 2)), np.zeros(3)]
        text = caffe.io.arraylist_to_blobprotovector_str(given_arrays)
        found = caffe.io.blobprotovector_str_to_arraylist(text)
        assert [each.shape for each in found] == [(2, 2), (3,)]
        assert caffe.io.arraylist_to_blobprotovecor_str(given_arrays) == text  # its first spelling

    @pytest.mark.parametrize("dtype", [np.uint8, np.float32])
    def test_datums_there_and_back(self, dtype):
        array = np.arange(24, dtype=dtype).reshape(2, 3, 4)
        datum = caffe.io.array_to_datum(array, label=7)
        assert (datum.label, bool(datum.data)) == (7, dtype == np.uint8)
        np.testing.assert_array_equal(caffe.io.datum_to_array(datum), array)

    def test_a_datum_has_three_axes(self):
        with pytest.raises(ValueError, match="Incorrect array shape"):
            caffe.io.array_to_datum(np.zeros((2, 3)))


class TestImages:
    def write(self, path, mode, size=(4, 2)):
        Image.new(mode, size, 128 if mode == "L" else (255, 0, 51, 9)[: len(mode)]).save(path)
        return path

    def test_colours_are_red_green_blue_from_0_to_1(self, tmp_path):
        for mode in ("RGB", "RGBA"):
            image = caffe.io.load_image(self.write(tmp_path / f"{mode}.png", mode))
            assert (image.shape, image.dtype) == ((2, 4, 3), np.float32)
            np.testing.assert_allclose(image[0, 0], [1, 0, 0.2], atol=1e-6)

    def test_gray_images_have_as_many_channels_as_are_asked_for(self, tmp_path):
        path = self.write(tmp_path / "gray.png", "L")
        assert caffe.io.load_image(path).shape == (2, 4, 3)
        gray = caffe.io.load_image(path, color=False)
        np.testing.assert_allclose(gray, np.full((2, 4, 1), 128 / 255), rtol=1e-6)
        coloured = caffe.io.load_image(self.write(tmp_path / "c.png", "RGB"), color=False)
        np.testing.assert_allclose(coloured, 0.2125 + 0.2 * 0.0721, rtol=1e-5)

    @pytest.mark.parametrize("kind", [DataError, RuntimeError, OSError])
    def test_a_file_that_is_no_image(self, kind, tmp_path):
        (tmp_path / "no.png").write_text("no")
        for name in ("no.png", "missing.png"):
            with pytest.raises(kind, match=f"{name}: cannot read the image"):
                caffe.io.load_image(tmp_path / name)

    def test_resizing_interpolates(self):
        ramp = np.linspace(0, 1, 8, dtype=np.float32)[None, :, None] * np.ones(
            (4, 1, 5), np.float32
        )
        larger = caffe.io.resize_image(ramp, (8, 16))
        assert larger.shape == (8, 16, 5)
        middle = larger[4, 1:-1, 2]
        np.testing.assert_allclose(np.diff(middle), 1 / 14, atol=1e-5)
        np.testing.assert_array_equal(caffe.io.resize_image(ramp, (4, 8)), ramp)

    def test_a_constant_image_stays_so(self):
        image = np.full((5, 7, 3), 0.3, np.float32)
        np.testing.assert_allclose(caffe.io.resize_image(image, (11, 3)), 0.3, rtol=1e-6)

    def test_ten_crops(self):
        image = np.arange(5 * 6, dtype=np.float32).reshape(1, 5, 6, 1)
        crops = caffe.io.oversample(image, (3, 4))
        assert crops.shape == (10, 3, 4, 1)
        assert [crop[0, 0, 0] for crop in crops[:5]] == [0, 2, 12, 14, 7]
        np.testing.assert_array_equal(crops[5:], crops[:5, :, ::-1])

    def test_crops_must_fit(self):
        with pytest.raises(CaffeError, match="do not fit"):
            caffe.io.oversample(np.zeros((1, 4, 4, 3)), (5, 4))


class TestTransformer:
    def transformer(self):
        made = caffe.io.Transformer({"data": (1, 3, 6, 8)})
        made.set_transpose("data", (2, 0, 1))
        made.set_channel_swap("data", (2, 1, 0))
        made.set_raw_scale("data", 255)
        made.set_mean("data", np.array([104.0, 117.0, 123.0]))
        made.set_input_scale("data", 0.5)
        return made

    def test_the_steps_and_their_order(self):
        image = np.zeros((6, 8, 3), np.float32)
        image[..., 0] = 1
        found = self.transformer().preprocess("data", image)
        assert found.shape == (3, 6, 8)
        np.testing.assert_allclose(found[:, 0, 0], [-52, -58.5, 66])

    @given(IMAGES)
    def test_there_and_back(self, image):
        made = self.transformer()
        back = made.deprocess("data", made.preprocess("data", image))
        np.testing.assert_allclose(back, image, atol=1e-5)

    def test_a_mean_image_of_another_size_is_resized(self):
        made = self.transformer()
        made.set_mean("data", np.full((3, 12, 16), 7.0))
        assert made.mean["data"].shape == (3, 6, 8)
        np.testing.assert_allclose(made.mean["data"], 7)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda t: t.set_mean("data", np.zeros(4)), "Mean channels incompatible"),
            (lambda t: t.set_mean("data", np.zeros((2, 3, 4))), "Mean shape"),
            (lambda t: t.set_transpose("data", (1, 0)), "Transpose order needs 3 axes"),
            (lambda t: t.set_channel_swap("data", (0, 1)), "as many indices"),
            (lambda t: t.set_raw_scale("image", 1), "'image' is not one of the net inputs: data"),
        ],
    )
    def test_mistakes(self, change, message):
        with pytest.raises(CaffeError, match=message):
            change(self.transformer())


def test_means_from_files(tmp_path):
    mean = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    np.save(tmp_path / "mean.npy", mean)
    blob = caffe.io.array_to_blobproto(mean[None])
    (tmp_path / "mean.binaryproto").write_bytes(blob.SerializeToString())
    for name in ("mean.npy", "mean.binaryproto"):
        np.testing.assert_array_equal(caffe.io.load_mean(tmp_path / name), mean)
