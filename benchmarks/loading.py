"""How long it takes to load CaffeNet's 244 MB, beside what protobuf takes to parse them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.task import Task
from benchmarks.turns import Comparison, summary
from caffe_core import Net
from caffe_core.proto import caffe_pb2


def measure(rounds: int, net: str = "caffenet") -> Comparison:
    """Return the time to load a file into a net, and the time to parse its bytes.

    The file is in the system's cache. Parsing begins with the bytes in memory, loading with the
    file's name; it ends with the values in the blobs.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{net}.caffemodel"
        loaded = Net(Task(net, training=False, batch=1).definition(), seed=0)
        loaded.save(path)
        content = path.read_bytes()
        return summary(
            [
                (
                    _time(lambda: loaded.copy_from(path)),
                    _time(lambda: caffe_pb2.NetParameter.FromString(content)),
                    True,
                )
                for _ in range(rounds + 1)
            ][1:]
        )


def _time(run) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start
