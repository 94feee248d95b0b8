"""``python -m caffe_core.cli``: the same as ``caffe``."""

from caffe_core.cli import main

raise SystemExit(main())
