"""Recurrent layers: what they have in common, whatever happens within a time step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from caffe_core.blob import Blob, Shape
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, between, exactly


class RecurrentLayer(Layer):
    """Reads N streams of T time steps and remembers one state from step to step.

    Bottoms: x ``(T, N, ...)``; cont ``(T, N)``, 0 where a sequence begins and 1 where it goes on;
    and, if given, a static input ``(N, ...)`` that every step sees. Tops: ``(T, N, num_output)``.
    What the last step of a forward leaves, the first step of the next one finds: a sequence may be
    longer than T. No gradient goes so far back.

    With ``expose_hidden`` the caller keeps the states instead: there are further bottoms for those
    before the first step and further tops for those after the last, each ``(1, N, num_output)``.
    They carry no gradient. There is no unrolled net, so ``debug_info`` has nothing to show.

    Learned blobs: the weight of x, ``(rows, inputs)``; the bias, ``(rows,)``; that of the static
    input, if there is one; and that of the state, ``(rows, num_output)``. Rows are num_output times
    `gates`.

    Attributes:
        states: Names of what is remembered. The first is multiplied by a weight in each step.
        gates: How many numbers a step computes of x and of the state, for each that it puts out.
        outputs: ``num_output``.
        static: Whether there is a static input.
        exposed: How many states are bottoms and tops.
        carried: The states after the last forward, by name, unless they are exposed.
    """

    facts = Facts(backward_reads=frozenset({"bottom"}))
    states: ClassVar[Sequence[str]] = ("h",)
    gates: ClassVar[int] = 1

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.exposed = len(self.states) if self.param.recurrent_param.expose_hidden else 0
        self.bottoms = between(2 + self.exposed, 3 + self.exposed)
        self.tops = exactly(1 + self.exposed)
        self.carried: dict[str, Blob] = {}

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the weights and the bias."""
        param = self.param.recurrent_param
        self.outputs = param.num_output
        if self.outputs == 0:
            raise self.error("num_output must be at least 1; set recurrent_param.num_output")
        self.static = len(bottom) > 2 + self.exposed
        self._check_axes(bottom)
        self.inputs = self._count_inputs(bottom)
        rows = self.gates * self.outputs
        self.add_blob((rows, self.inputs[0]), param.weight_filler)
        self.add_blob((rows,), param.bias_filler)
        for columns in (*self.inputs[1:], self.outputs):
            self.add_blob((rows, columns), param.weight_filler)
        if not self.exposed:
            self.carried = {name: Blob((0,), self.dtype) for name in self.states}

    def multiply_adds(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> int:
        """Each step is multiplied by the weights of x and of the state, a static input once."""
        steps, streams = bottom[0].shape[:2]
        static = self.blobs[2].count if self.static else 0
        return streams * (steps * (self.blobs[0].count + self.blobs[-1].count) + static)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes; the number of steps and of streams may change."""
        self._check_axes(bottom)
        self._check_inputs(bottom)
        steps, streams = bottom[0].shape[:2]
        state = (1, streams, self.outputs)
        for index in range(len(bottom) - self.exposed, len(bottom)):
            self._expect(bottom, index, state, "(1, N, num_output), as x has streams")
        for blob in (*self.carried.values(), *top[1:]):
            blob.reshape(state)
        top[0].reshape(steps, streams, self.outputs)

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Cont and the exposed states get no gradient."""
        return bottom_index == 0 or (self.static and bottom_index == 2)

    def insists_on_backward(self, bottom_index: int) -> bool:
        """Caffe's unrolled net always computes the gradients of x and of the static input."""
        return self.allow_force_backward(bottom_index)

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Refuse to compute the gradient of cont."""
        if propagate_down[1]:
            raise self.error(
                f"bottom {self.param.bottom[1]!r} is asked for a gradient, but tells where "
                "sequences begin and has none; set propagate_down to false for it"
            )

    def reset(self) -> None:
        """Forget what was carried over: the next forward begins with states of 0."""
        for blob in self.carried.values():
            blob.overwrite()[...] = 0

    def state(self) -> dict[str, Any]:
        """Return what is carried over, beside the random numbers."""
        carried = {name: blob.read().copy() for name, blob in self.carried.items()}
        return {**super().state(), **carried}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`; one of another number of streams is forgotten."""
        super().restore(state)
        found = {name: state[name] for name in self.carried.keys() & state.keys()}
        if any(values.shape != self.carried[name].shape for name, values in found.items()):
            self.reset()
            return
        for name, values in found.items():
            self.carried[name].overwrite()[...] = values

    def _check_axes(self, bottom: Sequence[Blob]) -> None:
        """Check that steps and streams are as many in all bottoms as in x."""
        shape = bottom[0].shape
        if len(shape) < 2:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} has shape {shape}, expected time steps, streams, "
                "and what each step reads; add a Reshape layer"
            )
        self._expect(bottom, 1, shape[:2], "(T, N), a number for each step and stream of x")
        if self.static and bottom[2].shape[:1] != shape[1:2]:
            raise self.error(
                f"bottom {self.param.bottom[2]!r} has shape {bottom[2].shape}, expected "
                f"({shape[1]}, ...), an item for each stream of x; give it no axis of time"
            )

    def _expect(self, bottom: Sequence[Blob], index: int, shape: Shape, what: str) -> None:
        if bottom[index].shape != shape:
            raise self.error(
                f"bottom {self.param.bottom[index]!r} has shape {bottom[index].shape}, "
                f"expected {shape}: {what}; reshape it"
            )

    def _count_inputs(self, bottom: Sequence[Blob]) -> list[int]:
        """How many numbers each step reads of x, and of the static input if there is one."""
        return [bottom[0].span(2), *([bottom[2].span(1)] if self.static else [])]

    def _check_inputs(self, bottom: Sequence[Blob]) -> None:
        """Check that a step reads as many numbers as the weights were made for."""
        counts = zip(self.inputs, self._count_inputs(bottom), strict=True)
        for index, (made_for, found) in zip((0, 2), counts, strict=False):
            if found != made_for:
                raise self.error(
                    f"the weight takes {made_for} numbers, bottom {self.param.bottom[index]!r} "
                    f"{bottom[index].shape} gives each step {found}; they must stay as many"
                )


class RecurrentKernel(Kernel):
    """A loop over time steps between two products over all of them at once.

    Subclasses override `step`, `emit`, `enter_backward` and `step_back`. Everything that backward
    needs is kept here, so that the layers above may work in place.

    Attributes:
        gates: ``(T, N, rows)``: the sums of the products with x, static input and state, and what
            `step` makes of them.
        gates_diff: The gradient of these sums.
        states: Each state by name, ``(T + 1, N, num_output)``: entry t is what step t finds.
        state_diff: ``(N, num_output)``: the gradient that later steps and the output give to the
            first state after the present step.
    """

    layer: RecurrentLayer

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate what a forward leaves to backward."""
        steps, streams, outputs = top[0].shape
        rows = self.blobs[0].shape[0]
        self.steps = steps
        self.gates = self.empty(steps, streams, rows)
        self.gates_diff: Any = self.empty(*self.gates.shape) if self.need_backward else None
        self.states = {name: self.empty(steps + 1, streams, outputs) for name in self.layer.states}
        self.state_diff = self.empty(streams, outputs)
        self._going_on = self.empty(steps, streams, outputs)
        self._product = self.empty(streams, rows)

    def empty(self, *shape: int) -> Any:
        """Return a new array of the net's element type."""
        return self.xp.empty(shape, self.layer.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops, and the states to be carried over."""
        self._enter(bottom)
        state, weight = self._first_state, self.blobs[self._state_weight].data.T
        cont = bottom[1].data[..., None]
        for step in range(self.steps):
            self.xp.multiply(state[step], cont[step], out=self._going_on[step])
            self.xp.matmul(self._going_on[step], weight, out=self._product)
            self.gates[step] += self._product
            self.step(step, cont[step])
        self.emit(top[0].data)
        kept = top[1:] or [blob.on(self.device) for blob in self.layer.carried.values()]
        for blob, states in zip(kept, self.states.values(), strict=True):
            blob.data[...] = states[-1]

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of x and of the static input, add to those of the learned blobs."""
        self.layer.refuse_gradients(propagate_down)
        self._run_back(bottom[1].data[..., None], self.enter_backward(top[0].diff))
        diffs = rows_of(self.gates_diff)
        self._backward_input(0, diffs, bottom[0], propagate_down[0])
        self.add_sum(1, diffs)
        if self.layer.static:  # every step has seen the same
            total = self.xp.add.reduce(self.gates_diff, axis=0, out=self._product)
            self._backward_input(2, total, bottom[2], propagate_down[2])
        self.add_diff(self._state_weight, diffs, rows_of(self._going_on))
        for index in range(2 + self.layer.static, len(bottom)):
            if propagate_down[index]:
                bottom[index].diff.fill(0)

    def step(self, step: int, cont: Any) -> None:
        """Make of ``gates[step]`` and the states at `step` those at ``step + 1``.

        Args:
            step: Which step, from 0.
            cont: ``(N, 1)``: 0 for streams in which a sequence begins.
        """
        raise NotImplementedError(f"{type(self).__name__} has no step")

    def emit(self, output: Any) -> None:
        """Write the output of all steps ``(T, N, num_output)``: here, the first state."""
        output[...] = self._first_state[1:]

    def enter_backward(self, output_diff: Any) -> Any:
        """Return what the output's gradient gives to the first state after each step.

        The result may use the memory of `gates_diff`.
        """
        return output_diff

    def step_back(self, step: int, cont: Any) -> None:
        """Write ``gates_diff[step]``, given `state_diff`."""
        raise NotImplementedError(f"{type(self).__name__} has no step_back")

    def add_diff(self, index: int, left: Any, right: Any) -> None:
        """Add ``left' right`` to the diff of a learned blob, unless that is frozen."""
        if self.layer.param_propagate_down[index]:
            diff = self.blobs[index].diff
            diff += self.xp.matmul(left.T, right, out=self.workspace.array(diff.shape, diff.dtype))

    def add_sum(self, index: int, rows: Any) -> None:
        """Add the sum of all rows to the diff of a learned blob, unless that is frozen."""
        if self.layer.param_propagate_down[index]:
            diff = self.blobs[index].diff
            total = self.workspace.array(diff.shape, diff.dtype)
            diff += self.xp.add.reduce(rows, axis=0, out=total)

    @property
    def _first_state(self) -> Any:
        return self.states[self.layer.states[0]]

    @property
    def _state_weight(self) -> int:
        """Which learned blob the first state is multiplied by."""
        return 3 if self.layer.static else 2

    def _enter(self, bottom: Sequence[Blob]) -> None:
        """Multiply the inputs of all steps by their weights, and find the states to begin with."""
        self._forward_input(0, bottom[0], rows_of(self.gates))
        self.gates += self.blobs[1].data
        if self.layer.static:
            self._forward_input(2, bottom[2], self._product)
            self.gates += self._product
        given = bottom[len(bottom) - self.layer.exposed :]
        begin = given or [blob.on(self.device) for blob in self.layer.carried.values()]
        for blob, states in zip(begin, self.states.values(), strict=True):
            states[0] = blob.data[0]

    def _forward_input(self, index: int, bottom: Blob, out: Any) -> None:
        """Multiply x, or the static input, by learned blob `index`."""
        weight = self.blobs[index].data
        self.xp.matmul(bottom.data.reshape(len(out), weight.shape[1]), weight.T, out=out)

    def _run_back(self, cont: Any, above: Any) -> None:
        """Write the gradient of all gates, from the last step to the first."""
        weight = self.blobs[self._state_weight].data
        self.state_diff.fill(0)
        for step in reversed(range(self.steps)):
            self.state_diff += above[step]
            self.step_back(step, cont[step])
            if step:
                self.xp.matmul(self.gates_diff[step], weight, out=self.state_diff)
                self.state_diff *= cont[step]

    def _backward_input(self, index: int, diffs: Any, bottom: Blob, wanted: bool) -> None:
        """Go back through the product of x, or of the static input, with learned blob `index`."""
        shape = (len(diffs), self.blobs[index].shape[1])
        self.add_diff(index, diffs, bottom.data.reshape(shape))
        if wanted:
            self.xp.matmul(diffs, self.blobs[index].data, out=bottom.diff.reshape(shape))


def rows_of(array: Any) -> Any:
    """Return an array ``(T, N, columns)`` as one row for each step and stream."""
    steps, streams, columns = array.shape
    return array.reshape(steps * streams, columns)
