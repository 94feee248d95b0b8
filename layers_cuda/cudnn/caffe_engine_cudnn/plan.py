"""Plan: how cuDNN runs a computation, chosen by measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, TypeVar, cast

from caffe_engine_cudnn.graph import Computation, Graph
from caffe_engine_cudnn.library import CudnnError, Library

_MOST_ROOM = 256 << 20  # bytes of scratch; what needs more is seldom faster
_MOST_CANDIDATES = 8  # that are tried: cuDNN names the most promising ones first
_MOST_SECONDS = 1.0  # to make candidates ready, some of which are compiled for the purpose
_ROUNDS = 3  # of each, after one to warm up

Way = TypeVar("Way")


class Plan:
    """How cuDNN runs a computation.

    There are several ways, which differ in speed: the first call tries some and keeps the fastest,
    unless the library measures nothing; it then takes what cuDNN deems best. None of them adds in
    an order that changes from run to run, none rounds float32 to 16 bits, and none rounds it for
    the tensor cores unless the library's `tf32` says so.

    Raises:
        CudnnError: CuDNN has no way.
    """

    def __init__(self, library: Library, computation: Computation):
        self._library = library
        self._failures = (library.module.cudnnGraphNotSupportedError, RuntimeError, ValueError)
        graph = Graph(library)
        self._graph = graph.operations
        try:
            computation.draw(graph)
            self._suggest()
        except self._failures as error:
            raise CudnnError(f"cuDNN has no code for this: {_brief(error)}") from error
        self._tensors, self._constants = graph.tensors, graph.constants
        self._untried = iter(range(self._graph.get_execution_plan_count()))
        self._candidates: list[int] = []
        self._room: int | None = None
        self._build(1)

    @property
    def room(self) -> int:
        """How many bytes of scratch a call wants; fewer once the fastest way is known."""
        if self._room is None:
            self._build(_MOST_CANDIDATES if self._library.measures else 1)
            self._room = max(map(self._graph.get_workspace_size_plan_at_index, self._candidates))
        return self._room

    def __call__(self, scratch: Any, *arrays: Any) -> None:
        """Compute.

        Args:
            scratch: `room` bytes.
            *arrays: One for each input and output of the graph, in order.
        """
        where = self._library.address(scratch)
        pack = dict(zip(self._tensors, map(self._library.address, arrays), strict=True))
        pack |= {number: value.ctypes.data for number, value in self._constants.items()}
        if len(self._candidates) > 1:
            ways = {index: lambda i=index: self._run(i, pack, where) for index in self._candidates}
            self._candidates = [fastest(self._library, ways)]
            self._room = self._graph.get_workspace_size_plan_at_index(self._candidates[0])
        self._run(self._candidates[0], pack, where)

    def _suggest(self) -> None:
        """Let cuDNN name the ways that it knows, and leave out those that are not to be used."""
        graph, module = self._graph, self._library.module
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([module.heur_mode.A, module.heur_mode.FALLBACK])
        note = module.numerical_note
        unwanted = [
            note.DOWN_CONVERT_INPUTS,
            note.NONDETERMINISTIC,
            note.REDUCED_PRECISION_REDUCTION,
        ]
        if not self._library.tf32:
            unwanted.append(note.TENSOR_CORE)
        graph.deselect_numeric_notes(unwanted)
        graph.deselect_workspace_greater_than(_MOST_ROOM)
        graph.check_support()

    def _build(self, count: int) -> None:
        """Make ways ready to run until there are so many, or they have taken too long."""
        failure: object = "none is left"
        start = perf_counter()
        while len(self._candidates) < count:
            if self._candidates and perf_counter() - start > _MOST_SECONDS:
                break
            index = next(self._untried, None)
            if index is None:
                break
            try:
                self._graph.build_plan_at_index(index)
                self._candidates.append(index)
            except self._failures as error:  # left out, or not for this GPU
                failure = error
        if not self._candidates:
            raise CudnnError(f"cuDNN cannot build what it suggests: {_brief(failure)}")

    def _run(self, index: int, pack: dict[int, int], where: int) -> None:
        self._graph.execute_plan_at_index(pack, where, index, handle=self._library.handle)


def plan_for(library: Library, computation: Computation) -> Plan:
    """Return the plan for a computation: the same one for all that are equal.

    Raises:
        CudnnError: CuDNN has no way.
    """
    if computation not in library.plans:
        try:
            library.plans[computation] = Plan(library, computation)
        except CudnnError as error:
            library.plans[computation] = error
    found = library.plans[computation]
    if isinstance(found, CudnnError):
        raise found
    return cast(Plan, found)


def fastest(library: Library, ways: Mapping[Way, Callable[[], None]]) -> Way:
    """Run each of several ways to do the same and return the one that took the least time.

    It is the first one if the library measures nothing.
    """
    if not library.measures:
        return next(iter(ways))
    device, times = library.device, {}
    for way, run in ways.items():
        run()
        start = device.moment()
        for _ in range(_ROUNDS):
            run()
        times[way] = device.milliseconds(start, device.moment())
    return min(times, key=times.__getitem__)


def _brief(error: object) -> str:
    """The first line of what cuDNN says, which can be pages."""
    return str(error).strip().partition("\n")[0][:200]
