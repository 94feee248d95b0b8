"""What the CUDA kernels of recurrent layers have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from caffe_core.blob import Blob
from caffe_core.cuda.kernel import CudaKernel
from caffe_core.recurrent import RecurrentLayer, rows_of

RECURRENT_CU = Path(__file__).with_name("recurrent.cu")


class CudaRecurrentKernel(CudaKernel):
    """A product and a launch for each time step, between products over all steps at once.

    Subclasses override `run` and `run_back`; their source begins with `RECURRENT_CU`. Everything
    that backward needs is kept here, so that the layers above may work in place.

    Attributes:
        gates: ``(T, N, rows)``: the products of each step, and what the subclass makes of them.
        gates_diff: The gradient of these products.
        seen: ``(T, N, num_output)``: what each step sees of the first state before it, which is 0
            where a sequence begins.
        fixed: What is added to the products of every step: the bias, and the product of the static
            input ``(N, rows)`` or None.
        left: ``(N, num_output)``: the gradient that the step after gives to what it sees.
        units: ``num_output``.
        size: N times num_output.
    """

    layer: RecurrentLayer

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate what a forward leaves to backward."""
        self.steps, streams, self.units = top[0].shape
        self.size = streams * self.units
        rows = self.blobs[0].shape[0]
        self.gates = self.empty(self.steps, streams, rows)
        self.seen = self.empty(self.steps, streams, self.units)
        self._static = self.empty(streams, rows) if self.layer.static else None
        self._products = list(zip(self.seen, self.gates, strict=True))
        self._ones = self.xp.ones((1, self.steps * streams), self.layer.dtype)
        if self.need_backward:
            self.gates_diff = self.empty(*self.gates.shape)
            self.left = self.empty(streams, self.units)
            self._diffs = list(self.gates_diff)

    def empty(self, *shape: int) -> Any:
        """Return a new array of the net's element type."""
        return self.xp.empty(shape, self.layer.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops, and the states to be carried over."""
        self._forward_input(0, bottom[0], rows_of(self.gates))
        if self.layer.static:
            self._forward_input(2, bottom[2], self._static)
        self.fixed = self.blobs[1].read(), self._static
        cont, carried = bottom[1].read(), self._carried()
        found = bottom[len(bottom) - self.layer.exposed :] if self.layer.exposed else carried
        states = [blob.read()[0] for blob in found]
        if self.steps:
            self.function("begin")(self.size, states[0], cont, self.seen, self.units)
        after = self.run(cont, states, top[0].overwrite())
        for blob, state in zip(top[1:] or carried, after, strict=True):
            blob.overwrite()[0] = state

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of x and of the static input, add to those of the learned blobs."""
        self.layer.refuse_gradients(propagate_down)
        self.run_back(bottom[1].read(), top[0].read_diff())
        diffs = rows_of(self.gates_diff)
        self._backward_input(0, diffs, bottom[0], propagate_down[0])
        self.add_sum(1, diffs)
        if self._static is not None:  # every step has seen the same
            total = self._static
            self._multiply(
                self._ones[:, : self.steps],
                self.gates_diff.reshape(self.steps, total.size),
                total.reshape(1, total.size),
            )
            self._backward_input(2, total, bottom[2], propagate_down[2])
        self.add_product(self._state_weight, diffs.T, rows_of(self.seen))
        for index in range(2 + self.layer.static, len(bottom)):
            if propagate_down[index]:
                bottom[index].overwrite_diff().fill(0)

    def run(self, cont: Any, states: Sequence[Any], output: Any) -> Sequence[Any]:
        """Go through all steps.

        Args:
            cont: ``(T, N)``: 0 where a sequence begins.
            states: Each state before the first step, ``(N, num_output)``.
            output: Where the output of all steps goes.

        Returns:
            Each state after the last step.
        """
        raise NotImplementedError(f"{type(self).__name__} has no run")

    def run_back(self, cont: Any, output_diff: Any) -> None:
        """Write `gates_diff`, given the gradient of the output."""
        raise NotImplementedError(f"{type(self).__name__} has no run_back")

    def forward_steps(self) -> Iterator[int]:
        """Yield each step when the product of what it sees has been added to its gates."""
        weight = self.blobs[self._state_weight].read().T
        for step, (seen, gates) in enumerate(self._products):
            self._multiply(seen, weight, gates, add=True)
            yield step

    def backward_steps(self) -> Iterator[int]:
        """Yield each step, the last one first; then use its gradient to write `left`."""
        weight = self.blobs[self._state_weight].read()
        for step in reversed(range(self.steps)):
            yield step
            if step:
                self._multiply(self._diffs[step], weight, self.left)

    def add_product(self, index: int, left: Any, right: Any) -> None:
        """Add ``left right`` to the diff of a learned blob, unless that is frozen."""
        if self.layer.param_propagate_down[index]:
            blob = self.blobs[index]
            clear = blob.diff_tensor.is_clear
            diff = blob.overwrite_diff() if clear else blob.diff
            self._multiply(left, right, diff.reshape(len(left), -1), add=not clear)

    def add_sum(self, index: int, rows: Any) -> None:
        """Add the sum of all rows to the diff of a learned blob, unless that is frozen."""
        self.add_product(index, self._ones, rows)

    @property
    def _state_weight(self) -> int:
        """Which learned blob the first state is multiplied by."""
        return 3 if self.layer.static else 2

    def _carried(self) -> list[Any]:
        """The states that are carried over."""
        return [blob.on(self.device) for blob in self.layer.carried.values()]

    def _forward_input(self, index: int, bottom: Blob, out: Any) -> None:
        """Multiply x, or the static input, by learned blob `index`."""
        weight = self.blobs[index].read()
        self._multiply(bottom.read().reshape(len(out), weight.shape[1]), weight.T, out)

    def _backward_input(self, index: int, diffs: Any, bottom: Blob, wanted: bool) -> None:
        """Go back through the product of x, or of the static input, with learned blob `index`."""
        weight = self.blobs[index].read()
        shape = (len(diffs), weight.shape[1])
        self.add_product(index, diffs.T, bottom.read().reshape(shape))
        if wanted:
            self._multiply(diffs, weight, bottom.overwrite_diff().reshape(shape))

    def _multiply(self, a: Any, b: Any, out: Any, add: bool = False) -> None:
        self.device.blas.gemm(a, b, out, add=add)
