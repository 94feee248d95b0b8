from __future__ import annotations

import numpy as np
import pytest

from caffe_core.blob import ANY_FORMAT, CHANNELS_LAST, CONTIGUOUS
from caffe_core.errors import CaffeError
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer, Phase
from caffe_core.net import Net

FED = 'layer { name: "d" type: "Input" top: "x" input_param { shape { %s } } }'
IMAGE = FED % "dim: 2 dim: 3 dim: 4 dim: 5"


class Ramp(Layer):
    """y = x times 1, 2, 3, ... in the order N, C, H, W."""

    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset())


class Ordered(Kernel):
    """Works on flat memory, so it must have it in one order."""

    formats = (CONTIGUOUS,)

    def forward(self, bottom, top):
        x, y = bottom[0].data, top[0].data
        assert x.flags.c_contiguous
        np.multiply(x.ravel(), np.arange(1, x.size + 1), out=y.reshape(-1))

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            dx, dy = bottom[0].diff, top[0].diff
            np.multiply(dy.ravel(), np.arange(1, dy.size + 1), out=dx.reshape(-1))


class Free(Kernel):
    """Works on arrays in any order."""

    formats = ANY_FORMAT

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data * self._factors(bottom[0])

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff * self._factors(bottom[0])

    def _factors(self, blob):
        return np.arange(1, blob.count + 1).reshape(blob.shape)


class LikesLast(Free):
    prefers = CHANNELS_LAST


class LikesFirst(Free):
    prefers = CONTIGUOUS


class LastOnly(Free):
    formats = (CHANNELS_LAST,)

    def forward(self, bottom, top):
        assert all(np.moveaxis(blob.data, 1, -1).flags.c_contiguous for blob in (*bottom, *top))
        super().forward(bottom, top)


class Same(Layer):
    """The top is the bottom under another name."""

    facts = Facts(shares_bottom=True, backward_reads=frozenset())

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].shape)
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])


class Flat(Same):
    """The top is the bottom with all axes but the first in one."""

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].shape[0], bottom[0].span(1))
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])


class Nothing(Kernel):
    formats = ANY_FORMAT

    def forward(self, bottom, top):
        pass


class NothingOrdered(Nothing):
    formats = (CONTIGUOUS,)


@pytest.fixture(autouse=True)
def ramps(plug_layer):
    for kernel in (Ordered, Free, LikesLast, LikesFirst, LastOnly):
        plug_layer(kernel.__name__, Ramp, kernel)
    plug_layer("Same", Same, Nothing)
    plug_layer("SameOrdered", Same, NothingOrdered)
    plug_layer("Flat", Flat, Nothing)


def chain(*types, source=IMAGE):
    """A net with a layer of each type, one after the other: x -> y0 -> y1 -> ..."""
    names = ["x", *(f"y{index}" for index in range(len(types)))]
    return source + "".join(
        f'layer {{ name: "l{index}" type: "{type_}" bottom: "{names[index]}" '
        f'top: "{names[index + 1]}" }}'
        for index, type_ in enumerate(types)
    )


def formats(net):
    return {name: blob.format for name, blob in net.blobs.items()}


def test_contiguous_is_for_every_blob_whatever_kernels_like():
    net = Net(chain("LikesLast", "LikesLast"), memory_format="contiguous")
    assert set(formats(net).values()) == {CONTIGUOUS}
    assert net.notes["formats"] == []


def test_the_tops_of_a_source_need_not_agree():
    two = """layer { name: "in" type: "Input" top: "x" top: "label" input_param {
        shape { dim: 2 dim: 3 dim: 4 dim: 5 } shape { dim: 2 dim: 1 dim: 1 dim: 1 } } }"""
    net = Net(chain("LikesLast", source=two), memory_format="auto")
    assert net.blobs["x"].format is CHANNELS_LAST
    assert net.blobs["label"].format is CONTIGUOUS
    assert net.nodes[0].reorders == []


def test_channels_last_is_for_every_blob_that_may_have_it():
    net = Net(chain("Free", "Flat", "Free"), memory_format="channels_last")
    assert formats(net) == {
        "x": CHANNELS_LAST, "y0": CONTIGUOUS, "y1": CONTIGUOUS, "y2": CONTIGUOUS,
    }  # fmt: skip
    assert net.notes["formats"] == [
        "x is channels_last",
        "l0: 1 blobs are reordered to contiguous",
    ]


@pytest.mark.parametrize("shape", ["dim: 2 dim: 3", "dim: 6", ""])
def test_blobs_of_few_axes_have_one_format_only(shape):
    net = Net(chain("Free", source=FED % shape), memory_format="channels_last")
    assert set(formats(net).values()) == {CONTIGUOUS}


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["LikesLast"], CHANNELS_LAST),
        (["LikesFirst"], CONTIGUOUS),
        (["Free", "Free"], CONTIGUOUS),
        (["LikesLast", "LikesFirst"], CONTIGUOUS),
        (["LikesLast", "Free"], CHANNELS_LAST),
    ],
)
def test_auto_asks_the_kernels_around_a_blob(types, expected):
    net = Net(chain(*types), memory_format="auto")
    assert formats(net)["y0"] is expected


def test_auto_counts_every_kernel_on_memory_that_is_shared():
    net = Net(chain("LikesLast", "Same", "LikesLast", "LikesFirst"), memory_format="auto")
    assert [formats(net)[name] for name in ("y0", "y1")] == [CHANNELS_LAST] * 2
    net = Net(chain("LikesFirst", "Same", "LikesFirst", "LikesLast"), memory_format="auto")
    assert [formats(net)[name] for name in ("y0", "y1")] == [CONTIGUOUS] * 2


@pytest.mark.parametrize("sharing", ["Flat", "SameOrdered"])
def test_shared_memory_stays_contiguous_where_an_order_is_needed(sharing):
    net = Net(chain("LikesLast", sharing, "Free"), memory_format="channels_last")
    assert formats(net)["y0"] is formats(net)["y1"] is CONTIGUOUS
    assert formats(net)["x"] is CHANNELS_LAST


def test_another_memory_format_is_refused():
    with pytest.raises(CaffeError) as caught:
        Net(IMAGE, memory_format="nhwc")
    assert str(caught.value) == (
        "memory_format is 'nhwc'; expected one of auto, contiguous, channels_last"
    )


def test_a_kernel_that_needs_an_order_gets_copies_in_it():
    net = Net(chain("Ordered", "Free"), memory_format="channels_last")
    assert net.notes["formats"][-1] == "l0: 2 blobs are reordered to contiguous"
    assert [each.copy.format for each in net.nodes[1].reorders] == [CONTIGUOUS] * 2
    assert not net.nodes[2].reorders


def test_a_kernel_that_needs_channels_last_gets_copies_in_it():
    net = Net(chain("LastOnly"))
    assert [each.copy.format for each in net.nodes[1].reorders] == [CHANNELS_LAST] * 2


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3, 4), (2, 3, 4, 5, 6)])
def test_copies_follow_the_shapes(shape):
    source = FED % " ".join(f"dim: {length}" for length in shape)
    net = Net(
        "force_backward: true " + chain("Ordered", source=source), memory_format="channels_last"
    )
    assert len(net.nodes[1].reorders) == 2
    for items in (2, 5, 1):
        net.blobs["x"].reshape(items, *shape[1:])
        net.blobs["x"].data[...] = 2
        net.forward()
        factors = np.arange(1, net.blobs["x"].count + 1).reshape(net.blobs["x"].shape)
        np.testing.assert_array_equal(net.blobs["y0"].data, 2 * factors)
        net.blobs["y0"].diff[...] = 3
        net.backward()
        np.testing.assert_array_equal(net.blobs["x"].diff, 3 * factors)


@pytest.mark.parametrize("shape", [(2, 3, 1, 1), (2, 1, 4, 5)])
def test_nothing_is_copied_where_both_formats_have_the_same_order(shape):
    source = FED % " ".join(f"dim: {length}" for length in shape)
    net = Net(
        "force_backward: true " + chain("Ordered", source=source), memory_format="channels_last"
    )
    assert "reordered" not in " ".join(net.notes["formats"])
    for now in (shape, (2, 3, 4, 5), shape):
        net.blobs["x"].reshape(now)
        net.blobs["x"].data[...] = 2
        net.forward()
        assert [each.is_shared for each in net.nodes[1].reorders] == [now == shape] * 2
        factors = np.arange(1, net.blobs["x"].count + 1).reshape(now)
        np.testing.assert_array_equal(net.blobs["y0"].data, 2 * factors)
        net.blobs["y0"].diff[...] = 3
        net.backward()
        np.testing.assert_array_equal(net.blobs["x"].diff, 3 * factors)


MIXED = """
force_backward: true
layer { name: "d" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 2 dim: 3 dim: 4 dim: 5 } shape { dim: 2 } } }
layer { name: "a" type: "Gain" bottom: "x" top: "a" }
layer { name: "b" type: "%(one)s" bottom: "a" top: "a" }
layer { name: "c" type: "%(two)s" bottom: "a" top: "c" }
layer { name: "e" type: "Free" bottom: "a" top: "e" }
layer { name: "f" type: "%(three)s" bottom: "e" top: "f" }
layer { name: "flat" type: "Flat" bottom: "f" top: "flat" }
layer { name: "ip" type: "InnerProduct" bottom: "c" top: "ip"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Total" bottom: "ip" bottom: "flat" bottom: "label" top: "loss" }
"""


def trained(memory_format, one, two, three):
    text = MIXED % {"one": one, "two": two, "three": three}
    net = Net(text, Phase.TRAIN, seed=1, memory_format=memory_format)
    net.blobs["x"].data[...] = np.random.default_rng(0).random((2, 3, 4, 5))
    for _ in range(2):
        net.clear_param_diffs()
        net.forward_backward()
    return net


@pytest.mark.parametrize("memory_format", ["channels_last", "auto"])
@pytest.mark.parametrize(
    "types",
    [
        ("Free", "Ordered", "Free"),
        ("Ordered", "Free", "Ordered"),
        ("LastOnly", "Ordered", "LikesLast"),
        ("Ordered", "LikesLast", "LastOnly"),
    ],
)
def test_a_net_computes_the_same_in_every_memory_format(memory_format, types):
    expected, found = trained("contiguous", *types), trained(memory_format, *types)
    assert CHANNELS_LAST in formats(found).values() or memory_format == "auto"
    for name, blob in expected.blobs.items():
        other = found.blobs[name]
        np.testing.assert_allclose(other.data, blob.data, rtol=1e-5, err_msg=f"data of {name}")
        np.testing.assert_allclose(other.diff, blob.diff, rtol=1e-5, err_msg=f"diff of {name}")
    for mine, other in zip(expected.learnable, found.learnable, strict=True):
        np.testing.assert_allclose(mine.blob.diff, other.blob.diff, rtol=1e-4, atol=1e-4)
