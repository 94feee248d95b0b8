"""PluginMessage: parameters that a layer from outside declares, without touching caffe.proto."""

from __future__ import annotations

import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from caffe_core.errors import PluginError
from caffe_core.proto import caffe_pb2
from caffe_core.proto.definition import define

if TYPE_CHECKING:
    from caffe_core.layer import Layer

_LAYER = caffe_pb2.LayerParameter.DESCRIPTOR
_POOL = caffe_pb2.DESCRIPTOR.pool
_GIVEN = range(149, 1 << 29)  # what Caffe 1.0 leaves free
_DERIVED = range(100_000, 1 << 29)

declared: dict[str, PluginMessage] = {}  # those that protobuf knows of, by name


class PluginMessage:
    """A message of a layer type from outside, declared in the class and read from the layer::

        class GroupNorm(Layer):
            group_norm_param = PluginMessage(groups=32, eps=1e-5)

            def setup(self, bottom, top):
                groups = self.group_norm_param.groups

    The attribute's name is the field's name in prototxt, where it stands like any of Caffe's own:
    ``layer { type: "GroupNorm" group_norm_param { groups: 8 } }``.

    A keyword gives a field its default, from which its type follows: a bool, an int (of 64 bits), a
    float (of 32, as in Caffe), a str or the member of an Enum. A type in place of a default makes
    a field without one: one of those, or a message class of `caffe_pb2`, such as
    ``FillerParameter``; ``HasField`` tells whether it is given. A list of a type makes a field that
    may be repeated.

    Files of weights hold the message as an extension of ``LayerParameter``, which BVLC Caffe
    ignores. In them the fields have numbers instead of names, 1, 2, 3 as they stand here: let them
    stay where they are, and add new ones at the end.

    Args:
        number: Number of the whole message in ``LayerParameter``, to read the files of another
            Caffe that gave it one. None derives a number from the name.
        **fields: Default, type or list of a type, by name.

    Attributes:
        name: The field's name in prototxt.
        layer_type: The class that declares it.
    """

    def __init__(self, number: int | None = None, /, **fields: Any):
        self.name = ""
        self.layer_type: type[Any] | None = None
        self._number, self._fields = number, fields
        self._message: Any = None

    def __set_name__(self, owner: type[Any], name: str) -> None:
        if self.name and self.name != name:
            raise TypeError(f"{owner.__name__}.{name} must be called {self.name} here too")
        if not self.name:
            self.name, self.layer_type = name, owner

    @overload
    def __get__(self, layer: None, owner: type[Any]) -> PluginMessage: ...

    @overload
    def __get__(self, layer: Layer, owner: type[Any]) -> Any: ...

    def __get__(self, layer: Layer | None, owner: type[Any]) -> Any:
        return self if layer is None else self.of(layer.param)

    def of(self, layer: Any) -> Any:
        """Return this message in a ``LayerParameter``, to be read or changed.

        Raises:
            PluginError: The declaration cannot be used.
        """
        extension = self.extension
        if self.number in unknown_numbers(layer):
            # It was read from a file before anyone knew of this message.
            layer.CopyFrom(type(layer).FromString(layer.SerializePartialToString()))
        return layer.Extensions[extension]

    @cached_property
    def number(self) -> int:
        """Number of the message in ``LayerParameter``."""
        if self._number is None:
            return _DERIVED[zlib.crc32(self.name.encode()) % len(_DERIVED)]
        return self._number

    @cached_property
    def definition(self) -> descriptor_pb2.DescriptorProto:
        """What caffe.proto would say of the message, compiled.

        Raises:
            PluginError: A field has neither a default nor a type that there is.
        """
        words = (word[0].upper() + word[1:] for word in self.name.split("_") if word)
        try:
            return define("".join(words).removesuffix("Param") + "Parameter", self._fields)
        except TypeError as error:
            raise self._error(str(error)) from error

    @cached_property
    def field(self) -> Field:
        """What caffe.proto would say of the field in ``LayerParameter``, compiled."""
        return Field(
            name=self.name,
            number=self.number,
            label=Field.LABEL_OPTIONAL,
            type=Field.TYPE_MESSAGE,
            type_name=f".caffe.{self.definition.name}",
        )

    @cached_property
    def extension(self) -> Any:
        """Descriptor of the field, for ``Extensions``. The first use makes it known to protobuf.

        Raises:
            PluginError: The declaration cannot be used.
        """
        self._check()
        if self.name not in declared:
            self._declare()
            declared[self.name] = self
        return _POOL.FindExtensionByName(f"caffe.{self.name}")

    @property
    def message(self) -> Any:
        """The message's class."""
        _ = self.extension
        return declared[self.name]._message

    def _declare(self) -> None:
        """Add message and field to the pool of `caffe_pb2`."""
        file = descriptor_pb2.FileDescriptorProto(
            name=f"caffe.{self.name}.proto",
            package="caffe",
            syntax="proto2",
            dependency=["caffe.proto"],
            message_type=[self.definition],
            extension=[self.field],
        )
        file.extension[0].extendee = ".caffe.LayerParameter"
        try:
            _POOL.Add(file)
            classes = message_factory.GetMessageClassesForFiles([file.name], _POOL)
        except (TypeError, KeyError, ValueError) as error:
            raise self._error(str(error)) from error
        self._message = classes[f"caffe.{self.definition.name}"]
        # So that pickle finds it:
        self._message.__module__, _, self._message.__qualname__ = f"{self}.message".partition(":")

    def _check(self) -> None:
        """Raise `PluginError` if the name or the number is taken."""
        if not self.name:
            raise PluginError("a PluginMessage must be an attribute of a Layer class; make it one")
        known = declared.get(self.name)
        if known is not None and (known.number, known.definition) != (self.number, self.definition):
            raise self._error(
                f"{known} says otherwise; rename one, or restart Python after a change"
            )
        if self.name in _LAYER.fields_by_name or self.definition.name in vars(caffe_pb2):
            raise self._error("Caffe has parameters of this name; choose another one")
        if self.number not in _GIVEN:
            raise self._error(f"the number {self.number} is Caffe's own; choose one from 149 on")
        for other in declared.values():
            if other.number == self.number and other.name != self.name:
                raise self._error(
                    f"{other} has the number {self.number} too; give one of them another"
                )

    def _error(self, problem: str) -> PluginError:
        return PluginError(f"{self}: {problem}")

    def __str__(self) -> str:
        owner = self.layer_type
        return f"{owner.__module__}:{owner.__qualname__}.{self.name}" if owner else repr(self)


def unknown_numbers(message: Message) -> list[int]:
    """Return the numbers of the fields that were read from a file and that nobody knows."""
    unknown: Any = UnknownFieldSet(message)
    return [field.field_number for field in unknown]
