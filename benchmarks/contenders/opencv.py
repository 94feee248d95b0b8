"""OpenCV's dnn module, which reads the definition and the caffemodel themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from benchmarks.contenders import Results, Runner, Unavailable
from benchmarks.contenders.steps import read_steps
from benchmarks.task import Task
from caffe_core.proto import text
from caffe_core.proto.weights import read_weights


def prepare(task: Task, weights: Path, threads: int) -> OpenCv:
    """Read the net.

    Raises:
        Unavailable: OpenCV cannot.
    """
    cv2.setNumThreads(threads)
    try:
        return OpenCv(task, weights)
    except cv2.error as error:
        raise Unavailable(f"OpenCV cannot run it: {error.err or error}") from error


class OpenCv(Runner):
    """A net with its inputs set."""

    def __init__(self, task: Task, weights: Path):
        steps = read_steps(weights, training=False)
        definition = text.format(read_weights(weights).param).encode()
        files = (definition, weights.read_bytes())
        self.net = cv2.dnn.readNetFromCaffe(*(np.frombuffer(each, np.uint8) for each in files))
        self.inputs = task.inputs(steps.inputs)
        self.output = next(iter(steps.outputs))
        self.run()

    def run(self) -> np.ndarray:
        """Do one iteration. What depends on no new input would be skipped."""
        for name, values in self.inputs.items():
            self.net.setInput(values, name)
        return self.net.forward(self.output)

    def described(self) -> str:
        """Return the version."""
        return f"OpenCV {cv2.__version__}"

    def results(self) -> Results:
        """Return the output."""
        return {self.output: self.run()}
