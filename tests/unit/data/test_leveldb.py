from __future__ import annotations

import os
import random
import shutil
import struct

import pytest
from caffe_data_leveldb import LevelDB, coding, journal, manifest, writer
from caffe_data_leveldb.entry import PUT

from caffe_core import registry
from caffe_core.errors import DataError


@pytest.fixture
def db(tmp_path):
    path = str(tmp_path / "letters")
    with LevelDB.create(path) as output:
        for letter in b"cabde":  # not in the order of the keys
            output.put(bytes([letter]), bytes([letter]) * 2)
    return path


@pytest.fixture
def source(db):
    opened = LevelDB.open(db)
    yield opened
    opened.close()


def keys(records):
    return b"".join(bytes(key) for key, _ in records).decode()


def contents(path):
    source = LevelDB.open(path)
    found = [(bytes(key), bytes(value)) for key, value in source.read(0, len(source))]
    source.close()
    return found


def table_of(path):
    (name,) = (each for each in os.listdir(path) if each.endswith(".ldb"))
    return os.path.join(path, name)


def batch(sequence, *operations):
    """A record of a log: keys with values, or with None to delete them."""
    parts = [struct.pack("<QI", sequence, len(operations))]
    for key, value in operations:
        parts.append(bytes([PUT if value is not None else 0]) + coding.string(key))
        parts.append(b"" if value is None else coding.string(value))
    return b"".join(parts)


def write_log(path, number, *records):
    with open(os.path.join(path, f"{number:06d}.log"), "ab") as file:
        for record in records:
            file.write(journal.journal_content(record))


def test_is_found_by_name():
    assert registry.sources["LEVELDB"] is LevelDB


def test_records_come_in_the_order_of_their_keys(source):
    assert len(source) == 5
    assert [(bytes(k), bytes(v)) for k, v in source.read(0, 2)] == [(b"a", b"aa"), (b"b", b"bb")]


def test_reads_on_and_wraps_around(source):
    assert [keys(source.read(start, 3)) for start in (0, 3, 6)] == ["abc", "dea", "bcd"]


def test_reads_more_than_there_is(source):
    assert keys(source.read(3, 12)) == "deabcdeabcde"
    assert keys(source.read(15, 1)) == "a"


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("start", [0, 1, 4, 5, 7, 10**12 + 2])
def test_starts_anywhere(source, start, counted):
    if counted:
        assert len(source) == 5
    source.read(2, 2)
    assert keys(source.read(start, 2)) == "abcdea"[start % 5 : start % 5 + 2]


def test_reading_changes_nothing_and_locks_nothing(source, db):
    before = {name: os.stat(os.path.join(db, name)).st_mtime_ns for name in os.listdir(db)}
    other = LevelDB.open(db)
    assert keys(source.read(0, 5)) == keys(other.read(0, 5)) == "abcde"
    other.close()
    assert before == {n: os.stat(os.path.join(db, n)).st_mtime_ns for n in os.listdir(db)}


@pytest.mark.parametrize("table_bytes", [1, 3000, 1 << 30])
@pytest.mark.parametrize("in_order", [False, True])
def test_what_is_written_is_read(tmp_path, monkeypatch, table_bytes, in_order):
    monkeypatch.setattr(writer, "_TABLE_BYTES", table_bytes)
    numbers = random.Random(0)
    expected = {}
    with LevelDB.create(str(tmp_path / "db")) as output:
        for index in range(300):
            key = b"%04d" % (index if in_order else numbers.randrange(200))
            value = numbers.randbytes(numbers.randrange(300)) * numbers.randrange(3)
            expected[key] = value
            output.put(key, value)
    assert contents(str(tmp_path / "db")) == sorted(expected.items())


def test_large_values(tmp_path):
    values = [b"", bytes(300_000), random.Random(0).randbytes(200_000)]
    with LevelDB.create(str(tmp_path / "db")) as output:
        for index, value in enumerate(values):
            output.put(b"%d" % index, value)
    assert [value for _, value in contents(str(tmp_path / "db"))] == values
    assert os.path.getsize(table_of(tmp_path / "db")) < 250_000  # zeros shrink


def test_any_bytes_are_a_key(tmp_path):
    expected = [b"", b"\0", b"\0\xff", b"a", b"a\0", b"a" * 1000, b"\xff"]
    with LevelDB.create(str(tmp_path / "db")) as output:
        for key in reversed(expected):
            output.put(key, key)
    assert contents(str(tmp_path / "db")) == [(key, key) for key in expected]


def test_keys_that_begin_alike_in_tables_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_TABLE_BYTES", 1)
    expected = [b"a" + bytes([last]) * times for last in (0, 1, 255) for times in (0, 1, 2, 9)]
    with LevelDB.create(str(tmp_path / "db")) as output:
        for key in sorted(set(expected)):
            output.put(key, b"")
    assert [key for key, _ in contents(str(tmp_path / "db"))] == sorted(set(expected))


def test_later_changes_in_logs_win(db):
    write_log(db, 4, batch(10, (b"b", b"new"), (b"c", None), (b"f", b"")))
    write_log(db, 5, batch(13, (b"b", b"newer"), (b"a", None)), batch(15, (b"a", b"back")))
    assert contents(db) == [
        (b"a", b"back"),
        (b"b", b"newer"),
        (b"d", b"dd"),
        (b"e", b"ee"),
        (b"f", b""),
    ]


def test_logs_that_are_in_tables_already_do_not_count(db):
    write_log(db, 2, batch(0, (b"z", b"")))
    assert keys(contents(db)) == "abcde"


def test_a_record_over_several_blocks(db):
    large = random.Random(0).randbytes(100_000)
    write_log(db, 9, batch(10, (b"f", large)))
    assert contents(db)[-1] == (b"f", large)


def test_a_record_that_was_never_finished_does_not_count(db):
    write_log(db, 9, batch(10, (b"f", b"")))
    whole = os.path.getsize(os.path.join(db, "000009.log"))
    write_log(db, 9, batch(11, (b"g", bytes(100))))
    for size in (whole + 3, whole + 20):
        os.truncate(os.path.join(db, "000009.log"), size)
        assert keys(contents(db)) == "abcdef"


def test_damaged_log(db):
    write_log(db, 9, batch(10, (b"f", bytes(100))))
    with open(os.path.join(db, "000009.log"), "r+b") as file:
        file.seek(50)
        file.write(b"x")
    with pytest.raises(DataError, match=r"000009.log' is damaged at byte 0: wrong checksum"):
        LevelDB.open(db)


def test_files_of_older_versions_of_leveldb(db):
    table = table_of(db)
    os.rename(table, table.replace(".ldb", ".sst"))
    assert keys(contents(db)) == "abcde"


def test_missing_names_what_is_near(tmp_path, db):
    with pytest.raises(DataError, match=r"letter' does not exist .*'letters'.*caffe convert"):
        LevelDB.open(str(tmp_path / "letter"))


def test_empty(tmp_path):
    path = str(tmp_path / "empty")
    with LevelDB.create(path):
        pass
    with pytest.raises(DataError, match=r"is empty: this LevelDB holds 0 records"):
        LevelDB.open(path)


def test_all_deleted(db):
    write_log(db, 9, batch(10, *((bytes([letter]), None) for letter in b"abcde")))
    with pytest.raises(DataError, match=r"holds 0 records"):
        LevelDB.open(db)


def test_folder_of_something_else(tmp_path):
    with pytest.raises(DataError, match=r"is not a LevelDB: this folder has no file CURRENT"):
        LevelDB.open(str(tmp_path))


def test_missing_manifest(db):
    os.remove(os.path.join(db, "MANIFEST-000001"))
    with pytest.raises(DataError, match=r"CURRENT' names 'MANIFEST-000001', which is no manifest"):
        LevelDB.open(db)


def test_missing_table(db):
    os.remove(table_of(db))
    with pytest.raises(DataError, match=r"000002.ldb' is missing"):
        LevelDB.open(db)


def test_truncated_table(db):
    size = os.path.getsize(table_of(db))
    os.truncate(table_of(db), size - 1)
    with pytest.raises(DataError, match=rf"expected {size} bytes, found {size - 1}"):
        LevelDB.open(db)


@pytest.mark.parametrize(("place", "message"), [(3, "wrong checksum"), (-3, "no LevelDB table")])
def test_damaged_table(db, place, message):
    with open(table_of(db), "r+b") as file:
        file.seek(place, 0 if place > 0 else 2)
        file.write(b"x")
    with pytest.raises(DataError, match=rf"000002.ldb' .*{message}"):
        LevelDB.open(db)


def test_damaged_later_on(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_TABLE_BYTES", 1)
    path = str(tmp_path / "db")
    with LevelDB.create(path) as output:
        for letter in "abc":
            output.put(letter.encode(), b"")
    source = LevelDB.open(path)
    os.truncate(os.path.join(path, "000004.ldb"), 3)
    assert keys(source.read(0, 2)) == "ab"
    for _ in range(2):
        with pytest.raises(DataError, match=r"000004.ldb' \(3 bytes\) is no LevelDB table"):
            source.read(2, 1)


def test_unknown_compression_and_order(db, monkeypatch):
    monkeypatch.setattr("caffe_data_leveldb.table.SNAPPY", 9)
    monkeypatch.setattr("caffe_data_leveldb.table_writer.SNAPPY", 2)
    with LevelDB.create(db, overwrite=True) as output:
        output.put(b"a", bytes(1000))
    with pytest.raises(DataError, match=r"compressed by method 2; expected none or snappy"):
        LevelDB.open(db)
    monkeypatch.setattr(manifest, "_ORDER", b"my order")
    with pytest.raises(DataError, match=r"keys are in the order b'leveldb.Bytewise"):
        LevelDB.open(db)


def test_refuses_to_overwrite(db):
    with pytest.raises(DataError, match=r"exists already; .*--force"):
        LevelDB.create(db)
    assert keys(contents(db)) == "abcde"


def test_overwrites_if_asked(db):
    with LevelDB.create(db, overwrite=True) as output:
        output.put(b"x", b"y")
    assert contents(db) == [(b"x", b"y")]


def test_never_overwrites_what_is_no_database(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"is no LEVELDB database; choose another path"):
        LevelDB.create(str(tmp_path), overwrite=True)


def put_and_fail(context):
    with context as output:
        output.put(b"x", b"y")
        raise ZeroDivisionError


def test_an_error_leaves_nothing_behind(tmp_path, db):
    before = sorted(os.listdir(tmp_path))
    for context in (LevelDB.create(str(tmp_path / "db")), LevelDB.create(db, overwrite=True)):
        with pytest.raises(ZeroDivisionError):
            put_and_fail(context)
    assert sorted(os.listdir(tmp_path)) == before
    assert keys(contents(db)) == "abcde"


def test_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(DataError, match=r"cannot be written"),
        LevelDB.create(str(tmp_path / "file" / "db")),
    ):
        pass


def test_leveldb_itself_reads_what_is_written(tmp_path, monkeypatch):
    plyvel = pytest.importorskip("plyvel", reason="LevelDB's own library has no wheels everywhere")
    monkeypatch.setattr(writer, "_TABLE_BYTES", 3000)
    path = str(tmp_path / "db")
    with LevelDB.create(path) as output:
        for index in range(500):
            output.put(b"%03d" % (index * 7 % 500), bytes([index % 256]) * index)
    expected = contents(path)
    shutil.copytree(path, tmp_path / "copy")
    with plyvel.DB(str(tmp_path / "copy"), paranoid_checks=True) as theirs:
        assert list(theirs.iterator(verify_checksums=True)) == expected
        theirs.compact_range()
        theirs.put(b"zzz", b"last")
    assert contents(str(tmp_path / "copy")) == [*expected, (b"zzz", b"last")]


def test_data_layer(run, tmp_path, numbered):
    path = str(tmp_path / "db")
    with LevelDB.create(path) as output:
        for index, each in enumerate(numbered(5)):
            output.put(b"%08d" % index, each.SerializeToString())
    running = run(
        f"name: 'd' type: 'Data' top: 'x' top: 'y' data_param {{ source: '{path}' batch_size: 3 }}"
    )
    labels = [running.forward()[1].tolist() for _ in range(3)]
    assert labels == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]
    running.layer.skip(4)
    assert running.forward()[1].tolist() == [2, 3, 4]
