"""The contract suite itself: each check catches a kernel that lies, and says where."""

from __future__ import annotations

import caffe_layer_convolution as convolution
import caffe_layer_inner_product as inner_product
import caffe_layer_relu as relu
import numpy as np
import pytest

from caffe_core.blob import ANY_FORMAT, CHANNELS_LAST, CONTIGUOUS
from caffe_core.errors import CaffeError, DeviceError, PluginError
from caffe_core.kernel import Kernel
from caffe_core.layer import Facts, Layer
from caffe_core.testing import Case, Input, contract
from caffe_core.testing.bench import Bench, RefusalError
from caffe_core.testing.checks import CHECKS
from caffe_core.testing.setting import FLOAT32, FLOAT64

IMAGE = Case(bottom=[(2, 3, 4, 5)])
FILTERS = Case(
    "convolution_param { num_output: 2 kernel_size: 1 stride: 2 }", bottom=[(2, 3, 5, 6)]
)
OVERLAPPING = Case(
    "convolution_param { num_output: 2 kernel_size: 3 stride: 2 }", bottom=[(2, 3, 5, 7)]
)
PRODUCT = Case("inner_product_param { num_output: 5 }", bottom=[(4, 3, 2)])


class Square(Layer):
    """An honest layer: y = x * x."""

    facts = Facts(elementwise=True, backward_reads=frozenset({"bottom"}))


class SquareKernel(Kernel):
    formats = ANY_FORMAT

    def forward(self, bottom, top):
        np.multiply(bottom[0].data, bottom[0].data, out=top[0].data)

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            np.multiply(bottom[0].data, top[0].diff, out=bottom[0].diff)
            bottom[0].diff[...] *= 2


class LeavesOneElement(SquareKernel):
    def forward(self, bottom, top):
        np.multiply(bottom[0].data[:, 1:], bottom[0].data[:, 1:], out=top[0].data[:, 1:])


class SpoilsBottom(SquareKernel):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        bottom[0].data[0, 0] = 0


class NeedsBackward(SquareKernel):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        if not self.need_backward:
            top[0].data[...] += 1


class SlightlyWrong(SquareKernel):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        bottom[0].diff[0, 0] *= 1.001


class AddsToBottom(SquareKernel):
    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] += 2 * bottom[0].data * top[0].diff


class IgnoresPropagateDown(SquareKernel):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, [True], bottom)


class SpoilsTopDiff(SquareKernel):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        top[0].diff.fill(0)


class OverwritesLearnedDiff(inner_product.InnerProductKernel):
    def backward(self, top, propagate_down, bottom):
        self.blobs[1].diff.fill(0)
        super().backward(top, propagate_down, bottom)


class IgnoresFrozen(inner_product.InnerProductKernel):
    def backward(self, top, propagate_down, bottom):
        frozen, self.layer.param_propagate_down = self.layer.param_propagate_down, [True, True]
        super().backward(top, propagate_down, bottom)
        self.layer.param_propagate_down = frozen


class ReadsBottom(relu.ReLUKernel):
    """Right, but ReLU declares that backward reads the top alone."""

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            np.multiply(top[0].diff, bottom[0].data > 0, out=bottom[0].diff)


class InPlaceSquare(Square):
    facts = Facts(elementwise=True, inplace=True, backward_reads=frozenset({"bottom"}))


class ElementwiseProduct(inner_product.InnerProduct):
    facts = Facts(elementwise=True, backward_reads=frozenset({"bottom"}))


class WeighsPositions(SquareKernel):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        top[0].data[...] *= np.arange(top[0].shape[-1])


class KeepsItsStride(convolution.Convolution):
    @property
    def movable_stride(self):
        return self.geometry.stride

    @movable_stride.setter
    def movable_stride(self, value):
        pass


class ReadsNeighbours(convolution.Convolution):
    samples_bottom = True


class SharingSquare(Square):
    facts = Facts(elementwise=True, backward_reads=frozenset({"bottom"}), shares_bottom=True)


class SecretlySharing(Square):
    facts = Facts(backward_reads=frozenset())

    def reshape(self, bottom, top):
        top[0].reshape(bottom[0].shape)
        top[0].share_data(bottom[0])


class Copies(Kernel):
    def forward(self, bottom, top):
        pass

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff


class CountsInMemoryOrder(SquareKernel):
    """Takes the memory for N, C, H, W, though it says that it takes any order."""

    def forward(self, bottom, top):
        super().forward(bottom, top)
        top[0].data.ravel(order="K")[:7] = 1

    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        if propagate_down[0]:
            bottom[0].diff.ravel(order="K")[:7] = 0


class RemembersFirstShape(SquareKernel):
    def prepare(self, bottom, top):
        self.most = max(getattr(self, "most", 0), bottom[0].count)

    def forward(self, bottom, top):
        super().forward(bottom, top)
        top[0].data[...] /= self.most

    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        if propagate_down[0]:
            bottom[0].diff[...] /= self.most


class OnePercentOff(SquareKernel):
    """Consistent with itself, but not with the plain kernel."""

    def forward(self, bottom, top):
        super().forward(bottom, top)
        top[0].data[...] *= 1.01

    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        if propagate_down[0]:
            bottom[0].diff[...] *= 1.01


class HalfPrecision(SquareKernel):
    def forward(self, bottom, top):
        x = bottom[0].data
        top[0].data[...] = (x.astype(np.float16) ** 2) if x.dtype == np.float32 else x * x


class Allocates(SquareKernel):
    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data * bottom[0].data


class UsesGlobalRandom(SquareKernel):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.factor = np.random.default_rng().random() + 1

    def forward(self, bottom, top):
        super().forward(bottom, top)
        top[0].data[...] *= self.factor

    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        if propagate_down[0]:
            bottom[0].diff[...] *= self.factor


class KeepsCount(SquareKernel):
    """Depends on how often it ran, which no snapshot holds."""

    count = 0

    def forward(self, bottom, top):
        super().forward(bottom, top)
        self.count += 1
        top[0].data[...] *= self.count


class Raises(SquareKernel):
    def backward(self, top, propagate_down, bottom):
        raise IndexError("list index out of range")


class SettlesOnOldBottom(SquareKernel):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        self.top, self.last = top[0], top[0].data.copy()

    def settle(self, alarm):
        return [lambda: np.copyto(self.top.data, self.last)]


class FailsWhenSettled(SquareKernel):
    def settle(self, alarm):
        return [lambda: 3]


class SettlesOnOldWeights(inner_product.InnerProductKernel):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        weights = self.blobs[0].read().copy()
        self.again = lambda: np.copyto(
            top[0].data, bottom[0].read().reshape(4, -1) @ weights.T + self.blobs[1].read()
        )

    def settle(self, alarm):
        return [self.again]


LIARS = [
    (Square, LeavesOneElement, IMAGE, "forward_writes_every_top"),
    (Square, SpoilsBottom, IMAGE, "forward_writes_nothing_else"),
    (Square, NeedsBackward, IMAGE, "forward_is_the_same_without_backward"),
    (Square, SlightlyWrong, IMAGE, "backward_is_the_derivative"),
    (Square, AddsToBottom, IMAGE, "backward_writes_every_wanted_diff"),
    (Square, IgnoresPropagateDown, IMAGE, "backward_writes_nothing_else"),
    (Square, SpoilsTopDiff, IMAGE, "backward_writes_nothing_else"),
    (inner_product.InnerProduct, OverwritesLearnedDiff, PRODUCT, "backward_adds_to_learned_diffs"),
    (
        inner_product.InnerProduct,
        IgnoresFrozen,
        PRODUCT,
        "backward_honours_param_propagate_down",
    ),
    (relu.ReLU, ReadsBottom, IMAGE, "backward_reads_only_what_facts_declare"),
    (InPlaceSquare, SquareKernel, IMAGE, "in_place_equals_out_of_place"),
    (ElementwiseProduct, inner_product.InnerProductKernel, PRODUCT, "elementwise_is_true"),
    (Square, WeighsPositions, IMAGE, "positionwise_is_true"),
    (
        KeepsItsStride,
        convolution.ConvolutionKernel,
        FILTERS,
        "movable_stride_skips_positions",
    ),
    (
        ReadsNeighbours,
        convolution.ConvolutionKernel,
        OVERLAPPING,
        "movable_stride_skips_positions",
    ),
    (SharingSquare, SquareKernel, IMAGE, "sharing_is_as_declared"),
    (SecretlySharing, Copies, IMAGE, "sharing_is_as_declared"),
    (Square, CountsInMemoryOrder, IMAGE, "memory_format_changes_nothing"),
    (Square, RemembersFirstShape, IMAGE, "reshape_leaves_no_trace"),
    (Square, OnePercentOff, IMAGE, "agrees_with_plain_kernel"),
    (Square, HalfPrecision, IMAGE, "float32_is_close_to_float64"),
    (Square, Allocates, IMAGE, "steady_iteration_allocates_nothing_large"),
    (Square, SettlesOnOldBottom, IMAGE, "settled_forward_is_forward"),
    (Square, FailsWhenSettled, IMAGE, "settled_forward_is_forward"),
    (inner_product.InnerProduct, SettlesOnOldWeights, PRODUCT, "settled_forward_is_forward"),
    (Square, UsesGlobalRandom, IMAGE, "same_seed_gives_same_result"),
    (Square, KeepsCount, IMAGE, "restored_state_gives_same_result"),
]


def settings_of(layer, kernel, case):
    plain = SquareKernel if issubclass(kernel, SquareKernel) else None
    return contract.settings(layer, kernels=[kernel], cases=[case], plain=plain)


def checks_that_fail(layer, kernel, case):
    """Names of the checks that a kernel fails in any format and dtype."""
    return {
        str(violation).partition(":")[0]
        for setting in settings_of(layer, kernel, case)
        for violation in contract.violations(setting)
    }


@pytest.mark.parametrize(
    ("layer", "kernel", "case"),
    [
        (Square, SquareKernel, IMAGE),
        (relu.ReLU, relu.ReLUKernel, IMAGE),
        (inner_product.InnerProduct, inner_product.InnerProductKernel, PRODUCT),
    ],
)
def test_an_honest_kernel_passes(layer, kernel, case):
    assert checks_that_fail(layer, kernel, case) == set()


@pytest.mark.parametrize(
    ("layer", "kernel", "case", "check"),
    LIARS,
    ids=[f"{kernel.__name__}-{layer.__name__}" for layer, kernel, *_ in LIARS],
)
def test_a_lying_kernel_is_caught(layer, kernel, case, check):
    assert check in checks_that_fail(layer, kernel, case)


def test_every_check_has_its_liar():
    assert {check.__name__ for check in CHECKS} == {check for *_, check in LIARS}


def test_a_violation_says_which_check_layer_kernel_and_case_and_what_differs():
    case = Case("power_param {\n power: 2 }", bottom=[(2, 3)], phase="TEST")
    setting, _ = settings_of(Square, OnePercentOff, case)
    (found,) = map(str, contract.violations(setting))
    assert found.startswith("agrees_with_plain_kernel: Square, ")
    assert f"{OnePercentOff.__module__}.OnePercentOff on cpu, case 0 " in found
    assert "(power_param { power: 2 }; bottoms (2, 3); TEST)" in found
    assert "contiguous, float32: SquareKernel gives another result: data of top 0" in found
    assert "differs in 6 of 6 elements, most at (" in found


def test_an_exception_in_a_kernel_is_a_violation():
    setting = settings_of(Square, Raises, IMAGE)[0]
    found = contract.violations(setting)
    assert "raised IndexError: list index out of range" in str(found[0])
    assert isinstance(found[0].__cause__, IndexError)


def test_verify_lists_every_violation_or_counts_the_settings():
    plain = [relu.ReLUKernel]
    assert contract.verify(relu.ReLU, kernels=plain, cases=[IMAGE]) == len(ANY_FORMAT) * 2
    with pytest.raises(contract.ContractError) as caught:
        contract.verify(Square, kernels=[SpoilsTopDiff], cases=[IMAGE])
    lines = str(caught.value).splitlines()
    assert len(lines) == len(ANY_FORMAT) * 2
    assert all("backward_writes_nothing_else" in line for line in lines)


def test_settings_of_an_installed_type_are_all_its_cases_formats_and_dtypes():
    found = contract.settings("ReLU")
    assert {each.number for each in found} == set(range(len(relu.CASES)))
    assert {each.dtype for each in found} == {FLOAT32, FLOAT64}
    formats = {each.format for each in found if each.number == 0}
    assert formats == {CONTIGUOUS, CHANNELS_LAST}
    assert {each.format for each in found if each.number == 2} == {CONTIGUOUS}  # two axes only


def test_a_kernel_that_refuses_is_no_violation_but_must_take_something():
    class Choosy(SquareKernel):
        @classmethod
        def refuses(cls, layer, bottom, top):
            return "needs float32" if layer.dtype == FLOAT64 else None

    single, double = contract.settings(Square, kernels=[Choosy], cases=[Case(bottom=[(3, 2)])])
    assert contract.violations(single) == []
    with pytest.raises(RefusalError, match="Choosy refuses: needs float32"):
        contract.violations(double)

    class Never(SquareKernel):
        @classmethod
        def refuses(cls, layer, bottom, top):
            return "never"

    with pytest.raises(CaffeError, match=r"no kernel takes any case\n.*Never refuses: never"):
        contract.verify(Square, kernels=[Never], cases=[IMAGE])


def test_a_float32_only_kernel_has_its_gradient_checked_in_float32():
    class Single(SlightlyWrong):
        @classmethod
        def refuses(cls, layer, bottom, top):
            return "needs float32" if layer.dtype == FLOAT64 else None

        def backward(self, top, propagate_down, bottom):
            SquareKernel.backward(self, top, propagate_down, bottom)
            if propagate_down[0]:
                bottom[0].diff[...] *= 1.2

    setting = contract.settings(Square, kernels=[Single], cases=[IMAGE])[0]
    found = [str(each).partition(":")[0] for each in contract.violations(setting)]
    assert "backward_is_the_derivative" in found


def test_a_layer_without_cases_or_kernels_is_an_error():
    with pytest.raises(CaffeError, match=r"Square: module .* has no CASES; add a list"):
        contract.cases_of(Square)
    with pytest.raises(PluginError, match="no cpu kernel is installed for layer type 'Square'"):
        contract.settings(Square, cases=[IMAGE])


def test_a_broken_layer_is_one_failing_row():
    test = contract.suite("NoSuchLayer")
    (row,) = test.pytestmark[0].args[1]
    assert row.id == "NoSuchLayer-cannot_run"
    with pytest.raises(pytest.fail.Exception, match="no layer type 'NoSuchLayer'"):
        test(*row.values)


def test_a_device_that_is_not_there_is_skipped(monkeypatch):
    def absent(name):
        raise DeviceError(f"{name} does not exist")

    monkeypatch.setattr(contract, "find_device", absent)
    test = contract.suite("ReLU", device="cuda:7")
    (row,) = test.pytestmark[0].args[1]
    with pytest.raises(pytest.skip.Exception, match="cuda:7 does not exist"):
        test(*row.values)


def test_a_suite_fails_with_the_violations():
    test = contract.suite(Square, kernels=[SpoilsTopDiff], cases=[Case(bottom=[(3, 2)])])
    row, _ = test.pytestmark[0].args[1]
    with pytest.raises(pytest.fail.Exception, match="backward_writes_nothing_else"):
        test(*row.values)


def test_a_case_may_bring_files(tmp_path):
    seen = []

    class ReadsFile(Square):
        def setup(self, bottom, top):
            with open("note.txt") as file:
                seen.append(file.read())

    case = Case(bottom=[(3, 2)], files=lambda folder: (folder / "note.txt").write_text("here"))
    contract.verify(ReadsFile, kernels=[SquareKernel], cases=[case])
    assert set(seen) == {"here"}


def test_a_case_may_choose_what_learned_blobs_hold():
    case = Case(
        "inner_product_param { num_output: 5 }", bottom=[(4, 3)], blobs=[Input((5, 3), 2, 3)]
    )
    setting = contract.settings("InnerProduct", cases=[case])[0]
    weight, bias = Bench(setting).blob_values
    assert (weight >= 2).all()
    assert (bias < 2).any()


def test_a_case_with_the_wrong_number_of_bottoms_is_an_error():
    with pytest.raises(
        CaffeError, match="a case must have 1 bottoms and 1 tops, case 0 has 2 and 1"
    ):
        contract.verify("ReLU", cases=[Case(bottom=[(3, 2), (3, 2)])])
