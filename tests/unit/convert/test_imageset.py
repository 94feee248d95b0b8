from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from caffe_core.data import datum, image

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 7, 3), np.uint8)
NAMES = ("a.png", "with space.png", "sub/c.png", "gray.png")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "images" / "sub").mkdir(parents=True)
    for name, pixels in zip(NAMES, PIXELS, strict=True):
        Image.fromarray(pixels[..., 0] if name == "gray.png" else pixels).save(
            tmp_path / "images" / name
        )
    lines = [f"{name} {label}" for label, name in enumerate(NAMES)]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n")
    return tmp_path / "images"


@pytest.fixture
def run(convert, records, root, tmp_path):
    """Convert with these flags; return the records and the log."""

    def run(*flags):
        status, log = convert("imageset", root, tmp_path / "list.txt", tmp_path / "db", *flags)
        return (records(tmp_path / "db") if status == 0 else None), log

    return run


def bgr(index):
    return PIXELS[index].transpose(2, 0, 1)[::-1]


def test_pixels(run):
    found, log = run()
    assert [key for key, _ in found] == [f"{index:08d}_{name}" for index, name in enumerate(NAMES)]
    assert [each.label for _, each in found] == [0, 1, 2, 3]
    for index in range(3):
        np.testing.assert_array_equal(datum.to_array(found[index][1]), bgr(index))
    np.testing.assert_array_equal(datum.to_array(found[3][1]), np.stack([PIXELS[3, ..., 0]] * 3))
    assert "A total of 4 images." in log


def test_gray(run):
    found, _ = run("--gray")
    assert all(datum.to_array(each).shape == (1, 6, 7) for _, each in found)
    np.testing.assert_array_equal(datum.to_array(found[3][1])[0], PIXELS[3, ..., 0])


@pytest.mark.parametrize("style", ["--resize-{}", "--resize_{}"])
def test_resize(run, style):
    found, _ = run(style.format("height"), 3, f"{style.format('width')}=4")
    np.testing.assert_array_equal(datum.to_array(found[0][1]), image.resize(bgr(0), 3, 4))


def test_resize_needs_both_sizes_as_in_caffe(run):
    found, _ = run("--resize-height", 3)
    assert datum.to_array(found[0][1]).shape == (3, 6, 7)


def test_shuffle_is_repeatable(run, convert, records, root, tmp_path):
    found, log = run("--shuffle", "--seed", 5)
    assert "Shuffling data" in log
    names = [key[9:] for key, _ in found]
    assert sorted(names) == sorted(NAMES)
    assert names != list(NAMES)
    assert [each.label for _, each in found] == [NAMES.index(name) for name in names]
    again, _ = run("--shuffle", "--seed", 5, "--force")
    assert [key for key, _ in again] == [key for key, _ in found]


def test_encoded_keeps_the_file(run, root):
    found, _ = run("--encoded")
    assert all(each.encoded for _, each in found)
    assert found[0][1].data == (root / "a.png").read_bytes()


def test_encoded_makes_gray_files_color_unless_gray_is_asked_for(run, root):
    found, _ = run("--encoded")
    assert datum.to_array(found[3][1]).shape == (3, 6, 7)
    found, _ = run("--encoded", "--gray", "--force")
    assert found[3][1].data == (root / "gray.png").read_bytes()
    assert datum.to_array(found[0][1]).shape == (1, 6, 7)


def test_encoded_and_resized(run):
    found, _ = run("--encoded", "--resize-height", 3, "--resize-width", 4)
    np.testing.assert_array_equal(datum.to_array(found[0][1]), image.resize(bgr(0), 3, 4))


@pytest.mark.parametrize("kind", ["jpg", "JPEG", ".jpg"])
def test_encode_type(run, kind):
    found, _ = run("--encode-type", kind)
    assert found[0][1].encoded
    assert found[0][1].data[:2] == b"\xff\xd8"
    assert datum.to_array(found[0][1]).shape == (3, 6, 7)


def test_unknown_encode_type(run):
    _, log = run("--encode-type", "txt")
    assert "cannot be encoded as 'txt'; give --encode-type png or jpg" in log


def test_check_size(run, root, tmp_path):
    assert run("--check-size")[0] is not None
    Image.fromarray(PIXELS[0, :5]).save(root / "sub" / "c.png")
    found, log = run("--check-size", "--force")
    assert found is None
    assert (
        "'sub/c.png' is (3, 5, 7) (channels, height, width), images before it are (3, 6, 7)" in log
    )


def test_unreadable_images_are_reported_and_left_out(run, root):
    (root / "a.png").unlink()
    (root / "sub" / "c.png").write_bytes(b"trash")
    found, log = run()
    assert [key for key, _ in found] == ["00000001_with space.png", "00000003_gray.png"]
    assert "Could not open or find file a.png" in log
    assert "Could not open or find file sub/c.png" in log
    assert "2 of 4 images could not be read" in log


def test_no_readable_image(run, root, tmp_path):
    (tmp_path / "list.txt").write_text("x.png 0\ny.png 1\n")
    found, log = run()
    assert found is None
    assert "none of the 2 images" in log
    assert not (tmp_path / "db").exists()


@pytest.mark.parametrize("line", ["a.png", "a.png one", "a.png 1.5", " 3"])
def test_line_without_a_label(run, tmp_path, line):
    (tmp_path / "list.txt").write_text(f"gray.png 1\n\n{line}\n")
    found, log = run()
    assert found is None
    assert "list.txt:3: expected `NAME LABEL`" in log


def test_empty_list(run, tmp_path):
    (tmp_path / "list.txt").write_text("\n")
    assert "names no images" in run()[1]


def test_missing_list(run, tmp_path):
    (tmp_path / "list.txt").unlink()
    assert "list.txt' does not exist (expected: list of images" in run()[1]


def test_existing_output_needs_force(run):
    assert run()[0] is not None
    assert "exists already" in run()[1]


def test_result_trains(run, tmp_path):
    from caffe_core import Net

    run("--encoded")
    net = Net(
        "layer { name: 'data' type: 'Data' top: 'data' top: 'label' "
        f"data_param {{ source: '{tmp_path / 'db'}' backend: LMDB batch_size: 4 }} }}"
    )
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data[0], bgr(0))
    assert net.blobs["label"].data.tolist() == [0, 1, 2, 3]
    net.close()
