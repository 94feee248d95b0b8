"""WindowData for a GPU: batches are sent while it works on those before."""

from caffe_core.cuda.upload import UploadingKernel

__all__ = ["UploadingKernel"]
