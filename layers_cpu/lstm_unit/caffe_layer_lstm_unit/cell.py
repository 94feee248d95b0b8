"""The arithmetic of one step of an LSTM, on arrays whose last axis is that of the units."""

from __future__ import annotations

from typing import Any


def parts(gates: Any) -> tuple[Any, Any, Any, Any]:
    """Return views of the four gates of each unit: input, forget, output and candidate."""
    units = gates.shape[-1] // 4
    i, f, o, g = (gates[..., gate * units : (gate + 1) * units] for gate in range(4))
    return i, f, o, g


def forward(xp: Any, gates: Any, cont: Any, c_prev: Any, c: Any, tanh_c: Any, h: Any) -> None:
    """Compute ``c = cont f c_prev + i g`` and ``h = o tanh(c)``.

    Args:
        xp: NumPy or CuPy.
        gates: What goes into the four gates, ``(..., 4 units)``; then what comes out of them, the
            forget gate times `cont`.
        cont: ``(..., 1)``: 0 where the cell is to forget all.
        c_prev: The cell before the step, ``(..., units)``, as all that follow.
        c: Where the cell goes.
        tanh_c: Where its hyperbolic tangent goes.
        h: Where the output goes.
    """
    i, f, o, g = parts(gates)
    sigmoids = gates[..., : gates.shape[-1] // 4 * 3]
    sigmoids *= 0.5  # the logistic function is (1 + tanh(x / 2)) / 2
    xp.tanh(gates, out=gates)
    sigmoids += 1
    sigmoids *= 0.5
    f *= cont
    xp.multiply(i, g, out=tanh_c)
    xp.multiply(f, c_prev, out=c)
    c += tanh_c
    xp.tanh(c, out=tanh_c)
    xp.multiply(o, tanh_c, out=h)


def backward(xp: Any, gates: Any, c_prev: Any, tanh_c: Any, dh: Any, dc: Any, dgates: Any) -> None:
    """Compute the gradients of what went into the gates, and of the cell before the step.

    Args:
        xp: NumPy or CuPy.
        gates: What `forward` left there.
        c_prev: The cell before the step.
        tanh_c: What `forward` left there.
        dh: The gradient of h.
        dc: The gradient of c; then that of `c_prev`.
        dgates: Where the gradients of the gates go.
    """
    (i, f, o, g), (di, df, do, dg) = parts(gates), parts(dgates)
    # dc += dh o (1 - tanh(c)^2), with room that is not needed yet.
    xp.square(tanh_c, out=do)
    xp.subtract(1, do, out=do)
    do *= o
    do *= dh
    dc += do
    xp.square(gates, out=dgates)
    sigmoids = slice(gates.shape[-1] // 4 * 3)
    xp.subtract(gates[..., sigmoids], dgates[..., sigmoids], out=dgates[..., sigmoids])
    xp.subtract(1, dg, out=dg)
    for diff, factors in ((di, (g, dc)), (df, (c_prev, dc)), (do, (tanh_c, dh)), (dg, (i, dc))):
        for factor in factors:
            diff *= factor
    dc *= f
