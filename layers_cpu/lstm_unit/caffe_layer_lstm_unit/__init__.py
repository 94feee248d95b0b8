"""LSTMUnit: one step of an LSTM without its weights."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_core.blob import ANY_FORMAT, Blob
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, exactly
from caffe_core.testing import Case, labels, uniform
from caffe_layer_lstm_unit import cell


class LSTMUnit(Layer):
    """Long short-term memory: a cell that four gates write, keep and show.

    Bottoms: the cell before the step, ``(1, N, D)``; what goes into the gates, ``(1, N, 4 D)``, in
    the order input, forget, output, candidate; cont ``(1, N)``, which is 0 where a sequence begins:
    there the cell before does not count. Tops: the cell and the output, ``(1, N, D)``.

    With the logistic function s: ``c = cont s(f) c_prev + s(i) tanh(g)``, ``h = s(o) tanh(c)``.

    Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997; with the forget gate of
    Gers, Schmidhuber and Cummins, "Learning to forget", 2000.
    """

    bottoms = exactly(3)
    tops = exactly(2)
    facts = Facts(backward_reads=frozenset({"bottom"}))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give both tops the shape of the cell."""
        cell_shape = bottom[0].shape
        if len(cell_shape) != 3 or cell_shape[0] != 1:
            raise self.error(
                f"bottom {self.param.bottom[0]!r} has shape {cell_shape}, expected (1, N, D): one "
                "step, N streams, D units; reshape it"
            )
        _, streams, units = cell_shape
        for index, shape in [(1, (1, streams, 4 * units)), (2, (1, streams))]:
            if bottom[index].shape != shape:
                raise self.error(
                    f"bottom {self.param.bottom[index]!r} has shape {bottom[index].shape}, "
                    f"expected {shape} to go with the cell {cell_shape}; reshape it"
                )
        for above in top:
            above.reshape(cell_shape)

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Cont gets no gradient."""
        return bottom_index != 2

    def refuse_gradients(self, propagate_down: Sequence[bool]) -> None:
        """Refuse to compute the gradient of cont."""
        if propagate_down[2]:
            raise self.error(
                f"bottom {self.param.bottom[2]!r} is asked for a gradient, but tells where "
                "sequences begin and has none; set propagate_down to false for it"
            )


class LSTMUnitKernel(Kernel):
    """LSTMUnit on arrays. Backward uses the gates that forward leaves here."""

    formats = ANY_FORMAT

    def prepare(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Allocate the gates and the cell's hyperbolic tangent."""
        self.gates = self.xp.empty_like(bottom[1].data)
        self.tanh_c = self.xp.empty_like(bottom[0].data)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the tops."""
        self.gates[...] = bottom[1].data
        cont = bottom[2].data[..., None]
        c, h = top[0].data, top[1].data
        cell.forward(self.xp, self.gates, cont, bottom[0].data, c, self.tanh_c, h)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Write the diffs of the cell before and of the gates."""
        self.layer.refuse_gradients(propagate_down)
        if not any(propagate_down):
            return
        dc, dgates = (
            below.diff if wanted else self.workspace.like(below.data)
            for below, wanted in zip(bottom[:2], propagate_down[:2], strict=True)
        )
        dc[...] = top[0].diff
        cell.backward(self.xp, self.gates, bottom[0].data, self.tanh_c, top[1].diff, dc, dgates)


CASES = [
    Case(bottom=[(1, 3, 2), (1, 3, 8), labels((1, 3), 2)], tops=2, note="some sequences begin"),
    Case(bottom=[(1, 1, 4), (1, 1, 16), uniform((1, 1), 1, 1)], tops=2, note="one goes on"),
]
