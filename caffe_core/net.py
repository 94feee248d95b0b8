"""Net: layers connected by blobs, planned once, then run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_core.arena import Arena
from caffe_core.blob import Blob
from caffe_core.debug_info import show_parameters
from caffe_core.device import Device
from caffe_core.device import device as find_device
from caffe_core.errors import NetError, did_you_mean
from caffe_core.executor import Executor, Watch
from caffe_core.graph import Graph, Node, Options, Parameter
from caffe_core.layer import Layer, Phase
from caffe_core.passes import run_passes
from caffe_core.random_seed import fresh_seed

if TYPE_CHECKING:
    from caffe_core.summary import Summary

log = logging.getLogger("caffe")
Place = int | str | None  # a layer's index or name


class Net:
    """A net, built from a definition by the passes of `caffe_core.passes`.

    Args:
        source: A prototxt file, prototxt text, or a ``NetParameter`` message. Old formats are
            upgraded.
        phase: What the net is for; layers may be left out by it.
        weights: A ``.caffemodel`` (or several, comma separated) to take learned blobs from.
        level: Compared with ``min_level`` and ``max_level`` of layer rules.
        stages: Compared with ``stage`` and ``not_stage`` of layer rules.
        device: ``cpu``, ``cuda`` or ``cuda:1``.
        dtype: ``float32`` or ``float64``.
        seed: Source of every random number; None takes a fresh one.
        memory_format: ``contiguous``, ``channels_last`` or ``auto``.
        engines: Engines to choose kernels from, best first.
        fallback: Run layers that have no kernel on the device on the CPU.
        passes: Names of the optional passes to run; None runs all that are installed.
        precision: ``float32``, or ``bf16``: where kernels can, what flows between layers is kept in
            16 bits. Learned blobs, sums and what you read stay in float32.
        keep: Names of blobs to look at after a pass, beside inputs and outputs. The other blobs may
            share memory and be left out, and a net for TEST then runs forward only. None keeps all.
        debug_info: Log what each layer computes.

    Attributes:
        name: Name in the definition.
        phase: What the net is for.
        param: The definition as built: filtered, with split layers, without weights.
        nodes: The layers with their connections, in order.
        blobs: Every named blob, in order of creation.
        params: Learned blobs of each layer that has any.
        learnable: Each learned blob once, as the solver sees it.
        arena: The memory of all learned blobs; None outside TRAIN, and where it is another net's.
        inputs: Names of the blobs that the user fills.
        outputs: Names of the blobs that no layer reads.
        notes: What each pass did.

    Raises:
        CaffeError: The definition cannot be read or built; the message says why.
    """

    def __init__(
        self,
        source: Any,
        phase: Phase | int = Phase.TEST,
        *,
        weights: str | Path | None = None,
        level: int = 0,
        stages: Sequence[str] = (),
        device: str | Device = "cpu",
        dtype: Any = np.float32,
        seed: int | None = None,
        memory_format: str = "auto",
        engines: Sequence[str] | None = None,
        fallback: bool = False,
        passes: Sequence[str] | None = None,
        precision: str = "float32",
        keep: Sequence[str] | None = None,
        debug_info: bool = False,
    ):
        from caffe_core.hooks import manager
        from caffe_core.proto.files import load_net

        self.phase = Phase(phase)
        self.device = find_device(device) if isinstance(device, str) else device
        options = Options(
            phase=self.phase,
            level=level,
            stages=tuple(stages),
            device=self.device,
            dtype=np.dtype(dtype),
            seed=fresh_seed() if seed is None else seed,
            memory_format=memory_format,
            engines=None if engines is None else tuple(engines),
            fallback=fallback,
            passes=None if passes is None else tuple(passes),
            precision=precision,
            keep=None if keep is None else tuple(keep),
        )
        graph = Graph(load_net(source), options)
        self.nodes: list[Node] = graph.nodes  # a net that cannot be built closes those it has
        run_passes(graph)
        self.options = options
        self.name: str = graph.param.name
        self.param = graph.param
        self.nodes = graph.nodes
        self.blobs: dict[str, Blob] = graph.blobs
        self.params: dict[str, list[Blob]] = graph.params
        self.learnable: list[Parameter] = graph.learnable
        self.inputs: list[str] = graph.inputs
        self.outputs: list[str] = graph.outputs
        self.notes: dict[str, list[str]] = graph.notes
        self.arena = Arena(self.learnable, options.dtype) if self.phase is Phase.TRAIN else None
        self._graph = graph
        self._executor = Executor(graph)
        self.debug_info = debug_info or bool(graph.param.debug_info)
        if weights is not None:
            for path in str(weights).split(","):
                self.copy_from(path)
        log.info("Network initialization done.")
        manager().hook.on_net_built(net=self)

    def __repr__(self) -> str:
        return (
            f"<Net {self.name!r} {self.phase.name}: {len(self.nodes)} layers, "
            f"{len(self.blobs)} blobs, {sum(p.blob.count for p in self.learnable)} learned values, "
            f"on {self.device}>"
        )

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers, in order."""
        return [node.name for node in self.nodes]

    @property
    def layers(self) -> dict[str, Layer]:
        """The layers by name, in order."""
        return {node.name: node.layer for node in self.nodes}

    @property
    def copies(self) -> list[str]:
        """What kernels copy beside their arithmetic, as far as they have been made ready."""
        kernels = [(node.name, node.kernel) for node in self.nodes if node.kernel is not None]
        return [f"{name}: {what}" for name, kernel in kernels for what in kernel.copies]

    @property
    def loss_weights(self) -> dict[str, float]:
        """Weight of each blob in the objective, by name; 0 for what is no loss."""
        return {
            name: weight
            for node in self.nodes
            for name, weight in zip(node.top_names, node.loss_weights, strict=True)
        }

    @property
    def forward_only(self) -> bool:
        """Whether the net has no backward, since it was built for TEST with ``keep`` given."""
        return self._graph.forward_only

    @property
    def watch(self) -> Watch | None:
        """What is called after each layer has run, with its node and ``forward`` or ``backward``.

        A layer that another's kernel computes too has nothing left to do when its turn comes.
        """
        return self._executor.watch

    @watch.setter
    def watch(self, value: Watch | None) -> None:
        self._executor.watch = value

    @property
    def announce(self) -> Watch | None:
        """What is called before each layer runs, as `watch` is called after it.

        With it, each layer computes by itself, so that each blob can be seen as it is in between.
        """
        return self._executor.announce

    @announce.setter
    def announce(self, value: Watch | None) -> None:
        self._executor.announce = value

    @property
    def debug_info(self) -> bool:
        """Whether what each layer computes is logged."""
        return self._executor.debug_info

    @debug_info.setter
    def debug_info(self, value: bool) -> None:
        self._executor.debug_info = value

    def forward(self, start: Place = None, end: Place = None) -> float:
        """Compute the blobs from layer `start` to layer `end`, both included.

        Returns:
            The sum of the losses of these layers, each times its weight.

        Raises:
            LayerError: A layer fails; the message begins with its name.
            NetError: There is no such layer.
        """
        return self._executor.forward(self._place(start, 0), self._place(end, len(self.nodes) - 1))

    def backward(self, start: Place = None, end: Place = None) -> None:
        """Compute the gradients from layer `start` back to layer `end`, both included.

        Gradients of learned blobs are added to what they hold: see `clear_param_diffs`.

        Raises:
            LayerError: A layer fails; the message begins with its name.
            NetError: There is no such layer, or the net was built to run forward only.
        """
        if self.forward_only:
            raise NetError(
                f"net {self.name!r} runs forward only, since it was built for TEST with `keep` "
                "given; build it with keep=None"
            )
        self._executor.backward(self._place(start, len(self.nodes) - 1), self._place(end, 0))
        if self.debug_info:
            show_parameters(self.learnable)

    def forward_backward(self) -> float:
        """Run forward, then backward; return the loss."""
        loss = self.forward()
        self.backward()
        return loss

    def reshape(self) -> None:
        """Let all layers follow the shapes of the inputs. `forward` does so by itself."""
        self._executor.reshape()

    def clear_param_diffs(self) -> None:
        """Set the gradients of all learned blobs to zero."""
        for parameter in self.learnable:
            parameter.blob.diff_tensor.clear()

    def copy_from(self, source: Any) -> None:
        """Take learned blobs from a file or another net's message, matching layers by name.

        Layers that only one side has are left alone.

        Raises:
            NetError: The number of blobs or a shape differs in a layer that both have.
            ParseError: The file cannot be read.
        """
        from caffe_core.weights import copy_weights

        copy_weights(self, source)

    def share_trained_layers_with(self, other: Net) -> None:
        """Use the learned blobs of `other` in all layers of the same name.

        Raises:
            NetError: The number of blobs or a shape differs.
        """
        from caffe_core.weights import share_weights

        share_weights(self, other)
        for net in (self, other):
            net._executor.invalidate()

    def save(self, path: str | Path, write_diff: bool = False) -> None:
        """Write definition and learned blobs to a ``.caffemodel`` or ``.caffemodel.h5`` file."""
        from caffe_core.weights import save_weights

        save_weights(self, path, write_diff)

    def summary(self) -> Summary:
        """Return shapes, parameters, multiply-adds and memory of each layer; print it to see it."""
        from caffe_core.summary import Summary

        return Summary(self.name, self.nodes)

    def state(self) -> dict[str, Any]:
        """Return what a snapshot must hold beside learned blobs: cursors and random states."""
        states = {node.name: node.layer.state() for node in self.nodes}
        return {name: state for name, state in states.items() if state}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a `state`; layers that it does not name are left alone."""
        layers = self.layers
        for name in state.keys() & layers.keys():
            layers[name].restore(state[name])

    def first_non_finite(self) -> str | None:
        """Return which blob, in the order of computation, holds NaN or infinity; None: none."""
        for node in self.nodes:
            for index, blob in enumerate(node.layer.blobs):
                if not np.isfinite(blob.read()).all():
                    return f"learned blob {index} of {node.label}"
            for name, blob in zip(node.top_names, node.top, strict=True):
                if not np.isfinite(blob.read()).all():
                    return f"blob {name!r}, made by {node.label}"
        return None

    def close(self) -> None:
        """Stop the threads and close the files of all layers. The arrays stay valid."""
        for node in self.nodes:
            node.layer.close()

    def __enter__(self) -> Net:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        for node in getattr(self, "nodes", []):
            node.layer.close()

    def _place(self, layer: Place, default: int) -> int:
        """Return the index of a layer."""
        if layer is None:
            return default
        if isinstance(layer, str):
            names = self.layer_names
            if layer not in names:
                raise NetError(
                    f"net {self.name!r} has no layer {layer!r}.{did_you_mean(layer, names)}"
                )
            return names.index(layer)
        if not 0 <= layer < len(self.nodes):
            raise NetError(
                f"net {self.name!r} has no layer {layer}; expected 0 to {len(self.nodes) - 1}"
            )
        return layer
