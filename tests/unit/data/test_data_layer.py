from __future__ import annotations

import gc
import logging
import threading

import numpy as np
import pytest
from caffe_data_lmdb import environment

from caffe_core import Net, registry
from caffe_core.blob import CHANNELS_LAST
from caffe_core.data import datum, mean
from caffe_core.errors import CaffeError, DataError, LayerError, PluginError
from caffe_core.layer import Phase
from caffe_core.registry import kernels, layers


def data(path, batch_size=2, more="", tops=("data", "label"), params=""):
    names = " ".join(f'top: "{top}"' for top in tops)
    param = f'source: "{path}" backend: LMDB batch_size: {batch_size} {params}'
    return f'name: "data" type: "Data" {names} {more} data_param {{ {param} }}'


@pytest.fixture
def db(write_db, numbered):
    return write_db(numbered(5))


@pytest.fixture
def pictures(write_db):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 3, 6, 7), np.uint8)
    return write_db([datum.from_array(each, index) for index, each in enumerate(pixels)])


RANDOM = "transform_param { crop_size: 4 mirror: true scale: 0.5 }"


def test_shapes(run, pictures):
    assert [blob.shape for blob in run(data(pictures)).top] == [(2, 3, 6, 7), (2,)]
    assert [blob.shape for blob in run(data(pictures, 4, RANDOM)).top] == [(4, 3, 4, 4), (4,)]
    assert [blob.shape for blob in run(data(pictures, tops=["data"])).top] == [(2, 3, 6, 7)]


def test_setup_starts_no_thread_and_leaves_nothing_open(run, db):
    before = threading.active_count()
    run(data(db))
    assert threading.active_count() == before
    assert not environment._open


@pytest.mark.parametrize("phase", list(Phase))
def test_goes_around(run, db, phase):
    running = run(data(db, 3), phase)
    labels = [running.forward()[1].tolist() for _ in range(4)]
    assert labels == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1]]
    images, labels = running.forward()
    assert (images == labels.reshape(3, 1, 1, 1)).all()


def test_two_layers_of_one_database(run, db):
    one, other = run(data(db)), run(data(db, 1))
    assert one.forward()[1].tolist() == [0, 1]
    assert other.forward()[1].tolist() == [0]
    one.layer.close()
    assert other.forward()[1].tolist() == [1]


@pytest.mark.parametrize("prefetch", [0, 1, 9])
def test_prefetch_changes_no_value(run, pictures, prefetch):
    plain = run(data(pictures, 3, RANDOM))
    other = run(data(pictures, 3, RANDOM, params=f"prefetch: {prefetch}"))
    for _ in range(8):
        for expected, found in zip(plain.forward(), other.forward(), strict=True):
            np.testing.assert_array_equal(expected, found)


def test_channels_last(run, pictures):
    plain, other = (run(data(pictures, 3, RANDOM)) for _ in range(2))
    for blob in other.top:
        blob.format = CHANNELS_LAST
    for _ in range(4):
        np.testing.assert_array_equal(plain.forward()[0], other.forward()[0])


def test_float64(run, pictures):
    found = run(data(pictures), dtype=np.float64).forward()[0]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, run(data(pictures)).forward()[0])


def test_seed_decides_what_is_random(run, pictures):
    first, same, other = (run(data(pictures, 5, RANDOM), seed=seed) for seed in (1, 1, 2))
    images = first.forward()[0]
    np.testing.assert_array_equal(images, same.forward()[0])
    assert (images != other.forward()[0]).any()


@pytest.mark.parametrize("seed", [1, 7])
def test_a_restored_layer_goes_on_as_the_saved_one(run, pictures, seed):
    whole = run(data(pictures, 3, RANDOM, params="rand_skip: 9"))
    for _ in range(5):
        whole.forward()
    state = whole.layer.state()
    resumed = run(data(pictures, 3, RANDOM, params="rand_skip: 9"), seed=seed)
    resumed.forward()
    resumed.layer.restore(state)
    assert resumed.layer.state() == state
    for _ in range(6):
        for expected, found in zip(whole.forward(), resumed.forward(), strict=True):
            np.testing.assert_array_equal(expected, found)


def test_state_counts_what_the_net_got_not_what_is_ready(run, db):
    running = run(data(db))
    assert running.layer.state()["cursor"] == 0
    running.forward()
    running.forward()
    assert running.layer.state()["cursor"] == 2


def test_skip_positions_the_cursor(run, db):
    running = run(data(db))
    running.forward()
    running.layer.skip(1000001)
    assert running.forward()[1].tolist() == [2, 3]


def test_rand_skip(run, db):
    starts = {int(run(data(db, params="rand_skip: 3"), seed=s).forward()[1][0]) for s in range(30)}
    assert starts == {0, 1, 2}


def test_restore_brings_back_what_was_skipped(run, db):
    running = run(data(db))
    running.layer.restore({**running.layer.state(), "skipped": 3})
    assert running.forward()[1].tolist() == [3, 4]


def test_close_and_go_on(run, db):
    running = run(data(db))
    running.forward()
    running.layer.close()
    assert not environment._open
    assert running.forward()[1].tolist() == [2, 3]


def test_a_dropped_layer_ends_its_thread(db, run):
    before = set(threading.enumerate())
    prototxt = data(db)

    def forward_once():
        from caffe_core.blob import Blob
        from caffe_core.proto import caffe_pb2, text

        param = text.parse(prototxt, caffe_pb2.LayerParameter)
        layer = layers["Data"](param, Phase.TRAIN, seed=1)
        top = [Blob(), Blob()]
        layer.setup([], top)
        layer.reshape([], top)
        kernels("cpu")["Data"](layer).forward([], top)
        assert set(threading.enumerate()) != before

    forward_once()
    gc.collect()
    assert set(threading.enumerate()) == before
    assert not environment._open


def test_older_fields_of_data_param(run, db, tmp_path):
    path = str(tmp_path / "mean.binaryproto")
    mean.write(path, np.full((1, 2, 3), 1.5, np.float32))
    old = f'scale: 2 crop_size: 2 mirror: true mean_file: "{path}"'
    running = run(data(db, params=old))
    assert running.top[0].shape == (2, 1, 2, 2)
    assert (running.forward()[0][1] == (1 - 1.5) * 2).all()


def test_transform_param_wins_over_older_fields(run, db):
    running = run(data(db, more="transform_param { scale: 3 }", params="scale: 2"))
    assert running.forward()[0].max() == 3


@pytest.mark.parametrize("where", ["transform_param", "data_param"])
def test_forced_color(run, write_db, png, where):
    gray = np.arange(6, dtype=np.uint8).reshape(2, 3)
    path = write_db([png(gray), png(np.dstack([gray] * 3))])
    forced = (
        data(path, more="transform_param { force_color: true }")
        if where == "transform_param"
        else data(path, params="force_encoded_color: true")
    )
    found = run(forced).forward()[0]
    np.testing.assert_array_equal(found, np.broadcast_to(gray, (2, 3, 2, 3)))


def test_forced_gray(run, write_db, png):
    path = write_db([png(np.full((2, 3, 3), 8, np.uint8))])
    found = run(data(path, more="transform_param { force_gray: true }")).forward()[0]
    assert found.shape == (2, 1, 2, 3)
    assert (found == 8).all()


def test_forced_color_of_plain_pixels_is_warned_of(run, db, caplog):
    with caplog.at_level(logging.WARNING, "caffe"):
        run(data(db, more="transform_param { force_color: true }"))
    assert "data (Data): force_color and force_gray do nothing" in caplog.text


def test_one_image_a_batch_may_have_any_size(run, write_db, png):
    sizes = [(4, 5), (6, 3), (4, 5)]
    path = write_db([png(np.full(size, 9, np.uint8)) for size in sizes])
    running = run(data(path, 1), Phase.TEST)
    for size in sizes * 2:
        running.layer.reshape([], running.top)
        assert running.forward()[0].shape == (1, 1, *size)


def test_a_net_follows_the_size_of_each_image(write_db, png):
    sizes = [(4, 5), (6, 3), (2, 2)]
    path = write_db([png(np.full(size, 9, np.uint8)) for size in sizes])
    net = Net(
        f"layer {{ {data(path, 1)} }} layer {{ name: 'r' type: 'ReLU' bottom: 'data' top: 'r' }}"
    )
    for size in sizes * 2:
        net.forward()
        assert net.blobs["r"].data.shape == (1, 1, *size)
        assert (net.blobs["r"].data == 9).all()
    net.close()


def test_a_net_names_the_layer_of_a_missing_database(tmp_path):
    with pytest.raises(
        CaffeError, match=r"data \(Data\): .*nothing' does not exist .*caffe convert"
    ):
        Net(f"layer {{ {data(tmp_path / 'nothing')} }}")


def test_a_net_names_the_layer_and_the_record(write_db, numbered):
    path = write_db([*numbered(3), b"\xff\xff"])
    net = Net(f"layer {{ {data(path)} }}")
    net.forward()
    with pytest.raises(CaffeError, match=r"data \(Data\): .*record 3 of 4.*not a Datum"):
        net.forward()
    net.close()


def test_thread_error_reaches_forward_again_and_again(run, write_db, numbered):
    running = run(data(write_db([*numbered(3), b"\xff\xff"])))
    running.forward()
    for _ in range(2):
        with pytest.raises(DataError, match="record 3 of 4"):
            running.forward()
    assert running.layer.state()["cursor"] == 1


def test_empty_database(run, write_db):
    with pytest.raises(DataError, match="is empty: this LMDB holds 0 records"):
        run(data(write_db([])))


def test_crop_does_not_fit(run, db):
    with pytest.raises(DataError, match="crop_size is 3, the image is 2 x 3"):
        run(data(db, more="transform_param { crop_size: 3 }"))


def test_batch_size_missing(run, db):
    with pytest.raises(LayerError, match=r"data \(Data\): batch_size must be at least 1"):
        run(data(db, 0))


def test_source_missing(run):
    with pytest.raises(LayerError, match=r"data \(Data\): source is missing"):
        run(data(""))


def test_backend_is_leveldb_unless_set(run, db):
    with pytest.raises(DataError, match="found LMDB; set backend: LMDB"):
        run(data(db).replace("backend: LMDB", ""))


def test_backend_not_installed(run, tmp_path, monkeypatch):
    index = registry._index

    def without_leveldb(group):
        return {name: found for name, found in index(group).items() if name != "LEVELDB"}

    monkeypatch.setattr(registry, "_index", without_leveldb)
    monkeypatch.delitem(registry.sources._loaded, "LEVELDB", raising=False)
    with pytest.raises(PluginError, match="pip install caffe-data-leveldb"):
        run(data(tmp_path).replace("LMDB", "LEVELDB"))
