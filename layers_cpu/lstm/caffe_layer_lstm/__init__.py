"""LSTM: long short-term memory over a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_layer_lstm_unit import cell

from caffe_core.blob import Blob
from caffe_core.layer import between
from caffe_core.recurrent import RecurrentKernel, RecurrentLayer
from caffe_core.testing import Case, labels


class LSTM(RecurrentLayer):
    """Recurrent layer whose cells keep what they hold until a gate lets it go.

    Bottoms: x ``(T, N, ...)``, T steps of N streams; cont ``(T, N)``, 0 where a sequence begins and
    1 where it goes on; and, if given, a static input ``(N, ...)`` that every step sees. Top: the
    output of each step, ``(T, N, num_output)``. A sequence may go on in the next forward; no
    gradient goes back so far. With ``expose_hidden`` the caller keeps the states instead: those
    before the first step are further bottoms, those after the last further tops, each
    ``(1, N, num_output)``.

    The gates of step t are ``W_xc x + b + W_static x_static + W_hc (cont h)``, in the order input,
    forget, output, candidate; the rest is `LSTMUnit`. The output is h. The states are h and c.

    Learned blobs: W_xc ``(4 num_output, inputs)``, b ``(4 num_output,)``, W_static ``(4 num_output,
    static inputs)`` if there is a static input, W_hc ``(4 num_output, num_output)``.

    Source: Donahue et al., "Long-term recurrent convolutional networks for visual recognition and
    description", 2015; Hochreiter and Schmidhuber, "Long short-term memory", 1997.
    """

    bottoms = between(2, 5)
    tops = between(1, 3)
    states = ("h", "c")
    gates = 4


class LSTMKernel(RecurrentKernel):
    """LSTM as a loop over time steps."""

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate what the cells leave to backward."""
        super().prepare(bottom, top)
        self.tanh_c = self.empty(*top[0].shape)
        self.cell_diff = self.empty(*self.state_diff.shape)

    def step(self, step: int, cont: Any) -> None:
        """Compute the cells and their output."""
        h, c = self.states.values()
        gates, after = self.gates[step], step + 1
        cell.forward(self.xp, gates, cont, c[step], c[after], self.tanh_c[step], h[after])

    def enter_backward(self, output_diff: Any) -> Any:
        """Begin with no gradient of the cells: none comes from after the last step."""
        self.cell_diff.fill(0)
        return output_diff

    def step_back(self, step: int, cont: Any) -> None:
        """Go back through the cells."""
        gates, tanh_c, before = self.gates[step], self.tanh_c[step], self.states["c"][step]
        diffs = self.state_diff, self.cell_diff, self.gates_diff[step]
        cell.backward(self.xp, gates, before, tanh_c, *diffs)


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
        bottom=[(2, 3, 4), labels((2, 3), 2), _STATE, _STATE],
        tops=3,
        ignored_tops=(1, 2),
        note="states as bottoms and tops",
    ),
    Case(
        "recurrent_param { num_output: 1 expose_hidden: true debug_info: true }",
        bottom=[(1, 2), labels((1, 2), 2), (2, 3, 1), (1, 2, 1), (1, 2, 1)],
        tops=3,
        ignored_tops=(1, 2),
    ),
]
