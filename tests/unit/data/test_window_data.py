from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from caffe_core import Net
from caffe_core.data import image, mean
from caffe_core.errors import CaffeError, DataError, LayerError

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3), np.uint8)
WINDOWS = """# 0
0.png
3
20
30
3
5 0.9 4 3 17 15
0 0.1 12 6 25 18
7 0.55 0 0 9 9

# 1
1.png
3
20
30
1
2 0.6 1 2 3 4
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with two images and a window file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for index, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(tmp_path / "sub" / f"{index}.png")
    (tmp_path / "win.txt").write_text(WINDOWS)
    return tmp_path


def window_data(params="fg_fraction: 0.5", transform="crop_size: 8", batch_size=4):
    param = f"source: 'win.txt' root_folder: 'sub/' batch_size: {batch_size} {params}"
    return (
        f"name: 'data' type: 'WindowData' top: 'data' top: 'label' window_data_param {{ {param} }} "
        f"transform_param {{ {transform} }}"
    )


def part(index, x1, y1, x2, y2):
    return PIXELS[index, y1 : y2 + 1, x1 : x2 + 1, ::-1].transpose(2, 0, 1)


def test_background_first_in_the_given_fraction(run, folder):
    running = run(window_data("fg_fraction: 0.7", batch_size=5))
    assert [blob.shape for blob in running.top] == [(5, 3, 8, 8), (5,)]
    drawn = {tuple(running.forward()[1].astype(int)) for _ in range(40)}
    assert all(labels[:2] == (0, 0) for labels in drawn)
    assert {label for labels in drawn for label in labels[2:]} == {2, 5, 7}


def test_thresholds(run, folder):
    params = "fg_fraction: 0.5 fg_threshold: 0.6 bg_threshold: 0.1"
    with pytest.raises(LayerError, match=r"'win.txt' has no background windows .*below .* 0.1"):
        run(window_data(params))
    running = run(window_data("fg_fraction: 0.5 fg_threshold: 0.6 bg_threshold: 0.2"))
    assert {int(label) for _ in range(20) for label in running.forward()[1][2:]} == {2, 5}


def test_warped_windows(run, folder):
    images, labels = run(window_data(batch_size=20)).forward()
    boxes = {0: (0, 12, 6, 25, 18), 5: (0, 4, 3, 17, 15), 7: (0, 0, 0, 9, 9), 2: (1, 1, 2, 3, 4)}
    for window, label in zip(images, labels, strict=True):
        expected = image.resize(part(*boxes[int(label)]), 8, 8)
        np.testing.assert_array_equal(window, expected)


def test_mirror(run, folder):
    plain = run(window_data("fg_fraction: 0")).forward()[0][0]
    images, _ = run(window_data("fg_fraction: 0", "crop_size: 8 mirror: true", 40)).forward()
    mirrored = [np.array_equal(each, plain[..., ::-1]) for each in images]
    assert all(
        here or np.array_equal(each, plain) for here, each in zip(mirrored, images, strict=True)
    )
    assert 0 < sum(mirrored) < 40


def test_surroundings_beyond_the_image_are_0(run, folder):
    (folder / "win.txt").write_text("# 0\n0.png\n3\n20\n30\n1\n1 1 0 0 7 7\n")
    images, _ = run(window_data("fg_fraction: 1 context_pad: 2", "crop_size: 12", 1)).forward()
    assert (images[0, :, :2] == 0).all()
    assert (images[0, :, :, :2] == 0).all()
    # 4 + 6 and 4 - 6 both count, as in Caffe: columns -2 to 10 become 12 pixels.
    expected = image.resize(part(0, 0, 0, 10, 10), 10, 10)
    np.testing.assert_array_equal(images[0, :, 2:, 2:], expected)


def test_mirrored_surroundings(run, folder):
    (folder / "win.txt").write_text("# 0\n0.png\n3\n20\n30\n1\n1 1 0 0 7 7\n")
    params = ("fg_fraction: 1 context_pad: 2", "crop_size: 12 mirror: true mean_value: 5", 20)
    images, _ = run(window_data(*params)).forward()
    corners = {(each[0, 5, 0] == 0, each[0, 5, 11] == 0) for each in images}
    assert {(True, False), (False, True)} <= corners


def test_mean_image_belongs_to_the_square(run, folder):
    values = np.arange(3 * 12 * 10, dtype=np.float32).reshape(3, 12, 10)
    mean.write("mean.binaryproto", values)
    params = ("fg_fraction: 0 scale: 0.5", "crop_size: 8 mean_file: 'mean.binaryproto'", 1)
    plain, _ = run(window_data(params[0].replace("0.5", "1"), batch_size=1)).forward()
    images, _ = run(window_data(*params)).forward()
    np.testing.assert_array_equal(images[0], (plain[0] - values[:, 1:9, 1:9]) * 0.5)


def test_scale_of_transform_param_does_nothing_as_in_caffe(run, folder, caplog):
    plain = run(window_data()).forward()[0]
    found = run(window_data(transform="crop_size: 8 scale: 0.5")).forward()[0]
    np.testing.assert_array_equal(found, plain)
    assert "set window_data_param.scale" in caplog.text


RANDOM = ("fg_fraction: 0.4 context_pad: 1", "crop_size: 8 mirror: true", 7)


@pytest.mark.parametrize("more", ["", "cache_images: true"])
def test_a_restored_layer_goes_on_as_the_saved_one(run, folder, more):
    whole = run(window_data(*RANDOM))
    for _ in range(3):
        whole.forward()
    resumed = run(window_data(f"{RANDOM[0]} {more}", *RANDOM[1:]), seed=5)
    resumed.forward()
    resumed.layer.restore(whole.layer.state())
    for _ in range(4):
        for expected, found in zip(whole.forward(), resumed.forward(), strict=True):
            np.testing.assert_array_equal(expected, found)


def test_seeds_differ(run, folder):
    first, second = (run(window_data(*RANDOM), seed=seed).forward()[0] for seed in (1, 2))
    assert not np.array_equal(first, second)


def test_cached_images_are_read_once(run, folder):
    running = run(window_data(f"{RANDOM[0]} cache_images: true", *RANDOM[1:]))
    for _ in range(10):
        running.forward()
    (folder / "sub" / "0.png").unlink()
    running.forward()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# 1", "1", r"win.txt:11: expected # INDEX, found '1'"),
        ("3\n20\n30\n1\n", "3\nx\n30\n1\n", "win.txt:14: expected HEIGHT, a whole number"),
        ("5 0.9 4", "5 0.9 4.5", "win.txt:7: expected CLASS OVERLAP X1 Y1 X2 Y2, found"),
        ("5 0.9 4", "5 0.9", "win.txt:7: expected CLASS OVERLAP X1 Y1 X2 Y2, found"),
        ("12 6", "12 six", "win.txt:8: expected CLASS OVERLAP X1 Y1 X2 Y2, found"),
        ("30\n1\n", "30\n2\n", "win.txt:16: 2 windows are announced, the file has 1 more"),
        ("1.png\n3\n20\n30\n1\n2 0.6 1 2 3 4\n", "1.png\n", "'win.txt' ends where CHANNELS"),
        ("2 0.6", "0 0.6", "win.txt:17: a window of class 0 overlaps an object enough"),
    ],
)
def test_line_that_cannot_be_used(run, folder, old, new, message):
    assert WINDOWS.count(old) == 1
    (folder / "win.txt").write_text(WINDOWS.replace(old, new))
    with pytest.raises(DataError, match=f"^{message}|{message}"):
        run(window_data())


@pytest.mark.parametrize("more", ["", "context_pad: 1", "crop_mode: 'square'"])
@pytest.mark.parametrize("box", ["40 2 50 5", "9 2 5 4", "2 30 3 40"])
def test_window_outside_of_its_image(run, folder, box, more):
    (folder / "win.txt").write_text(f"# 0\n0.png\n3\n20\n30\n1\n1 1 {box}\n")
    running = run(window_data(f"fg_fraction: 1 {more}"))
    with pytest.raises(
        DataError, match=rf"^win.txt:7: the window .* {box} does not lie .* 30 x 20"
    ):
        running.forward()


def test_a_net_names_layer_and_line_of_a_missing_image(folder):
    (folder / "sub" / "0.png").rename(folder / "sub" / "00.png")
    with Net(f"layer {{ {window_data('fg_fraction: 0')} }}") as net:
        message = r"^data \(WindowData\): win.txt:8: 'sub/0.png' does not exist.*'00.png'"
        with pytest.raises(CaffeError, match=message):
            net.forward()


def test_empty_and_missing_files(run, folder):
    (folder / "win.txt").write_text("\n")
    with pytest.raises(DataError, match=r"'win.txt' is empty: expected the lines # INDEX, PATH"):
        run(window_data())
    (folder / "win.txt").unlink()
    with pytest.raises(DataError, match=r"'win.txt' does not exist \(expected: window file"):
        run(window_data())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("'win.txt'", "''", "source is missing"),
        ("batch_size: 4", "batch_size: 0", "batch_size must be at least 1"),
        ("crop_size: 8", "", "crop_size is 0"),
        ("fg_fraction: 0.5", "context_pad: 4", "crop_size is 8, context_pad is 4 on each side"),
        ("fg_fraction: 0.5", "crop_mode: 'wrap'", "crop_mode is 'wrap', .* Did you mean 'warp'"),
        ("crop_size: 8", "crop_size: 8 mean_value: 1 mean_value: 2", "there are 2 mean_value"),
        ("fg_fraction: 0.5", "fg_threshold: 2", "'win.txt' has no foreground windows"),
    ],
)
def test_refusals(run, folder, old, new, message):
    with pytest.raises(LayerError, match=rf"^data \(WindowData\): {message}"):
        run(window_data().replace(old, new))


def test_mean_image_too_small(run, folder):
    mean.write("mean.binaryproto", np.zeros((3, 6, 9), np.float32))
    with pytest.raises(LayerError, match=r"is \(3, 6, 9\) .* a square of 8 in the middle"):
        run(window_data(transform="crop_size: 8 mean_file: 'mean.binaryproto'"))
