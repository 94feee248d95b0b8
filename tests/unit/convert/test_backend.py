from __future__ import annotations

import numpy as np
from caffe_data_leveldb import LevelDB

from caffe_core.data import datum, mean

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 4, 5), np.uint8)


def test_leveldb(convert, tmp_path, write_idx):
    for half in ("train", "t10k"):
        write_idx(tmp_path / f"{half}-images-idx3-ubyte", IMAGES)
        write_idx(tmp_path / f"{half}-labels-idx1-ubyte", np.arange(7))
    status, log = convert("mnist", tmp_path, tmp_path, "--backend", "leveldb")
    assert status == 0, log
    source = LevelDB.open(str(tmp_path / "mnist_train_leveldb"))
    records = source.read(0, len(source))
    assert [bytes(key).decode() for key, _ in records] == [f"{i:08d}" for i in range(7)]
    found = [datum.parse(value) for _, value in records]
    np.testing.assert_array_equal([datum.to_array(each)[0] for each in found], IMAGES)
    assert [each.label for each in found] == list(range(7))
    source.close()
    out = tmp_path / "mean.binaryproto"
    assert convert("mean", source.path, out, "--backend", "LevelDB")[0] == 0
    np.testing.assert_allclose(mean.read(str(out))[0], IMAGES.mean(axis=0), rtol=1e-6)


def test_another_backend_than_the_database_has(convert, tmp_path):
    with LevelDB.create(str(tmp_path / "db")) as writer:
        writer.put(b"0", datum.from_array(IMAGES).SerializeToString())
    status, log = convert("mean", tmp_path / "db")
    assert status == 1
    assert "expected LMDB database, found LEVELDB; set backend: LEVELDB" in log


def test_unknown_backend(convert, tmp_path):
    status, log = convert("mean", tmp_path, "--backend", "rocksdb")
    assert status == 1
    assert "no data source 'ROCKSDB' is installed" in log
