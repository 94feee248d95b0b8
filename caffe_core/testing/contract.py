"""The contract: what every kernel of every layer must do, whoever wrote it.

A layer's module has a list ``CASES`` of `Case`. With pytest, two lines test all its kernels on all
its cases, in every memory format and element type that they take::

    from caffe_core.testing import contract
    test_contract = contract.suite("Mish")

Without pytest, `verify` raises one error that lists every violation; `violations` returns them::

    contract.verify("Mish")
    for setting in contract.settings("Mish", device="cuda"):
        print(setting, contract.violations(setting))

The checks are the functions of `caffe_core.testing.checks`; their names stand in the messages and
their docstrings say what each asks for.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from caffe_core import registry
from caffe_core.blob import CONTIGUOUS, MemoryFormat
from caffe_core.device import Device
from caffe_core.device import device as find_device
from caffe_core.errors import CaffeError, DeviceError, PluginError
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer
from caffe_core.passes.kernels import PLAIN, engines_for
from caffe_core.testing.bench import Bench, RefusalError
from caffe_core.testing.case import Case
from caffe_core.testing.checks import CHECKS, Check, ContractError, Make
from caffe_core.testing.setting import FLOAT32, FLOAT64, Setting

__all__ = [
    "CHECKS",
    "ContractError",
    "case_folder",
    "cases_of",
    "settings",
    "suite",
    "verify",
    "violations",
]


def cases_of(layer: type[Layer]) -> list[Case]:
    """Return ``CASES`` of the module that defines a layer class, or of a package around it.

    Raises:
        CaffeError: There is none, or it is empty.
    """
    name = layer.__module__
    while name:
        found = getattr(sys.modules.get(name), "CASES", None)
        if found:
            return list(found)
        name = name.rpartition(".")[0]
    raise CaffeError(
        f"{layer.__name__}: module {layer.__module__!r} has no CASES; "
        "add a list of caffe_core.testing.Case to it"
    )


def settings(
    layer: str | type[Layer],
    *,
    kernels: Sequence[type[Kernel]] | None = None,
    cases: Sequence[Case] | None = None,
    device: str | Device = "cpu",
    plain: type[Kernel] | None = None,
) -> list[Setting]:
    """Return everything to be checked of one layer type on one kind of device.

    Args:
        layer: The type's name, if it is installed or registered; or the class.
        kernels: Kernel classes; None: all engines that are installed for the type.
        cases: None: those of the layer's module.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``emulated``: CUDA kernels on the CPU.
        plain: The kernel to agree with; None: the installed NumPy kernel, if there is one.

    Raises:
        PluginError: There is no such layer type, or no kernel for it on the device.
        CaffeError: The layer has no cases.
    """
    place = find_device(device) if isinstance(device, str) else device
    name = layer if isinstance(layer, str) else _name_of(layer)
    layer_class = registry.layers[name] if isinstance(layer, str) else layer
    plain = plain or registry.kernels("cpu").get(name)
    return [
        Setting(name, layer_class, kernel, case, number, memory_format, dtype, place, plain)
        for kernel in (_kernels_of(name, place) if kernels is None else kernels)
        for number, case in enumerate(cases_of(layer_class) if cases is None else cases)
        for memory_format in _formats(kernel, case)
        for dtype in (FLOAT32, FLOAT64)
    ]


def violations(setting: Setting, checks: Sequence[Check] = CHECKS) -> list[ContractError]:
    """Return what a kernel does against the contract; nothing if it keeps to it.

    Each violation says which check, layer, kernel, case, memory format and element type, and what
    differed.

    Raises:
        RefusalError: The kernel does not take the layer of this setting, and says why.
    """
    found = []
    with case_folder(setting.case):
        Bench(setting).close()
        for check in checks:
            violation = _try(check, setting)
            if violation is not None:
                found.append(violation)
    return found


def verify(layer: str | type[Layer], **choice: Any) -> int:
    """Check a layer type; return how many settings were checked. Takes the arguments of `settings`.

    Raises:
        ContractError: The contract is not kept. Lists every violation.
        CaffeError: There is nothing to check: no cases, or the kernels refuse all of them.
    """
    found: list[ContractError] = []
    refusals: list[str] = []
    checked = 0
    for setting in settings(layer, **choice):
        try:
            found += violations(setting)
            checked += 1
        except RefusalError as refusal:
            refusals.append(f"{setting}: {refusal}")
    if found:
        raise ContractError("\n".join(map(str, found)))
    if not checked:
        raise CaffeError("\n".join(["no kernel takes any case", *refusals]))
    return checked


def suite(*layers: str | type[Layer], **choice: Any) -> Callable[..., None]:
    """Return a pytest test of one or more layer types, parametrised over all settings.

    What a kernel refuses, and a device that this machine does not have, is skipped; a layer that
    does not load is one failure.

    Args:
        *layers: Names of types, or classes.
        **choice: The other arguments of `settings`.
    """
    import pytest

    rows = [row for layer in layers for row in _rows(layer, choice)]

    @pytest.mark.parametrize("setting", [pytest.param(row, id=name) for name, row in rows])
    def test_contract(setting: Setting | CaffeError) -> None:
        if isinstance(setting, DeviceError):
            pytest.skip(str(setting))
        if isinstance(setting, CaffeError):
            pytest.fail(str(setting), pytrace=False)
        try:
            found = violations(setting)
        except RefusalError as refusal:
            pytest.skip(str(refusal))
        if found:
            pytest.fail("\n".join(map(str, found)), pytrace=False)

    return test_contract


def _rows(
    layer: str | type[Layer], choice: dict[str, Any]
) -> list[tuple[str, Setting | CaffeError]]:
    """The rows of a suite; a layer that has no settings is one row, with the reason."""
    try:
        return [(each.id, each) for each in settings(layer, **choice)]
    except CaffeError as error:
        return [(f"{layer}-cannot_run", error)]


def _try(check: Check, setting: Setting) -> ContractError | None:
    make = Make(setting)
    name = getattr(check, "__name__", repr(check))
    try:
        check(make)
    except ContractError as error:
        return ContractError(f"{name}: {setting}: {error}")
    except Exception as error:
        raised = ContractError(f"{name}: {setting}: raised {type(error).__name__}: {error}")
        raised.__cause__ = error
        return raised
    finally:
        make.close()
    return None


@contextlib.contextmanager
def case_folder(case: Case) -> Iterator[None]:
    """Make the folder with the files that a case reads, if any, the working directory."""
    if case.files is None:
        yield
        return
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        case.files(Path(folder))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _formats(kernel: type[Kernel], case: Case) -> Sequence[MemoryFormat]:
    """The formats that make a difference to a case: a blob with two axes has one only."""
    only_small = case.bottom and max(len(each.shape) for each in case.inputs()) < 3
    return (CONTIGUOUS,) if only_small else kernel.formats


def _kernels_of(name: str, device: Device) -> list[type[Kernel]]:
    engines = engines_for(name, device)
    if not engines:
        raise PluginError(
            f"no {device.kind} kernel is installed for layer type {name!r}; "
            f"add an entry point {name} to the group caffe.kernels.{device.kind}"
        )
    plain_first = sorted(engines, key=lambda engine: (engine != PLAIN, engine))
    return [registry.kernels(device.kind)[engines[engine]] for engine in plain_first]


def _name_of(layer: type[Layer]) -> str:
    """The name under which a class is registered, or else its own."""
    for listing in registry.layers.listings():
        if listing.target == f"{layer.__module__}:{layer.__qualname__}":
            return listing.name
    return layer.__name__
