"""Emulation: kernels for CUDA on a machine without a GPU.

``device("emulated")`` is a device of the kind ``cuda`` whose arrays are NumPy's. CUDA C is compiled
by g++ behind a header that gives it CUDA's words; the threads of a block are fibers, so barriers
and shuffles do what they do on a GPU. Compiled code is kept in the user's cache, by what it was
made of.
"""

from caffe_core.testing.emulation.compiler import compiler
from caffe_core.testing.emulation.device import EmulatedDevice

__all__ = ["EmulatedDevice", "compiler"]
