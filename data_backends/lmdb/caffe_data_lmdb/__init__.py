"""LMDB: the database that Caffe's tools write by default."""

from caffe_data_lmdb.reader import LMDB

__all__ = ["LMDB"]
