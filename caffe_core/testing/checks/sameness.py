"""What must give the same result."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from caffe_core.blob import CONTIGUOUS
from caffe_core.device import CPU
from caffe_core.errors import CaffeError
from caffe_core.testing.bench import SEED, Bench, RefusalError
from caffe_core.testing.checks.make import Check, Make, run, tops
from caffe_core.testing.setting import FLOAT32, FLOAT64

Shapes = list[tuple[int, ...]]


def memory_format_changes_nothing(make: Make) -> None:
    """Channels-last blobs give what contiguous ones give, other random numbers apart."""
    if make.setting.format is CONTIGUOUS or make().is_random:
        return
    why = f"{make.setting.format.value} gives another result than contiguous"
    make.expect_same_run(why, make(), make(format=CONTIGUOUS))


def reshape_leaves_no_trace(make: Make) -> None:
    """After another shape and back, shapes and results are those of the first time.

    The other shapes are the case's own with one axis longer or shorter, such as more items or
    smaller images, as far as the layer takes them.
    """
    expected = run(make())
    original = [blob.shape for blob in make().bottom]
    for shapes in other_shapes(original):
        bench = make()
        run(bench)
        if not _runs_with(bench, shapes):
            continue
        bench.redraw(original, seed=SEED)
        why = f"after a reshape to {shapes} and back"
        make.expect_all(why, run(bench), expected)


def agrees_with_plain_kernel(make: Make) -> None:
    """An engine or a device gives what the plain NumPy kernel gives, random numbers apart."""
    setting = make.setting
    is_plain = setting.plain is setting.kernel and setting.device is CPU
    if setting.plain is None or is_plain or make().is_random:
        return
    plain = make(kernel=setting.plain, device=CPU, format=CONTIGUOUS)
    make.expect_same_run(f"{setting.plain.__name__} gives another result", make(), plain)


def float32_is_close_to_float64(make: Make) -> None:
    """Rounding does not spoil the result, other random numbers apart."""
    if make.setting.dtype != FLOAT32 or make().is_random:
        return
    try:
        precise = make(dtype=FLOAT64)
    except RefusalError:
        return
    make.expect_same_run("float32 is far from float64", make(), precise)


def same_seed_gives_same_result(make: Make) -> None:
    """All that is random comes from the layer's seed."""
    make.expect_same_run("with the same seed the result is another", make(), make())


def restored_state_gives_same_result(make: Make) -> None:
    """What ``state()`` returns is all that the next forward depends on, beside blobs."""
    bench = make()
    bench.forward()
    state = copy.deepcopy(bench.layer.state())
    blobs = [blob.data.copy() for blob in bench.layer.blobs]
    expected = bench.advance()
    for blob, values in zip(bench.layer.blobs, blobs, strict=True):
        blob.data[...] = values
    bench.layer.restore(state)
    make.expect_all("after restore(state())", tops(bench.advance()), tops(expected))


def other_shapes(shapes: Shapes) -> Iterator[Shapes]:
    """Yield shapes to try: one axis, in every bottom that has it, a little longer or shorter."""
    most = max((len(shape) for shape in shapes), default=0)
    for axis in range(most):
        for change in (2, -1):
            if any(len(shape) > axis and shape[axis] + change < 1 for shape in shapes):
                continue
            yield [
                (*shape[:axis], shape[axis] + change, *shape[axis + 1 :])
                if len(shape) > axis
                else shape
                for shape in shapes
            ]


def _runs_with(bench: Bench, shapes: Shapes) -> bool:
    """Run with other shapes; False if the layer refuses them, or what the bottoms then hold."""
    try:
        bench.redraw(shapes, seed=5)
        run(bench)
    except CaffeError:
        return False
    return True


SAMENESS_CHECKS: tuple[Check, ...] = (
    memory_format_changes_nothing,
    reshape_leaves_no_trace,
    agrees_with_plain_kernel,
    float32_is_close_to_float64,
    same_seed_gives_same_result,
    restored_state_gives_same_result,
)
