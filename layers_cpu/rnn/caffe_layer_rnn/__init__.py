"""RNN: a plain recurrent network over a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.layer import between
from caffe_core.recurrent import RecurrentKernel, RecurrentLayer, rows_of
from caffe_core.testing import Case, labels


class RNN(RecurrentLayer):
    """Recurrent layer with one hidden state.

    Bottoms: x ``(T, N, ...)``, T steps of N streams; cont ``(T, N)``, 0 where a sequence begins and
    1 where it goes on; and, if given, a static input ``(N, ...)`` that every step sees. Top: the
    output of each step, ``(T, N, num_output)``. A sequence may go on in the next forward; no
    gradient goes back so far. With ``expose_hidden`` the caller keeps the state instead: that
    before the first step is a further bottom, that after the last a further top, each
    ``(1, N, num_output)``.

    ``h = tanh(W_xh x + b_h + W_static x_static + W_hh (cont h_prev))``, and the output is
    ``o = tanh(W_ho h + b_o)``.

    Learned blobs: W_xh ``(num_output, inputs)``, b_h ``(num_output,)``, W_static ``(num_output,
    static inputs)`` if there is a static input, W_hh and W_ho ``(num_output, num_output)``, b_o
    ``(num_output,)``.

    Source: Elman, "Finding structure in time", 1990.
    """

    bottoms = between(2, 4)
    tops = between(1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Create the weights and biases."""
        super().setup(bottom, top)
        param = self.param.recurrent_param
        self.add_blob((self.outputs, self.outputs), param.weight_filler)
        self.add_blob((self.outputs,), param.bias_filler)


class RNNKernel(RecurrentKernel):
    """RNN as a loop over time steps; the output of all of them is one product."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the output, which the top may lose to a layer that works in place."""
        super().prepare(bottom, top)
        self.output = self.empty(*top[0].shape)
        self.output_diff = self.empty(*top[0].shape) if self.need_backward else None

    def step(self, step: int, cont: Any) -> None:
        """Compute the hidden state."""
        self.xp.tanh(self.gates[step], out=self.states["h"][step + 1])

    def emit(self, output: Any) -> None:
        """Write the output of all steps."""
        weight, bias = (blob.data for blob in self.blobs[-2:])
        self.xp.matmul(rows_of(self.states["h"][1:]), weight.T, out=rows_of(self.output))
        self.output += bias
        self.xp.tanh(self.output, out=self.output)
        output[...] = self.output

    def enter_backward(self, output_diff: Any) -> Any:
        """Go back through the output of all steps."""
        diff, weight = self.output_diff, len(self.blobs) - 2
        self.xp.square(self.output, out=diff)
        self.xp.subtract(1, diff, out=diff)
        diff *= output_diff
        self.add_diff(weight, rows_of(diff), rows_of(self.states["h"][1:]))
        self.add_sum(weight + 1, rows_of(diff))
        self.xp.matmul(rows_of(diff), self.blobs[weight].data, out=rows_of(self.gates_diff))
        return self.gates_diff

    def step_back(self, step: int, cont: Any) -> None:
        """Go back through the hidden state."""
        diff = self.gates_diff[step]
        self.xp.square(self.states["h"][step + 1], out=diff)
        self.xp.subtract(1, diff, out=diff)
        diff *= self.state_diff


_STATE = (1, 3, 2)

CASES = [
    Case(
        "recurrent_param { num_output: 2 }",
        bottom=[(4, 3, 5), labels((4, 3), 2)],
        note="sequences that begin anywhere",
    ),
    Case(
        "recurrent_param { num_output: 2 }",
        bottom=[(2, 3, 2, 2), labels((2, 3), 2), (3, 4)],
        note="a static input that every step sees",
    ),
    Case(
        "recurrent_param { num_output: 2 expose_hidden: true }",
        bottom=[(2, 3, 4), labels((2, 3), 2), _STATE],
        tops=2,
        ignored_tops=[1],
        note="the state as bottom and top",
    ),
    Case(
        "recurrent_param { num_output: 1 expose_hidden: true debug_info: true }",
        bottom=[(1, 2), labels((1, 2), 2), (2, 3, 1), (1, 2, 1)],
        tops=2,
        ignored_tops=[1],
    ),
]
