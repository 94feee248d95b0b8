from __future__ import annotations

import multiprocessing
import os
import shutil
import stat

import lmdb
import pytest
from caffe_data_lmdb import LMDB, environment, writer

from caffe_core import registry
from caffe_core.errors import DataError


@pytest.fixture
def db(tmp_path):
    path = str(tmp_path / "letters")
    with LMDB.create(path) as output:
        for letter in b"cabde":  # not in the order of the keys
            output.put(bytes([letter]), bytes([letter]) * 2)
    return path


@pytest.fixture
def source(db):
    opened = LMDB.open(db)
    yield opened
    opened.close()


def keys(records):
    return b"".join(bytes(key) for key, _ in records).decode()


def test_is_found_by_name():
    assert registry.sources["LMDB"] is LMDB


def test_records_come_in_the_order_of_their_keys(source):
    assert len(source) == 5
    assert [(bytes(key), bytes(value)) for key, value in source.read(0, 2)] == [
        (b"a", b"aa"),
        (b"b", b"bb"),
    ]


def test_reads_on_and_wraps_around(source):
    assert keys(source.read(0, 3)) == "abc"
    assert keys(source.read(3, 3)) == "dea"
    assert keys(source.read(6, 2)) == "bc"


def test_reads_more_than_there_is(source):
    assert keys(source.read(3, 12)) == "deabcdeabcde"
    assert keys(source.read(15, 1)) == "a"


@pytest.mark.parametrize("start", [0, 1, 4, 5, 7, 10**12 + 2])
def test_starts_anywhere(source, start):
    source.read(2, 2)
    assert keys(source.read(start, 2)) == "abcdea"[start % 5 : start % 5 + 2]


def test_two_readers_of_one_path(source, db):
    other = LMDB.open(os.path.join(db, "..", "letters"))
    assert keys(other.read(0, 2)) == "ab"
    assert keys(source.read(0, 3)) == "abc"
    other.close()
    assert keys(source.read(3, 2)) == "de"


def test_close_releases_the_environment(db):
    first, second = LMDB.open(db), LMDB.open(db)
    first.close()
    first.close()
    assert environment._open
    second.close()
    assert not environment._open
    lmdb.open(db, readonly=True).close()  # LMDB itself would refuse a second time


def test_data_file_given_instead_of_the_folder(tmp_path, db):
    file = str(tmp_path / "single.mdb")
    shutil.copy(os.path.join(db, "data.mdb"), file)
    source = LMDB.open(file)
    assert keys(source.read(0, 5)) == "abcde"
    source.close()


def test_folder_that_takes_no_lock(db, monkeypatch):
    def read_only(path, lock=True, **options):
        if lock:
            raise lmdb.ReadonlyError(f"{path}: Read-only file system")
        return unpatched(path, lock=lock, **options)

    unpatched = lmdb.open
    monkeypatch.setattr(lmdb, "open", read_only)
    source = LMDB.open(db)
    assert keys(source.read(0, 1)) == "a"
    source.close()


def read_in_child(source, db, queue):
    opened = LMDB.open(db)
    queue.put(keys(opened.read(1, 2)))
    opened.close()
    source.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_opens_its_own(source, db):
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=read_in_child, args=(source, db, queue))
    child.start()
    assert queue.get(timeout=30) == "bc"
    child.join()
    assert child.exitcode == 0
    assert keys(source.read(0, 2)) == "ab"
    queue.close()
    queue.join_thread()


def test_missing_names_what_is_near(tmp_path, db):
    with pytest.raises(DataError, match=r"letter' does not exist .*'letters'.*caffe convert"):
        LMDB.open(str(tmp_path / "letter"))


def test_empty(tmp_path):
    path = str(tmp_path / "empty")
    with LMDB.create(path):
        pass
    with pytest.raises(DataError, match="is empty: this LMDB holds 0 records"):
        LMDB.open(path)
    assert not environment._open


def test_folder_without_data(tmp_path):
    with pytest.raises(DataError, match=r"no file data\.mdb"):
        LMDB.open(str(tmp_path))


def test_file_of_something_else(tmp_path):
    (tmp_path / "data.mdb").write_bytes(b"no database" * 2000)
    with pytest.raises(DataError, match=r"data\.mdb' \(22000 bytes\) is not an LMDB"):
        LMDB.open(str(tmp_path))


def test_truncated(db):
    data = os.path.join(db, "data.mdb")
    size = os.path.getsize(data)
    with open(data, "r+b") as file:
        file.truncate(size - 1)
    with pytest.raises(
        DataError, match=rf"truncated: expected at least {size} bytes, found {size - 1}"
    ):
        LMDB.open(db)
    assert not environment._open


def test_opened_by_somebody_else(db):
    with lmdb.open(db, readonly=True), pytest.raises(DataError, match="cannot be opened"):
        LMDB.open(db)


def test_refuses_to_overwrite(db):
    before = os.path.getmtime(os.path.join(db, "data.mdb"))
    with pytest.raises(DataError, match=r"exists already; .*--force"):
        LMDB.create(db)
    assert os.path.getmtime(os.path.join(db, "data.mdb")) == before


def test_overwrites_if_asked(db):
    with LMDB.create(db, overwrite=True) as output:
        output.put(b"x", b"y")
    source = LMDB.open(db)
    assert keys(source.read(0, 1)) == "x"
    assert len(source) == 1
    source.close()


def test_never_overwrites_what_is_no_database(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match="is no LMDB database; choose another path"):
        LMDB.create(str(tmp_path), overwrite=True)


def put_and_fail(context):
    with context as output:
        output.put(b"x", b"y")
        raise ZeroDivisionError


def test_an_error_leaves_nothing_behind(tmp_path):
    with pytest.raises(ZeroDivisionError):
        put_and_fail(LMDB.create(str(tmp_path / "db")))
    assert os.listdir(tmp_path) == []


def test_an_error_leaves_the_old_database(db):
    with pytest.raises(ZeroDivisionError):
        put_and_fail(LMDB.create(db, overwrite=True))
    source = LMDB.open(db)
    assert len(source) == 5
    source.close()


def test_map_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_FIRST_MAP_SIZE", 1 << 16)
    monkeypatch.setattr(writer, "_BATCH_RECORDS", 7)
    path = str(tmp_path / "db")
    with LMDB.create(path) as output:
        for index in range(100):
            output.put(b"%03d" % index, bytes([index]) * 10_000)
    source = LMDB.open(path)
    records = source.read(0, 100)
    assert [bytes(key) for key, _ in records] == [b"%03d" % index for index in range(100)]
    assert all(bytes(value) == bytes([i]) * 10_000 for i, (_, value) in enumerate(records))
    del records
    source.close()


def test_commits_large_records_early(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_BATCH_BYTES", 100)
    with LMDB.create(str(tmp_path / "db")) as output:
        output.put(b"a", b"x" * 99)
        assert output._pending
        output.put(b"b", b"x")
        assert not output._pending


def test_same_key_replaces(tmp_path):
    path = str(tmp_path / "db")
    with LMDB.create(path) as output:
        output.put(b"a", b"old")
        output.put(b"a", b"new")
    source = LMDB.open(path)
    assert bytes(source.read(0, 1)[0][1]) == b"new"
    assert len(source) == 1
    source.close()


@pytest.mark.parametrize("key", [b"", b"k" * 512])
def test_key_that_lmdb_does_not_take(tmp_path, key):
    with (
        pytest.raises(DataError, match=f"a key has {len(key)} bytes, LMDB takes 1 to 511"),
        LMDB.create(str(tmp_path / "db")) as output,
    ):
        output.put(key, b"value")


def test_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataError, match="cannot be written"),
        LMDB.create(str(tmp_path / "file" / "db")),
    ):
        pass


def test_others_may_read_what_is_written(db):
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(os.stat(db).st_mode) == 0o777 & ~umask
