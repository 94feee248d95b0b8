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
        residual(n, n.pool1, 64)  # assigns n.branch2a, whose name becomes res2a_branch2a
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from caffe.messages import assign, fill, own_messages, param_fields
from caffe_core import registry
from caffe_core.errors import CaffeError, PluginError, did_you_mean
from caffe_core.proto import caffe_pb2, plugin_fields, text

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
        in_place: Whether the tops are the bottoms.
        tops: The tops.

    Raises:
        TypeError: An input is no blob.
        CaffeError: The layer is in place, with tops that are not as many as the bottoms.
    """

    def __init__(self, type_name: str, inputs: tuple[Any, ...], params: dict[str, Any]):
        self.type_name, self.inputs, self.params = type_name, inputs, dict(params)
        self.ntop = self.params.pop("ntop", 1)
        self.in_place = self.params.pop("in_place", False)
        for index, each in enumerate(inputs):
            if not isinstance(each, Top):
                raise TypeError(f"{type_name} input {index} is not a Top (type is {type(each)})")
        if self.in_place and len(inputs) != self.ntop:
            raise CaffeError(
                f"{type_name}: a layer in place has as many tops as bottoms, here are "
                f"{self.ntop} and {len(inputs)}; correct ntop, or remove in_place"
            )
        self.tops = tuple(Top(self, index) for index in range(self.ntop))

    def to_layer(self, bottom: list[str], names: Names, counts: Counter[str]) -> Any:
        """Return the ``LayerParameter``.

        Args:
            bottom: Names of the blobs that the layer reads.
            names: Names of tops, and of layers without tops. Those made here are added.
            counts: How many names have been made for each type of layers.

        Raises:
            CaffeError: The type has no such parameter, or it cannot be what it is given.
        """
        layer = caffe_pb2.LayerParameter(type=self.type_name, bottom=bottom)
        named = self.tops or (self,)
        layer.name = _name(named[0], self.type_name, names, counts)
        if self.in_place:
            layer.top.extend(bottom)
        else:
            layer.top.extend(_name(top, self.type_name, names, counts) for top in self.tops)
        for name, value in self.params.items():
            self._set(layer, name, value)
        return layer

    def _set(self, layer: Any, name: str, value: Any) -> None:
        """Set a field of the type's own messages, such a message, or a field of every layer."""
        own = own_messages(layer)
        if name in own:
            fill(own[name], value, self.type_name)
            return
        for message in (*own.values(), layer):
            if name in message.DESCRIPTOR.fields_by_name:
                assign(message, name, value, self.type_name)
                return
        raise self._unknown(name, layer, own)

    def _unknown(self, name: str, layer: Any, own: dict[str, Any]) -> CaffeError:
        """Return the error for a parameter that the layer does not have."""
        problem = f"{self.type_name} has no parameter {name!r}"
        for home, kind in (("loss_param", "Loss"), ("transform_param", "Data")):
            fields = getattr(layer, home).DESCRIPTOR.fields_by_name
            if kind in self.type_name and name in fields:
                return CaffeError(f"{problem}. It belongs in {home}=dict({name}=...)")
        try:
            registry.layers[self.type_name]
        except PluginError as error:
            return CaffeError(f"{problem}: {error}")
        known = [field for message in own.values() for field in message.DESCRIPTOR.fields_by_name]
        near = did_you_mean(name, [*known, *layer.DESCRIPTOR.fields_by_name])
        return CaffeError(f"{problem}.{near} Its own are {', '.join(known) or 'none'}")


def _name(named: Any, type_name: str, names: Names, counts: Counter[str]) -> str:
    """Return the name of a top or a layer; one that has none gets its type's and a number."""
    if named not in names:
        counts[type_name] += 1
        names[named] = f"{type_name}{counts[type_name]}"
    return names[named]


class NetSpec:
    """A net being written: blobs become its by being assigned to its attributes.

    Items are the same as attributes; they serve for names such as ``conv1/relu``. As text, it is
    the prototxt.

    Attributes:
        tops: What was assigned, by name.
    """

    tops: dict[str, Any]
    _scopes: tuple[str, ...]

    def __init__(self) -> None:
        super().__setattr__("tops", {})
        super().__setattr__("_scopes", ("",))

    def __setattr__(self, name: str, value: Any) -> None:
        self.tops[self._scopes[-1] + name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy and pickle look for some, before there are tops
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(*error.args) from None

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __getitem__(self, name: str) -> Any:
        return self.tops[self._full(name)]

    def __delitem__(self, name: str) -> None:
        del self.tops[self._full(name)]

    def __contains__(self, name: str) -> bool:
        return any(scope + name in self.tops for scope in self._scopes)

    def __str__(self) -> str:
        return text.format(self.to_proto())

    @contextlib.contextmanager
    def scope(self, prefix: str) -> Iterator[NetSpec]:
        """Let names that are assigned in a ``with`` block begin with `prefix`.

        Scopes nest. A name that is read is looked for in the innermost scope first, then outwards,
        as Python looks for variables.
        """
        outer = self._scopes
        super().__setattr__("_scopes", (*outer, outer[-1] + prefix))
        try:
            yield self
        finally:
            super().__setattr__("_scopes", outer)

    def _full(self, name: str) -> str:
        """Return the full name that `name` has in the innermost scope where it is known."""
        for scope in reversed(self._scopes):
            if scope + name in self.tops:
                return scope + name
        raise KeyError(f"the net has no blob {name!r}.{did_you_mean(name, self.tops)}")

    def to_proto(self) -> Any:
        """Return the ``NetParameter``: the layers in the order in which they were assigned."""
        names: Names = {}
        for name, top in self.tops.items():
            names[top] = name
        return _net(self.tops.values(), names)


def to_proto(*tops: Any) -> Any:
    """Return the ``NetParameter`` of all that these blobs depend on, with automatic names."""
    return _net(tops, {})


def param_name_dict() -> dict[str, str]:
    """Return where parameters are by layer type: ``InnerProduct`` has ``inner_product`` and so on.

    ``_param`` is to be added to get the field of ``LayerParameter``.
    """
    return {name: field.removesuffix("_param") for name, field in param_fields().items()}


def assign_proto(proto: Any, name: str, val: Any) -> None:
    """Set a field of a message; mappings make messages, one element does for a list.

    Raises:
        CaffeError: There is no such field, or the value does not fit it.
    """
    assign(proto, name, val, "assign_proto")


def _net(tops: Iterable[Any], names: Names) -> Any:
    layers: dict[Function, Any] = {}
    counts: Counter[str] = Counter()
    for function in _in_order(getattr(top, "fn", top) for top in tops):
        bottom = [layers[each.fn].top[each.n] for each in function.inputs]
        layers[function] = function.to_layer(bottom, names, counts)
    return caffe_pb2.NetParameter(layer=layers.values())


def _in_order(functions: Iterable[Function]) -> Iterator[Function]:
    """Yield layers and all that they depend on, each after those it reads."""
    seen: set[Function] = set()
    for function in functions:
        waiting = [function]
        while waiting:
            missing = [each.fn for each in waiting[-1].inputs if each.fn not in seen]
            if missing:
                waiting.extend(reversed(missing))
                continue
            each = waiting.pop()
            if each not in seen:
                seen.add(each)
                yield each


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
        return registry.layers.names()


class Parameters:
    """``P.Pooling.MAX`` is the number of a value of an enum in ``PoolingParameter``.

    For a plugin's type the enums are those of the first message that it declares.
    """

    def __getattr__(self, name: str) -> Any:
        message = getattr(caffe_pb2, f"{name}Parameter", None)
        if message is not None:
            return message
        if name in registry.layers:
            for declared in plugin_fields.messages_of(registry.layers[name]).values():
                return declared.message
        raise AttributeError(f"no message {name}Parameter.{did_you_mean(name, dir(self))}")

    def __dir__(self) -> list[str]:
        suffix = "Parameter"
        return [each.removesuffix(suffix) for each in dir(caffe_pb2) if each.endswith(suffix)]


layers = Layers()
params = Parameters()
