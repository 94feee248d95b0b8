"""The commands that pycaffe brings: ``caffe classify``, ``caffe detect``, ``caffe draw``."""
