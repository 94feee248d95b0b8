"""LevelDB: the database that Caffe knew first, read and written without its library.

See https://github.com/google/leveldb/tree/main/doc for the format of its files.
"""

from caffe_data_leveldb.reader import LevelDB

__all__ = ["LevelDB"]
