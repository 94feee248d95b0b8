from __future__ import annotations

import os

import numpy as np
import pytest
from PIL import Image

from caffe_core import Net
from caffe_core.blob import CHANNELS_LAST
from caffe_core.data import image, mean
from caffe_core.errors import CaffeError, DataError, LayerError
from caffe_core.layer import Phase

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), np.uint8)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with five images, labelled 10 to 14, and a list of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(tmp_path / "sub" / f"image {index}.png")
    write_list(tmp_path, [f"image {index}.png {10 + index}" for index in range(5)])
    return tmp_path


def write_list(folder, lines):
    (folder / "list.txt").write_text("\n".join(lines))


def image_data(batch_size=2, params="", more="", tops=("data", "label")):
    names = " ".join(f"top: '{top}'" for top in tops)
    param = f"source: 'list.txt' root_folder: 'sub/' batch_size: {batch_size} {params}"
    return f"name: 'data' type: 'ImageData' {names} {more} image_data_param {{ {param} }}"


def bgr(index):
    return PIXELS[index, ..., ::-1].transpose(2, 0, 1)


def test_goes_through_the_list_again_and_again(run, folder):
    running = run(image_data())
    assert [blob.shape for blob in running.top] == [(2, 3, 6, 7), (2,)]
    found = [running.forward() for _ in range(3)]
    assert [labels.tolist() for _, labels in found] == [[10, 11], [12, 13], [14, 10]]
    np.testing.assert_array_equal(found[2][0], [bgr(4), bgr(0)])


def test_images_without_labels(run, folder):
    (images,) = run(image_data(3, tops=["data"])).forward()
    np.testing.assert_array_equal(images, [bgr(0), bgr(1), bgr(2)])


def test_gray(run, folder):
    images, _ = run(image_data(5, "is_color: false")).forward()
    assert images.shape == (5, 1, 6, 7)
    path = folder / "sub" / "image 3.png"
    np.testing.assert_array_equal(images[3], image.decode(path.read_bytes(), color=False))


def test_resize_then_transform(run, folder):
    mean.write("mean.binaryproto", np.full((3, 8, 9), 3.0))
    transform = "transform_param { crop_size: 4 scale: 2 mean_file: 'mean.binaryproto' }"
    running = run(image_data(1, "new_height: 8 new_width: 9", transform), Phase.TEST)
    expected = image.resize(bgr(0), 8, 9)[:, 2:6, 2:6].astype(np.float32)
    np.testing.assert_array_equal(running.forward()[0][0], (expected - 3) * 2)


def test_older_fields(run, folder):
    images, _ = run(image_data(params="crop_size: 4 scale: 0.5"), Phase.TEST).forward()
    np.testing.assert_array_equal(images[0], bgr(0)[:, 1:5, 1:5] * np.float32(0.5))


def test_shuffle_takes_each_image_once_in_another_order_each_time(run, folder):
    running = run(image_data(5, "shuffle: true"))
    laps = [running.forward() for _ in range(8)]
    orders = [tuple(labels.astype(int)) for _, labels in laps]
    assert all(sorted(order) == [10, 11, 12, 13, 14] for order in orders)
    assert len(set(orders)) > 3
    for images, labels in laps:
        np.testing.assert_array_equal(images, [bgr(int(label) - 10) for label in labels])


def test_batches_of_a_shuffled_list_go_over_its_end(run, folder):
    small, large = (run(image_data(size, "shuffle: true"), seed=3) for size in (2, 10))
    labels = np.concatenate([small.forward()[1] for _ in range(5)])
    np.testing.assert_array_equal(labels, large.forward()[1])


RANDOM = ("shuffle: true rand_skip: 4", "transform_param { crop_size: 4 mirror: true }")


@pytest.mark.parametrize("prefetch", [0, 1, 9])
def test_seed_alone_decides_what_is_random(run, folder, prefetch):
    plain = run(image_data(3, *RANDOM))
    more = f"{RANDOM[1]} data_param {{ prefetch: {prefetch} }}"
    same = run(image_data(3, RANDOM[0], more))
    other = run(image_data(3, *RANDOM), seed=2)
    found = [[each.forward()[0] for _ in range(5)] for each in (plain, same, other)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_a_restored_layer_goes_on_as_the_saved_one(run, folder):
    whole = run(image_data(3, *RANDOM))
    for _ in range(4):
        whole.forward()
    resumed = run(image_data(3, *RANDOM), seed=9)
    resumed.forward()
    resumed.layer.restore(whole.layer.state())
    for _ in range(5):
        for expected, found in zip(whole.forward(), resumed.forward(), strict=True):
            np.testing.assert_array_equal(expected, found)


def test_skip(run, folder):
    running = run(image_data())
    running.layer.skip(1001)
    assert running.forward()[1].tolist() == [12, 13]


def test_rand_skip(run, folder):
    firsts = {
        int(run(image_data(1, "rand_skip: 3"), seed=seed).forward()[1][0]) for seed in range(30)
    }
    assert firsts == {10, 11, 12}


def test_channels_last(run, folder):
    plain, other = run(image_data(3, *RANDOM)), run(image_data(3, *RANDOM))
    other.top[0].format = CHANNELS_LAST
    np.testing.assert_array_equal(plain.forward()[0], other.forward()[0])


def test_a_net_follows_the_size_of_each_image(folder):
    for index, size in enumerate([(4, 5), (6, 3)]):
        Image.fromarray(np.full(size, index, np.uint8)).save(folder / "sub" / f"{index}.png")
    write_list(folder, ["0.png 0", "1.png 1"])
    power = "layer { name: 'p' type: 'Power' bottom: 'data' top: 'p' }"
    with Net(f"layer {{ {image_data(1)} }} {power}") as net:
        for size in [(4, 5), (6, 3), (4, 5)]:
            net.forward()
            assert net.blobs["p"].data.shape == (1, 3, *size)


def test_image_of_another_size(run, folder):
    Image.fromarray(PIXELS[0, :4]).save(folder / "sub" / "image 1.png")
    with pytest.raises(
        DataError,
        match=r"^list.txt:2: 'image 1.png' is \(3, 4, 7\) .*first image gives \(3, 6, 7\);"
        r".* set new_height and new_width, crop_size, or batch_size: 1",
    ):
        run(image_data()).forward()


def test_missing_image_names_what_is_near(run, folder):
    write_list(folder, ["image 0.png 1", "", "imag 3.png 2"])
    with pytest.raises(
        DataError,
        match=r"^list.txt:3: 'sub/imag 3.png' does not exist\. Did you mean 'image 3.png'",
    ):
        run(image_data()).forward()


def test_missing_folder_is_told_by_the_net(folder):
    os.rename("sub", "other")
    with pytest.raises(
        CaffeError, match=r"^data \(ImageData\): list.txt:1: .*nor does the folder .*root_folder"
    ):
        Net(f"layer {{ {image_data()} }}")


def test_undecodable_image(run, folder):
    (folder / "sub" / "image 1.png").write_bytes(b"trash")
    with pytest.raises(DataError, match=r"^list.txt:2: 'sub/image 1.png': 5 bytes .*JPEG or PNG"):
        run(image_data()).forward()


def test_image_that_is_a_folder(run, folder):
    write_list(folder, [". 1"])
    with pytest.raises(DataError, match=r"^list.txt:1: 'sub/.' cannot be read"):
        run(image_data())


def test_crop_does_not_fit(run, folder):
    Image.fromarray(PIXELS[0, :3]).save(folder / "sub" / "image 1.png")
    with pytest.raises(DataError, match=r"^list.txt:2: 'image 1.png': crop_size is 4"):
        run(image_data(more="transform_param { crop_size: 4 }")).forward()


@pytest.mark.parametrize("line", ["a.png", "a.png one", "a.png 1.5", "7"])
def test_line_without_a_label(run, folder, line):
    write_list(folder, ["image 0.png -1", "", line])
    with pytest.raises(DataError, match=r"^list.txt:3: expected `NAME LABEL`"):
        run(image_data())


def test_empty_list(run, folder):
    write_list(folder, ["", " "])
    with pytest.raises(DataError, match=r"'list.txt' names no images"):
        run(image_data())


def test_missing_list(run, folder):
    os.rename("list.txt", "lists.txt")
    with pytest.raises(DataError, match=r"'list.txt' does not exist .*Did you mean 'lists.txt'"):
        run(image_data())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch_size: 2", "new_height: 5", "new_height is 5 and new_width is 0; set both of them"),
        ("'list.txt'", "''", "source is missing"),
        ("batch_size: 2", "batch_size: 0", "batch_size must be at least 1"),
    ],
)
def test_refusals(run, folder, old, new, message):
    with pytest.raises(LayerError, match=rf"^data \(ImageData\): {message}"):
        run(image_data().replace(old, new))
