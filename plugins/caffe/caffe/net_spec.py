"""NetSpec: nets written in Python.

    from caffe import layers as L, params as P

    n = caffe.NetSpec()
    n.data, n.label = L.Data(batch_size=64, backend=P.Data.LMDB, source="train", ntop=2)
    n.conv1 = L.Convolution(n.data, kernel_size=5, num_output=20, weight_filler=dict(type="xavier"))
    n.pool1 = L.Pooling(n.conv1, kernel_size=2, stride=2, pool=P.Pooling.MAX)
    n.relu1 = L.ReLU(n.pool1, in_place=True)
    print(n.to_proto())

A function that adds layers to a net can be used many times, each time with names of its own:

    with n.scope("res2a_"):
        residual(n, n.pool1, 64)  # makes n.branch2a, whose name is res2a_branch2a
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from caffe.messages import assign, layer_message
from caffe_core.errors import CaffeError, did_you_mean
from caffe_core.proto import caffe_pb2

Names = dict[Any, str]


class Top:
    """A blob: one of the tops of a layer.

    Attributes:
        fn: The layer.
        n: Which of its tops.
    """

    def __init__(self, fn: Function, n: int):
        self.fn, self.n = fn, n

    def to_proto(self) -> Any:
        """Return the ``NetParameter`` of all that this blob depends on."""
        return to_proto(self)


class Function:
    """A layer: its type, the blobs it reads and its parameters.

    Attributes:
        type_name: The type.
        inputs: The bottoms.
        params: Fields of the layer, and of its type's own message.
        ntop: Number of tops.
        in_place: Whether the top is the bottom.
        tops: The tops.
    """

    def __init__(self, type_name: str, inputs: tuple[Any, ...], params: dict[str, Any]):
        self.type_name, self.inputs, self.params = type_name, inputs, dict(params)
        self.ntop = self.params.pop("ntop", 1)
        self.in_place = self.params.pop("in_place", False)
        for each in inputs:
            if not isinstance(each, Top):
                raise CaffeError(
                    f"{type_name} input is not a Top (type is {type(each).__name__}); "
                    "give what another layer returned"
                )
        if self.in_place and (len(inputs) != 1 or self.ntop != 1):
            raise CaffeError(f"{type_name}: a layer in place takes one input and has one top")
        self.tops = tuple(Top(self, index) for index in range(self.ntop))

    def add_to(self, layers: dict[Function, Any], names: Names, counts: Counter[str]) -> None:
        """Add this layer's ``LayerParameter`` to `layers`, after those of the layers it reads."""
        if self in layers:
            return
        for each in self.inputs:
            each.fn.add_to(layers, names, counts)
        layer = caffe_pb2.LayerParameter(type=self.type_name)
        layer.bottom.extend(layers[each.fn].top[each.n] for each in self.inputs)
        if self.in_place:
            layer.top.extend(layer.bottom)
        else:
            layer.top.extend(_name(top, self.type_name, names, counts) for top in self.tops)
        named = self.tops[0] if self.tops else self
        layer.name = _name(named, self.type_name, names, counts)
        for name, value in self.params.items():
            self._set(layer, name, value)
        layers[self] = layer

    def _set(self, layer: Any, name: str, value: Any) -> None:
        """Set a field of the layer, or else of its type's own message."""
        if name in layer.DESCRIPTOR.fields_by_name:
            assign(layer, name, value, self.type_name)
            return
        found = layer_message(layer)
        if found is None:
            raise CaffeError(
                f"{self.type_name} takes no parameter {name!r}: the type has none of its own."
                f"{did_you_mean(name, layer.DESCRIPTOR.fields_by_name)}"
            )
        field, message = found
        if name == field:  # a plugin's message as a whole
            for key, each in value.items():
                assign(message, key, each, self.type_name)
            return
        assign(message, name, value, self.type_name)


def _name(named: Any, type_name: str, names: Names, counts: Counter[str]) -> str:
    """Return the name of a top or a layer; one that has none gets its type's and a number."""
    if named not in names:
        counts[type_name] += 1
        names[named] = f"{type_name}{counts[type_name]}"
    return names[named]


class NetSpec:
    """A net being written: blobs become its by being assigned to its attributes.

    Attributes:
        tops: What was assigned, by name.
    """

    tops: dict[str, Any]

    def __init__(self) -> None:
        super().__setattr__("tops", {})
        super().__setattr__("_prefix", "")

    def __setattr__(self, name: str, value: Any) -> None:
        self.tops[self._prefix + name] = value

    def __getattr__(self, name: str) -> Any:
        for full in (self._prefix + name, name):
            if full in self.tops:
                return self.tops[full]
        raise AttributeError(f"the net has no blob {name!r}.{did_you_mean(name, self.tops)}")

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(name) from error

    def __delattr__(self, name: str) -> None:
        getattr(self, name)
        del self.tops[self._prefix + name if self._prefix + name in self.tops else name]

    def __delitem__(self, name: str) -> None:
        self.__delattr__(name)

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self.tops or name in self.tops

    @contextlib.contextmanager
    def scope(self, prefix: str) -> Iterator[NetSpec]:
        """Let names that are assigned in a ``with`` block begin with `prefix`.

        A name that is read is looked for there first, then without any prefix. Scopes nest.
        """
        outer = self._prefix
        super().__setattr__("_prefix", outer + prefix)
        try:
            yield self
        finally:
            super().__setattr__("_prefix", outer)

    def to_proto(self) -> Any:
        """Return the ``NetParameter``: the layers in the order in which they were assigned."""
        names: Names = {}
        for name, top in self.tops.items():
            names[top] = name
        return _net(self.tops.values(), names)


def to_proto(*tops: Any) -> Any:
    """Return the ``NetParameter`` of all that these blobs depend on, with automatic names."""
    return _net(tops, {})


def _net(tops: Any, names: Names) -> Any:
    layers: dict[Function, Any] = {}
    counts: Counter[str] = Counter()
    for top in tops:
        getattr(top, "fn", top).add_to(layers, names, counts)
    return caffe_pb2.NetParameter(layer=layers.values())


class Layers:
    """``L.Convolution(bottom, ...)`` makes a layer of that type and returns its top or tops.

    Beside the parameters of the type and fields of every layer, it takes ``ntop``, the number of
    tops (1), and ``in_place``. With ``ntop=0`` the layer itself is returned, to be assigned.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer(*inputs: Top, **params: Any) -> Any:
            made = Function(name, inputs, params)
            if made.ntop == 0:
                return made
            return made.tops if made.ntop > 1 else made.tops[0]

        layer.__name__ = layer.__qualname__ = name
        return layer

    def __dir__(self) -> list[str]:
        from caffe_core.registry import layers

        return layers.names()


class Parameters:
    """``P.Pooling.MAX`` is the number of a value of an enum in ``PoolingParameter``."""

    def __getattr__(self, name: str) -> Any:
        message = getattr(caffe_pb2, f"{name}Parameter", None)
        if message is None:
            known = [each.removesuffix("Parameter") for each in dir(caffe_pb2)]
            raise AttributeError(f"no message {name}Parameter.{did_you_mean(name, known)}")
        return message


layers = Layers()
params = Parameters()
