"""Net, as pycaffe shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import caffe_core
from caffe.batching import all_batches, batches
from caffe.callbacks import Callback, Callbacks
from caffe.mode import device_name
from caffe_core.blob import Blob
from caffe_core.errors import CaffeError
from caffe_core.layer import Layer, Phase
from caffe_core.summary import Summary


class Net:
    """A net that is fed and read through arrays, by the names of its blobs.

    It runs where `set_mode_cpu`, `set_mode_gpu` and `set_device` say. The order of arguments from
    before Caffe 1.0, ``Net(network_file, weights, phase)``, works too.

    Args:
        network_file: A prototxt file, prototxt text, or a ``NetParameter`` message.
        phase: ``caffe.TRAIN`` or ``caffe.TEST``.
        level: Compared with ``min_level`` and ``max_level`` of layer rules; 0 if not given.
        stages: Compared with ``stage`` and ``not_stage`` of layer rules.
        weights: A ``.caffemodel`` or ``.caffemodel.h5`` to take learned blobs from.
        options: Passed on to `caffe_core.Net`: ``keep``, ``precision``, ``engines``, ...

    Raises:
        CaffeError: A file cannot be read or does not fit; the message says why.
    """

    def __init__(
        self,
        network_file: Any,
        phase: Any = None,
        level: int | None = None,
        stages: Sequence[str] | None = None,
        weights: str | Path | None = None,
        **options: Any,
    ):
        if isinstance(phase, (str, Path)):  # Net(network_file, weights, phase)
            weights, phase, level = phase, level, None
        if phase is None:
            raise CaffeError("Net: the phase is missing; give caffe.TRAIN or caffe.TEST")
        if phase not in (Phase.TRAIN, Phase.TEST):
            raise CaffeError(f"Net: phase is {phase!r}; expected caffe.TRAIN or caffe.TEST")
        if isinstance(stages, str):
            raise CaffeError(f"Net: stages is {stages!r}; expected a list: [{stages!r}]")
        options.setdefault("device", device_name())
        self._net = caffe_core.Net(
            network_file,
            phase,
            level=level or 0,
            stages=tuple(stages or ()),
            weights=weights,
            **options,
        )

    @classmethod
    def _showing(cls, net: caffe_core.Net) -> Net:
        """Return `net`, which exists already, as pycaffe shows it."""
        shown = cls.__new__(cls)
        shown._net = net
        return shown

    def __repr__(self) -> str:
        return repr(self._net)

    def _repr_html_(self) -> str:
        from caffe.display import net_html

        return net_html(self)

    def summary(self) -> Summary:
        """Return shapes, parameters, multiply-adds and memory of each layer; print it to see it."""
        return self._net.summary()

    @property
    def blobs(self) -> dict[str, Blob]:
        """Every blob by name; ``data`` and ``diff`` of a blob are arrays that share its memory."""
        return self._net.blobs

    @property
    def params(self) -> dict[str, list[Blob]]:
        """The learned blobs of each layer that has any: weight, then bias."""
        return self._net.params

    @property
    def layers(self) -> list[Any]:
        """The layers, in order; each has its ``type`` and ``blobs``.

        A Python layer is the object of the user's class.
        """
        return [_as_written(layer) for layer in self._net.layers.values()]

    @property
    def layer_dict(self) -> dict[str, Any]:
        """The layers by name."""
        return {name: _as_written(layer) for name, layer in self._net.layers.items()}

    @property
    def _layer_names(self) -> list[str]:
        return self._net.layer_names

    @property
    def name(self) -> str:
        """Name in the definition; it may be set."""
        return self._net.name

    @name.setter
    def name(self, name: str) -> None:
        self._net.name = name

    @property
    def _blob_names(self) -> list[str]:
        return list(self._net.blobs)

    @property
    def _blobs(self) -> list[Blob]:
        return list(self._net.blobs.values())

    @property
    def _inputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.inputs]

    @property
    def _outputs(self) -> list[int]:
        return [self._blob_names.index(name) for name in self.outputs]

    def _bottom_ids(self, layer: int) -> list[int]:
        return [self._blob_names.index(name) for name in self._net.nodes[layer].bottom_names]

    def _top_ids(self, layer: int) -> list[int]:
        names = (name for name in self._net.nodes[layer].top_names if name)
        return [self._blob_names.index(name) for name in names]

    @property
    def inputs(self) -> list[str]:
        """Names of the blobs that the user fills."""
        return self._net.inputs

    @property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer reads."""
        return self._net.outputs

    @property
    def bottom_names(self) -> dict[str, list[str]]:
        """For each layer, the blobs that it reads."""
        return {node.name: node.bottom_names for node in self._net.nodes}

    @property
    def top_names(self) -> dict[str, list[str]]:
        """For each layer, the blobs that it writes."""
        return {node.name: node.top_names for node in self._net.nodes}

    @property
    def blob_loss_weights(self) -> dict[str, float]:
        """For each blob, its weight in the objective."""
        weights = self._net.loss_weights
        return {name: weights[name] for name in self._net.blobs}

    @property
    def _blob_loss_weights(self) -> list[float]:
        return list(self.blob_loss_weights.values())

    def forward(
        self,
        blobs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **inputs: Any,
    ) -> dict[str, Any]:
        """Compute the net, or its layers from `start` to `end`, both included.

        Args:
            blobs: Names of blobs to return beside the outputs.
            start: Name of the first layer.
            end: Name of the last layer, whose tops are then the outputs.
            **inputs: An array for each input blob, to be copied into it.

        Returns:
            The data of each output, by name; they are not copies.

        Raises:
            CaffeError: The arrays do not fit the inputs, or a layer fails.
        """
        if inputs:
            self._fill("data", "input", self.inputs, inputs)
        self._net.forward(start, end)
        outputs = self.outputs if end is None else self.top_names[end]
        return {name: self.blobs[name].data for name in [*outputs, *(blobs or ())]}

    def backward(
        self,
        diffs: Iterable[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **gradients: Any,
    ) -> dict[str, Any]:
        """Compute the gradients, or those of the layers from `start` back to `end`.

        The gradients of learned blobs are added to what is there: see `clear_param_diffs`.

        Args:
            diffs: Names of blobs whose gradients to return beside those of the inputs.
            start: Name of the layer to start from.
            end: Name of the last layer, the gradients of whose bottoms are then returned.
            **gradients: An array for each output blob, to be copied into its ``diff``.

        Returns:
            The diff of each input, by name; they are not copies.

        Raises:
            CaffeError: The arrays do not fit the outputs, or a layer fails.
        """
        if gradients:
            self._fill("diff", "output", self.outputs, gradients)
        self._net.backward(start, end)
        inputs = self.inputs if end is None else self.bottom_names[end]
        return {name: self.blobs[name].diff for name in [*inputs, *(diffs or ())]}

    def forward_all(self, blobs: Iterable[str] | None = None, **inputs: Any) -> dict[str, Any]:
        """Compute any number of items, in batches as large as the inputs; the last is padded.

        Args:
            blobs: Names of blobs to return beside the outputs.
            **inputs: An array of items for each input blob.

        Returns:
            For each output, an array of all its items; a copy.

        Raises:
            CaffeError: The arrays do not fit the inputs, or a layer fails.
        """
        names = list(blobs or ())
        return all_batches(
            inputs, self._batch_size(), lambda batch: self.forward(blobs=names, **batch)
        )

    def forward_backward_all(
        self,
        blobs: Iterable[str] | None = None,
        diffs: Iterable[str] | None = None,
        **arrays: Any,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Compute any number of items and their gradients, in batches.

        Args:
            blobs: Names of blobs to return beside the outputs.
            diffs: Names of blobs whose gradients to return beside those of the inputs.
            **arrays: An array of items for each input blob, and of gradients for each output.

        Returns:
            The outputs of all items, and the gradients of the inputs of all items; copies.
        """
        more, also = list(blobs or ()), list(diffs or ())

        def both(batch: dict[str, Any]) -> dict[tuple[str, str], Any]:
            given = {name: batch.pop(name) for name in self.outputs if name in batch}
            found = self.forward(blobs=more, **batch)
            gradients = self.backward(diffs=also, **given)
            return {
                **{("data", name): array for name, array in found.items()},
                **{("diff", name): array for name, array in gradients.items()},
            }

        found = all_batches(arrays, self._batch_size(), both)
        outputs, gradients = (
            {name: array for (part, name), array in found.items() if part == wanted}
            for wanted in ("data", "diff")
        )
        return outputs, gradients

    def reshape(self) -> None:
        """Let all layers follow the shapes of the inputs. `forward` does so by itself."""
        self._net.reshape()

    def clear_param_diffs(self) -> None:
        """Set the gradients of all learned blobs to zero."""
        self._net.clear_param_diffs()

    def copy_from(self, weights: str | Path) -> None:
        """Take learned blobs from a file, matching layers by name."""
        self._net.copy_from(weights)

    def share_with(self, other: Net) -> None:
        """Use the learned blobs of `other` in all layers of the same name."""
        self._net.share_trained_layers_with(other._net)

    def save(self, path: str | Path) -> None:
        """Write definition and learned blobs to a ``.caffemodel`` or ``.caffemodel.h5`` file."""
        self._net.save(path)

    def save_hdf5(self, path: str | Path, write_diff: bool = False) -> None:
        """Write learned blobs to an HDF5 file, whatever its name; with `write_diff`, diffs too."""
        from caffe_core.proto import hdf5
        from caffe_core.weights import learned_arrays

        hdf5.write_weights(path, self._net.param, learned_arrays(self._net, write_diff))

    def load_hdf5(self, path: str | Path) -> None:
        """Take learned blobs from an HDF5 file, whatever its name."""
        from caffe_core.proto import hdf5

        self._net.copy_from(hdf5.read_weights(path))

    def set_input_arrays(self, data: Any, labels: Any) -> None:
        """Let the MemoryData layer at the start take its batches from arrays.

        Args:
            data: ``(n, channels, height, width)``, n a multiple of the batch size.
            labels: n numbers.

        Raises:
            CaffeError: The first layer is another one, or a shape does not fit.
        """
        first: Any = next(iter(self._net.layers.values()), None)
        if first is None or first.type != "MemoryData":
            raise CaffeError(
                f"net {self._net.name!r}: set_input_arrays may only be called if the first layer "
                f"is a MemoryData layer; it is {first.type if first else 'missing'}"
            )
        first.set_arrays(data, labels)

    def before_forward(self, callback: Callback) -> None:
        """Call ``callback(index)`` before each layer's forward. Each layer then runs by itself."""
        self._callbacks.add("before", "forward", callback)

    def after_forward(self, callback: Callback) -> None:
        """Call ``callback(index)`` after each layer's forward. Each layer then runs by itself."""
        self._callbacks.add("after", "forward", callback)

    def before_backward(self, callback: Callback) -> None:
        """Call ``callback(index)`` before each layer's backward."""
        self._callbacks.add("before", "backward", callback)

    def after_backward(self, callback: Callback) -> None:
        """Call ``callback(index)`` after each layer's backward."""
        self._callbacks.add("after", "backward", callback)

    @cached_property
    def _callbacks(self) -> Callbacks:
        return Callbacks(self._net)

    def _forward(self, start: int, end: int) -> float:
        """Compute the layers from index `start` to `end`, both included; return the loss."""
        return self._net.forward(start, end)

    def _backward(self, start: int, end: int) -> None:
        """Compute the gradients from layer index `start` back to `end`, both included."""
        self._net.backward(start, end)

    def _batch(self, blobs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Cut arrays into batches as large as the inputs, the last padded with zeros."""
        return batches(blobs, self._batch_size())

    def _batch_size(self) -> int:
        if not self.inputs:
            raise CaffeError(f"net {self._net.name!r} has no inputs to give arrays to")
        return self.blobs[self.inputs[0]].shape[0]

    def _fill(self, part: str, noun: str, names: Sequence[str], arrays: Mapping[str, Any]) -> None:
        """Copy arrays into the data or the diff of all inputs or outputs."""
        if set(arrays) != set(names):
            raise CaffeError(
                f"net {self._net.name!r}: arrays are given for {', '.join(sorted(arrays))}; "
                f"its {noun}s are {', '.join(names) or 'none'}; give one for each of them"
            )
        for name, array in arrays.items():
            blob = self.blobs[name]
            if len(array) != blob.shape[0]:
                raise CaffeError(
                    f"net {self._net.name!r}: {noun} {name!r} has shape {blob.shape}, the array "
                    f"has {len(array)} items; reshape the blob: "
                    f"net.blobs[{name!r}].reshape({len(array)}, ...)"
                )
            getattr(blob, part)[...] = array


def _as_written(layer: Layer) -> Any:
    """Return a layer as its author made it: a Python layer's user object, else the layer."""
    return getattr(layer, "user", layer)
