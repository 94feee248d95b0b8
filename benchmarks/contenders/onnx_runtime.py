"""ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path

import onnxruntime

from benchmarks.contenders import Results, Runner
from benchmarks.contenders.onnx_net import to_onnx
from benchmarks.contenders.steps import read_steps
from benchmarks.task import Task


def prepare(task: Task, weights: Path, threads: int) -> OnnxRuntime:
    """Translate the net."""
    return OnnxRuntime(task, weights, threads)


class OnnxRuntime(Runner):
    """A session and its inputs."""

    def __init__(self, task: Task, weights: Path, threads: int):
        steps = read_steps(weights, training=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.session = onnxruntime.InferenceSession(
            to_onnx(steps), options, providers=["CPUExecutionProvider"]
        )
        used = [each.name for each in self.session.get_inputs()]
        inputs = task.inputs(steps.inputs)
        self.inputs = {name: inputs[name] for name in used}
        self.outputs = list(steps.outputs)

    def run(self) -> list:
        """Do one iteration."""
        return self.session.run(None, self.inputs)

    def described(self) -> str:
        """Return the version."""
        return f"ONNX Runtime {onnxruntime.__version__}"

    def results(self) -> Results:
        """Return the outputs."""
        return dict(zip(self.outputs, self.run(), strict=True))
