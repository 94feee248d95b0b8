from __future__ import annotations

import pytest

from caffe_core.data.source import missing, open_source
from caffe_core.errors import DataError, PluginError


def test_opens_by_the_name_of_the_backend(write_db, numbered):
    source = open_source("LMDB", write_db(numbered(3)))
    assert len(source) == 3
    source.close()


def test_another_backend_than_the_files_show(write_db, numbered):
    with pytest.raises(DataError, match="expected LEVELDB database, found LMDB; set backend: LMDB"):
        open_source("LEVELDB", write_db(numbered(1)))


def test_a_leveldb_taken_for_an_lmdb(tmp_path):
    (tmp_path / "CURRENT").write_text("MANIFEST-000004\n")
    with pytest.raises(DataError, match="expected LMDB database, found LEVELDB"):
        open_source("LMDB", str(tmp_path))


def test_unknown_backend(tmp_path):
    with pytest.raises(PluginError, match=r"no data source 'PARQUET'.*caffe-data-parquet"):
        open_source("PARQUET", str(tmp_path))


def test_missing_names_near_entries(tmp_path):
    (tmp_path / "mnist_train_lmdb").mkdir()
    message = str(missing(str(tmp_path / "mnist_trian_lmdb"), "LMDB database"))
    assert "does not exist (expected: LMDB database in" in message
    assert "'mnist_train_lmdb'" in message
    assert "caffe convert" in message


def test_missing_folder(tmp_path):
    message = str(missing(str(tmp_path / "nowhere" / "db"), "LMDB database"))
    assert f"nor does the folder {str(tmp_path / 'nowhere')!r}" in message


def test_missing_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="'db' does not exist"):
        open_source("LMDB", "db")
