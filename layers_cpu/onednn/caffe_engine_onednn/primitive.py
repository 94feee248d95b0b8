"""Primitives: one computation each, made once and called with prebuilt arguments."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from ctypes import byref, c_char_p, c_float, c_int32, c_void_p
from functools import partial
from typing import Any

from caffe_engine_onednn.constants import Alg, Arg, Query
from caffe_engine_onednn.context import Context
from caffe_engine_onednn.library import check, library
from caffe_engine_onednn.memory import Descriptor, Memory

_USER_SCRATCHPAD = 1


class Attributes:
    """What a primitive does beside its own computation.

    Args:
        accumulate: Add to what the destination holds.
        addends: Memories of the result's shape to be added to it.
        eltwise: Functions applied to the sum: algorithm, alpha, beta.
    """

    def __init__(
        self,
        *,
        accumulate: bool = False,
        addends: Sequence[Descriptor] = (),
        eltwise: Sequence[tuple[Alg, float, float]] = (),
    ):
        dll = library().dll
        self.handle = c_void_p()
        check(dll.dnnl_primitive_attr_create(byref(self.handle)), "attributes")
        status = dll.dnnl_primitive_attr_set_scratchpad_mode(self.handle, _USER_SCRATCHPAD)
        check(status, "scratchpad mode")
        if not (accumulate or addends or eltwise):
            return
        operations = c_void_p()
        check(dll.dnnl_post_ops_create(byref(operations)), "post-ops")
        if accumulate:
            status = dll.dnnl_post_ops_append_sum(operations, c_float(1), c_int32(0), 0)
            check(status, "sum")
        for addend in addends:
            append = dll.dnnl_post_ops_append_binary
            check(append(operations, Alg.BINARY_ADD, addend.handle), "binary")
        for algorithm, alpha, beta in eltwise:
            append = dll.dnnl_post_ops_append_eltwise
            check(append(operations, algorithm, c_float(alpha), c_float(beta)), "eltwise")
        check(dll.dnnl_primitive_attr_set_post_ops(self.handle, operations), "post-ops")
        check(dll.dnnl_post_ops_destroy(operations), "post-ops")

    def __del__(self) -> None:
        library().dll.dnnl_primitive_attr_destroy(self.handle)


class Recipe:
    """A computation for which the library has chosen an implementation and layouts.

    Args:
        kind: Name of the primitive in the C API, such as ``convolution_forward``.
        arguments: What its descriptor is created from, after the engine. Descriptors, attributes
            and other recipes stand for their handles.

    Attributes:
        implementation: Name of what the library chose; it begins with ``ref`` for code that is
            merely right.

    Raises:
        OnednnError: There is no implementation.
    """

    def __init__(self, kind: str, *arguments: Any, engine: bool = True):
        dll = library().dll
        self.kind = kind
        self.handle = c_void_p()
        handles = [getattr(each, "handle", each) for each in arguments]
        if engine:
            handles.insert(0, library().engine)
        create = getattr(dll, f"dnnl_{kind}_primitive_desc_create")
        check(create(byref(self.handle), *handles), kind)
        self.implementation = self._implementation()

    def layout(self, what: Query) -> Descriptor | None:
        """Return the descriptor that the implementation wants for one of its memories."""
        dll = library().dll
        found = dll.dnnl_primitive_desc_query_md(self.handle, what, 0)
        if not found:
            return None
        copy = c_void_p()
        check(dll.dnnl_memory_desc_clone(byref(copy), c_void_p(found)), "descriptor")
        descriptor = Descriptor(copy)
        return descriptor if descriptor.size else None

    def wanted(self, what: Query) -> Descriptor:
        """Return the descriptor of a memory that every such computation has."""
        found = self.layout(what)
        assert found is not None, what
        return found

    def _implementation(self) -> str:
        name = c_char_p()
        query = library().dll.dnnl_primitive_desc_query
        check(query(self.handle, Query.IMPLEMENTATION, 0, byref(name)), "implementation")
        return (name.value or b"").decode()

    def __del__(self) -> None:
        library().dll.dnnl_primitive_desc_destroy(self.handle)


class _Argument(ctypes.Structure):
    _fields_ = [("role", ctypes.c_int), ("memory", c_void_p)]


class Primitive:
    """A computation on given memories. Calling it costs one foreign call."""

    def __init__(self, context: Context, recipe: Recipe, memories: Mapping[int, Memory]):
        dll = library().dll
        self.recipe, self._context = recipe, context
        self._handle = c_void_p()
        check(dll.dnnl_primitive_create(byref(self._handle), recipe.handle), recipe.kind)
        self._memories = dict(memories)
        scratch = recipe.layout(Query.SCRATCHPAD)
        if scratch is not None:
            self._memories[Arg.SCRATCHPAD] = context.scratchpad(scratch)
        arguments = [_Argument(role, each.handle) for role, each in self._memories.items()]
        self._arguments = (_Argument * len(arguments))(*arguments)
        self._execute = dll.dnnl_primitive_execute
        address = ctypes.addressof(self._arguments)
        self._call = (self._handle, context.stream, len(arguments), address)

    @property
    def bare(self) -> Callable[[], int]:
        """The foreign call alone, which returns the status."""
        call = partial(self._execute, *self._call)
        call.__dict__["primitive"] = self  # lives as long as the call
        return call

    def __call__(self) -> None:
        """Run it."""
        status = self._execute(*self._call)
        if status:
            check(status, self.recipe.kind)

    def __del__(self) -> None:
        library().dll.dnnl_primitive_destroy(self._handle)
