"""Python: a layer whose code stands in a module of the user."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

from caffe_core.blob import Blob
from caffe_core.device import CPU, Device
from caffe_core.errors import LayerError
from caffe_core.kernel import Kernel, Workspace
from caffe_core.layer import Facts, Layer, at_least
from caffe_layer_python.cases import CASES
from caffe_layer_python.loading import load_class
from caffe_layer_python.user_layer import LearnedBlobs, PythonLayer

__all__ = ["CASES", "LearnedBlobs", "Python", "PythonKernel", "PythonLayer", "PythonOnDevice"]


class Python(Layer):
    """Runs the class ``python_param.layer`` of the module ``python_param.module``.

    The class has the methods that `PythonLayer` describes and may, but need not, derive from it.
    Its object gets the attributes ``param_str``, ``phase``, ``blobs`` and ``xp``. Each layer of
    each net has an object of its own, so ``share_in_parallel`` changes nothing.

    Its arrays are NumPy's, on whatever device the net is. A class with ``on_device = True`` gets
    those of the device instead, in ``forward`` and ``backward``: CuPy's on a GPU. ``self.xp`` is
    the module that they are of, so one class serves both.
    """

    bottoms = at_least(0)
    tops = at_least(0)
    facts = Facts(host_only=True, dynamic=True)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the user's object and let it set itself up."""
        self.user_class: Any = load_class(self)
        self.on_device = bool(getattr(self.user_class, "on_device", False))
        self.blobs = LearnedBlobs(self.dtype)
        self.user = self._make_user_object()
        self.run("setup", bottom, top)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Let the user's object shape the tops."""
        self.run("reshape", bottom, top)

    def run(self, method: str, *arguments: Any) -> None:
        """Call a method of the user's object.

        Raises:
            LayerError: There is no such method, or it raised; its own error is the cause.
        """
        if not hasattr(self.user, method):
            raise self.error(
                f"class {self.user_class.__name__} has no method {method!r}; add it"
                + (", or set propagate_down: false" if method == "backward" else "")
            )
        try:
            getattr(self.user, method)(*arguments)
        except Exception as error:
            raise self._blame(method, error) from error

    def _make_user_object(self) -> Any:
        plain = self.user_class.__init__ is object.__init__
        try:
            user = self.user_class() if plain else self.user_class(self.param)
        except Exception as error:
            raise self._blame("__init__", error) from error
        user.param_str = self.param.python_param.param_str
        user.param_str_ = user.param_str  # its name before Caffe 1.0
        user.phase = int(self.phase)
        user.blobs = self.blobs
        if not hasattr(user, "type"):
            user.type = self.type
        return user

    def _blame(self, method: str, error: Exception) -> LayerError:
        """Say where in the user's module the error arose."""
        file = getattr(sys.modules.get(self.user_class.__module__), "__file__", None)
        frames = traceback.extract_tb(error.__traceback__)
        frame = [each for each in frames if each.filename == file] or frames
        return self.error(
            f"{self.user_class.__name__}.{method} raised {type(error).__name__}: {error} "
            f"({frame[-1].filename}, line {frame[-1].lineno})"
        )


class PythonKernel(Kernel):
    """Calls the user's object."""

    layer: Python

    def __init__(self, layer: Python, device: Device = CPU, workspace: Workspace | None = None):
        super().__init__(layer, device, workspace)
        if not hasattr(layer.user, "xp"):
            layer.user.xp = self.xp

    def run(self, method: str, *arguments: Any) -> None:
        """Call a method of the user's object."""
        self.layer.run(method, *arguments)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Let the user's object write the tops."""
        self.run("forward", bottom, top)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Let the user's object write the diffs.

        It cannot tell which learned blobs are frozen: their diffs are put back.
        """
        if not any(propagate_down) and not any(self.layer.param_propagate_down):
            return
        learns = zip(self.blobs, self.layer.param_propagate_down, strict=True)
        frozen = [(blob, blob.diff.copy()) for blob, wanted in learns if not wanted]
        self.run("backward", top, list(propagate_down), bottom)
        for blob, diff in frozen:
            blob.diff[...] = diff


class PythonOnDevice(PythonKernel):
    """Calls the user's object with the device's arrays, if its class asks for them."""

    @classmethod
    def refuses(cls, layer: Layer, bottom: Sequence[Blob], top: Sequence[Blob]) -> str | None:
        """Only classes with ``on_device = True`` can do with other arrays than NumPy's."""
        assert isinstance(layer, Python)
        name = layer.user_class.__name__
        return None if layer.on_device else f"class {name} does not say on_device = True"

    def run(self, method: str, *arguments: Any) -> None:
        """Call a method of the user's object, whose learned blobs are on the device meanwhile."""
        user = self.layer.user
        user.blobs = self.blobs
        try:
            super().run(method, *arguments)
        finally:
            user.blobs = self.layer.blobs
