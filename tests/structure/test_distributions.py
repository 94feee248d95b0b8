"""Every distribution is well-formed, and what it declares is what it uses."""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from caffe_core import __version__, registry
from caffe_core.hooks import manager
from caffe_core.kernel import Kernel
from caffe_core.layer import Layer
from caffe_core.update_rule import UpdateRule

if sys.version_info >= (3, 12):
    from importlib import metadata
else:
    import importlib_metadata as metadata

NAMES = {
    "layers_cpu": "caffe-layer-{}",
    "layers_cuda": "caffe-layer-{}-cuda",
    "solvers": "caffe-solver-{}",
    "data_backends": "caffe-data-{}",
    "plugins": "caffe-{}",
}
ENGINES = {"onednn", "cudnn"}
META = {"caffe"}  # depends on what it does not import: the default set
SHARED_LIBRARIES = {"onednn-cpu-gomp"}  # nothing to import: a library for ctypes
RUNTIME = {"numpy", "protobuf", "pluggy", "importlib-metadata"}  # come with caffe-core
CALLER_S = {"cupy", "pytest"}  # which wheel fits the driver, and how to run tests, users say


def expected_name(member, root):
    if member.folder == root:
        return "caffe-core"
    if member.folder.parent == root / "examples" / "plugins":
        return member.folder.name
    kind, stem = member.folder.parent.name, member.folder.name.replace("_", "-")
    if stem in ENGINES:
        return f"caffe-engine-{stem}"
    return "caffe" if (kind, stem) == ("plugins", "caffe") else NAMES[kind].format(stem)


def test_the_name_is_that_of_the_folder(member, root):
    assert member.name == expected_name(member, root)


def test_the_module_is_flat_and_named_like_the_distribution(member, root):
    assert (member.folder / member.module / "__init__.py").is_file()
    if member.folder != root:
        packages = [path.parent.name for path in member.folder.glob("*/__init__.py")]
        assert packages == [member.module]


def test_version_licence_and_build_are_those_of_the_project(member):
    assert member.project["version"] == __version__
    assert member.project["license"] == "BSD-2-Clause"
    assert member.project["requires-python"] == ">=3.10"
    assert member.project["description"]
    assert member.pyproject["build-system"]["build-backend"] == "uv_build"
    assert member.pyproject["tool"]["uv"]["build-backend"]["module-root"] == ""


def test_every_requirement_is_bounded(member):
    for text in [*member.requirements, *member.pyproject["build-system"]["requires"]]:
        requirement = Requirement(text)
        operators = {each.operator for each in requirement.specifier}
        own = requirement.name == member.name  # an extra that names other extras
        backport = "python_version <" in str(requirement.marker)  # ends with its Python
        bounded = "==" in operators or operators >= {">=", "<"}
        assert own or bounded or (backport and ">=" in operators), text


def test_members_depend_on_core_of_this_version(member):
    if member.name == "caffe-core":
        return
    (core,) = [r for r in map(Requirement, member.requirements) if r.name == "caffe-core"]
    assert core.specifier.contains(__version__)
    assert not core.specifier.contains("2.0.0")


@functools.cache
def owners():
    """Which distributions an importable top-level name belongs to."""
    return metadata.packages_distributions()


def imported_distributions(member, lazy=True):
    """Every distribution that is imported, with the first place where it is."""
    found = {}
    for place, name in member.imports(lazy):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top == member.module:
            continue
        candidates = {canonicalize_name(each) for each in owners().get(top, [top])}
        found.setdefault(frozenset(candidates), place)
    return found


def declared(member):
    return {canonicalize_name(Requirement(text).name) for text in member.requirements}


def test_what_is_imported_is_declared(member, members):
    """Core may import in a function what a distribution that uses that function declares."""
    is_core = member.name == "caffe-core"
    lazy = set().union(*map(declared, members)) if is_core else RUNTIME
    for names, place in imported_distributions(member).items():
        assert names & (declared(member) | lazy | CALLER_S), f"{place} imports {sorted(names)}"
    if is_core:
        for names, place in imported_distributions(member, lazy=False).items():
            assert names & declared(member), f"{place} imports {sorted(names)}"


def test_what_is_declared_is_imported(member, members):
    """What is found by its name needs no import, nor what core imports for the member."""
    core, names = members[0], {each.name for each in members}
    imported = set().union(*imported_distributions(member), *imported_distributions(core))
    assert declared(member) - names - SHARED_LIBRARIES <= imported, (
        "a dependency that is imported nowhere"
    )


def check_layer(found, name):
    assert issubclass(found, Layer)
    assert inspect.getdoc(found), "a layer needs a docstring"
    assert registry.kernels("cpu").get(name) is not None, "a layer needs a CPU kernel"


def check_kernel(found, name):
    assert issubclass(found, Kernel)
    assert name.partition(".")[0] in registry.layers, "a kernel needs its layer"


def check_command(found, name):
    assert isinstance(found.help, str)
    assert list(inspect.signature(found.add_arguments).parameters) == ["parser"]
    assert list(inspect.signature(found.run).parameters) == ["args"]


def check_source(found, name):
    for method in ("open", "create", "__len__", "close"):
        assert callable(getattr(found, method))


def check_hooks(found, name):
    listeners = [each for each in dir(found) if hasattr(getattr(found, each), "caffe_impl")]
    known = {each for each in dir(manager().hook) if each.startswith("on_")}
    assert listeners
    assert set(listeners) <= known


def check_callable(found, name):
    assert callable(found)


KINDS = {
    "caffe.layers": check_layer,
    "caffe.kernels.cpu": check_kernel,
    "caffe.kernels.cuda": check_kernel,
    "caffe.solvers": lambda found, name: check_subclass(found, UpdateRule),
    "caffe.solvers.cpu": lambda found, name: check_subclass(found, UpdateRule),
    "caffe.solvers.cuda": lambda found, name: check_subclass(found, UpdateRule),
    "caffe.data": check_source,
    "caffe.fillers": check_callable,
    "caffe.lr_policies": check_callable,
    "caffe.passes": check_callable,
    "caffe.commands": check_command,
    "caffe.hooks": check_hooks,
}


def check_subclass(found, parent):
    assert issubclass(found, parent)


def test_there_is_a_check_for_every_kind_of_plugin():
    assert {each.group for each in registry.registries()} == KINDS.keys()


def test_every_entry_point_is_of_its_kind(member):
    for group, name, target in member.entry_points:
        module, _, attribute = target.partition(":")
        assert module.partition(".")[0] == member.module, f"{name} points to another distribution"
        found = importlib.import_module(module)
        if attribute:
            found = getattr(found, attribute)
        KINDS[group](found, name)


def test_every_entry_point_is_installed(member):
    """Fails after an entry point was added, until `make setup` is run again."""
    registries = {each.group: each for each in registry.registries()}
    for group, name, target in member.entry_points:
        claims = [each for each in registries[group].listings() if each.name == name]
        assert [(each.distribution, each.target) for each in claims] == [(member.name, target)]


def test_every_plugin_has_a_purpose(member):
    if member.name in META:
        return
    assert member.entry_points, "a distribution without entry points can do nothing"


def test_the_default_set_is_everything_that_needs_no_choice(members):
    (default,) = [member for member in members if member.name == "caffe"]
    required = {Requirement(text).name for text in default.project["dependencies"]}
    groups = ("layers_cpu", "solvers")
    everyday = {member.name for member in members if member.folder.parent.name in groups}
    everyday |= {"caffe-layer-mish"}  # an example, and all there is of Mish
    assert everyday - {f"caffe-engine-{each}" for each in ENGINES} <= required
    ours = {each for each in required if each.startswith("caffe")}
    assert ours <= {member.name for member in members}


@pytest.mark.parametrize("name", ["README.md", "LICENSE"])
def test_core_has_its_files(root, name):
    assert (root / name).is_file()


def test_module_names_are_unique(members):
    modules = [member.module for member in members]
    assert len(modules) == len(set(modules))
    assert all(re.fullmatch(r"caffe(_[a-z0-9]+)*", module) for module in modules)
