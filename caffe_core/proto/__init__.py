"""Caffe's messages and the files made of them."""
