"""Caffe's messages, enums and their values: ``NetParameter``, ``TRAIN``, ..."""

from caffe_core.proto.caffe_pb2 import *  # noqa: F403
