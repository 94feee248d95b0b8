from __future__ import annotations

import numpy as np
import pytest

from caffe_core.cuda.source import Parameter, Source, elementwise
from caffe_core.errors import DeviceError

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)

SCALE = """
// KERNEL commented_out(int n)
KERNEL scale(int n, const Real* x, Real* y, const unsigned char* mask,
             Real factor, unsigned long long key) {
    FOR_EACH(i, n) y[i] = mask[i] ? factor * x[i] : 0;
}

struct Shape { int rows, columns; };

KERNEL __launch_bounds__(256) clear(int n, Real *y, const Shape* shape) { }
"""


def test_functions_and_what_they_take():
    functions = Source("scale.cu", SCALE).functions
    assert list(functions) == ["scale", "clear"]
    parameters = functions["scale"].parameters
    assert parameters[0] == Parameter("n", "int", False)
    assert parameters[1] == Parameter("x", "Real", True)
    kinds = [each.dtype(FLOAT64).name for each in parameters]
    assert kinds == ["int32", "float64", "float64", "uint8", "float64", "uint64"]


def test_a_struct_is_given_as_ints():
    shape = Source("scale.cu", SCALE).functions["clear"].parameters[2]
    assert (shape.pointer, shape.dtype(FLOAT32)) == (True, np.int32)


def test_real_is_the_element_type():
    source = Source("scale.cu", SCALE)
    assert source.rendered(FLOAT32).startswith("typedef float Real;\n")
    assert source.rendered(FLOAT64).startswith("typedef double Real;\n")
    assert '#line 1 "scale.cu"\n' + SCALE in source.rendered(FLOAT32)


def test_files_are_read_when_they_are_needed(tmp_path):
    source = Source.beside(str(tmp_path / "__init__.py"), "a.cu", "b.cu")
    assert source.name == f"{tmp_path.name}/a.cu"
    (tmp_path / "a.cu").write_text("KERNEL a(int n) {}\n")
    (tmp_path / "b.cu").write_text("KERNEL b(int n) {}\n")
    assert list(source.functions) == ["a", "b"]


def test_elementwise_functions_are_loops():
    source = elementwise("twice", forward=("const Real* x, Real* y", "y[i] = 2 * x[i];"))
    assert [each.name for each in source.functions["forward"].parameters] == ["n", "x", "y"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("KERNEL f(Real* x) {}", "t.cu: the first parameter of f must be `int n`"),
        ("KERNEL f(int n, half* x) {}", r"t.cu: f takes 'half\* x'; expected Real or one of"),
        ("struct S {};\nKERNEL f(int n, S s) {}", "f takes 'S s'; expected Real or one of"),
    ],
)
def test_what_cannot_be_passed_is_refused(code, message):
    with pytest.raises(DeviceError, match=message):
        _ = Source("t.cu", code).functions


def test_a_name_that_is_none_is_told_apart():
    with pytest.raises(DeviceError, match=r"scale\.cu has no KERNEL scal\. Did you mean 'scale'\?"):
        Source("scale.cu", SCALE).signature("scal")
