"""OpenVINO on the CPU, in float32 or bfloat16."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openvino

from benchmarks.contenders import Results, Runner, Unavailable
from benchmarks.contenders.onnx_net import to_onnx
from benchmarks.contenders.steps import read_steps
from benchmarks.task import Task


def prepare(task: Task, weights: Path, threads: int, precision: str = "f32") -> OpenVino:
    """Translate and compile the net."""
    return OpenVino(task, weights, threads, precision)


class OpenVino(Runner):
    """A compiled model's request and its inputs."""

    def __init__(self, task: Task, weights: Path, threads: int, precision: str):
        steps = read_steps(weights, training=False)
        core = openvino.Core()
        model = core.read_model(to_onnx(steps))
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": 1,
                "INFERENCE_PRECISION_HINT": precision,
            },
        )
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if used != ("f32" if precision == "f32" else precision):
            raise Unavailable(f"OpenVINO computes in {used} on this processor")
        inputs = task.inputs(steps.inputs)
        self.inputs = {each.any_name: inputs[each.any_name] for each in model.inputs}
        self.outputs = list(steps.outputs)
        self.request = compiled.create_infer_request()

    def run(self) -> Any:
        """Do one iteration."""
        return self.request.infer(self.inputs, share_inputs=True, share_outputs=True)

    def described(self) -> str:
        """Return the version."""
        return f"OpenVINO {openvino.__version__}"

    def results(self) -> Results:
        """Return the outputs."""
        found = self.run().to_tuple()
        return {name: each.copy() for name, each in zip(self.outputs, found, strict=True)}
