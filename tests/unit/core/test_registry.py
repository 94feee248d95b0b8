from __future__ import annotations

import sys

import pytest

from caffe_core import registry
from caffe_core.errors import PluginError
from caffe_core.registry import Registry

GROUP = "caffe.test_registry"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a distribution with entry points and, optionally, a module on ``sys.path``."""
    monkeypatch.syspath_prepend(str(tmp_path))
    modules = set(sys.modules)

    def add(distribution, entry_points, module="", source="", version="1.2"):
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{entry_points}\n")
        if module:
            (tmp_path / f"{module}.py").write_text(source)
        registry.rescan()

    yield add
    monkeypatch.undo()
    registry.rescan()
    for name in set(sys.modules) - modules:
        del sys.modules[name]


@pytest.fixture
def animals():
    return Registry(GROUP, "animal", "Try: pip install zoo-{stem}")


def test_a_plugin_is_imported_when_it_is_first_used(install, animals):
    install("zoo-cat", "Cat = zoo_cat:Cat", "zoo_cat", "class Cat: pass")
    assert "Cat" in animals
    assert animals.names() == list(animals) == ["Cat"]
    assert [listing.target for listing in animals.listings()] == ["zoo_cat:Cat"]
    assert "zoo_cat" not in sys.modules
    assert animals["Cat"].__module__ == "zoo_cat"
    assert animals["Cat"] is animals["Cat"]


def test_distributions_are_scanned_once(install, animals, monkeypatch):
    install("zoo-cat", "Cat = zoo_cat:Cat", "zoo_cat", "class Cat: pass")
    animals.names()
    monkeypatch.setattr(registry, "entry_points", None)
    assert animals["Cat"]
    assert "Dog" not in animals


def test_two_distributions_that_claim_a_name_are_both_named(install, animals):
    install("zoo-cat", "Cat = zoo_cat:Cat")
    install("big-zoo", "Cat = big_zoo:Cat", version="3.0")
    with pytest.raises(PluginError) as caught:
        animals["Cat"]
    assert str(caught.value) == (
        "animal 'Cat' is supplied by big-zoo 3.0 and zoo-cat 1.2. Uninstall all but one, "
        "or choose with CAFFE_PREFER=Cat=<distribution>."
    )
    assert [each.distribution for each in animals.listings()] == ["big-zoo", "zoo-cat"]


def test_a_quarrel_over_one_name_leaves_the_others_alone(install, animals):
    install("zoo-cat", "Cat = zoo_cat:Cat")
    install("big-zoo", "Cat = big_zoo:Cat\nDog = big_zoo:Dog", "big_zoo", "Cat, Dog = 'cat', 'dog'")
    assert animals["Dog"] == "dog"


@pytest.mark.parametrize("preferred", ["big-zoo", "big_zoo", "Big.Zoo"])
def test_caffe_prefer_decides(install, animals, monkeypatch, preferred):
    install("zoo-cat", "Cat = zoo_cat:Cat", "zoo_cat", "Cat = 'small'")
    install("big-zoo", "Cat = big_zoo:Cat", "big_zoo", "Cat = 'big'")
    monkeypatch.setenv("CAFFE_PREFER", f"Dog=some-zoo, Cat = {preferred}")
    assert animals["Cat"] == "big"
    assert animals.supplier("Cat") == "big-zoo"


def test_caffe_prefer_must_name_one_of_several_suppliers(install, animals, monkeypatch):
    install("zoo-cat", "Cat = zoo_cat:Cat")
    install("big-zoo", "Cat = big_zoo:Cat")
    monkeypatch.setenv("CAFFE_PREFER", "Cat=old-zoo")
    with pytest.raises(PluginError) as caught:
        animals["Cat"]
    assert str(caught.value) == (
        "CAFFE_PREFER wants animal 'Cat' from old-zoo, but it is supplied by "
        "big-zoo 1.2 and zoo-cat 1.2. Correct CAFFE_PREFER."
    )


def test_caffe_prefer_is_for_groups_in_which_there_is_a_choice(install, animals, monkeypatch):
    install("zoo-cat", "Cat = zoo_cat:Cat", "zoo_cat", "Cat = 'cat'")
    monkeypatch.setenv("CAFFE_PREFER", "Cat=big-zoo")
    assert animals["Cat"] == "cat"


def test_one_distribution_found_twice_is_no_quarrel(install, animals, tmp_path, monkeypatch):
    install("zoo-cat", "Cat = zoo_cat:Cat", "zoo_cat", "Cat = 'cat'")
    link = tmp_path / "again"
    link.symlink_to(tmp_path)
    monkeypatch.syspath_prepend(str(link))
    registry.rescan()
    assert animals["Cat"] == "cat"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("", "AttributeError: module 'zoo_cat' has no attribute 'Cat'"),
    ],
)
def test_a_broken_plugin_names_distribution_entry_point_and_cause(install, animals, source, cause):
    install("zoo-cat", "Cat = zoo_cat:Cat", "zoo_cat", source)
    assert "Cat" in animals
    assert animals.listings()
    with pytest.raises(PluginError) as caught:
        animals["Cat"]
    assert str(caught.value) == (
        f"animal 'Cat' from zoo-cat 1.2 ({GROUP}: zoo_cat:Cat) does not import: {cause}; "
        "repair or uninstall zoo-cat"
    )
    assert caught.value.__cause__ is not None


def test_a_missing_plugin_gives_near_names_and_the_pip_line(install, animals):
    install("zoo-cat", "BigCat = zoo_cat:Cat\nDog = zoo_cat:Dog")
    with pytest.raises(PluginError) as caught:
        animals["BigCaat"]
    assert str(caught.value) == (
        "no animal 'BigCaat' is installed (2 are; `caffe plugins` lists them). "
        "Did you mean 'BigCat'? Try: pip install zoo-big-caat"
    )
    assert animals.get("BigCaat") is None


def test_register_wins_and_can_be_taken_back(install, animals):
    install("zoo-cat", "Cat = zoo_cat:Cat", "zoo_cat", "Cat = 'installed'")
    assert animals["Cat"] == "installed"
    assert animals.register("Cat", "mine") == "mine"
    assert animals["Cat"] == "mine"
    assert animals.supplier("Cat") == "(registered in code)"
    animals.unregister("Cat")
    assert animals["Cat"] == "installed"


def test_register_settles_a_quarrel(install, animals):
    install("zoo-cat", "Cat = zoo_cat:Cat")
    install("big-zoo", "Cat = big_zoo:Cat")
    animals.register("Cat", "mine")
    assert animals["Cat"] == "mine"


def test_listings_show_every_claim(install, animals):
    install("zoo-cat", "Cat = zoo_cat:Cat")
    animals.register("Ape", "mine")
    ape, cat = animals.listings()
    assert (ape.name, ape.distribution, ape.version, ape.target) == (
        "Ape",
        "(registered in code)",
        "",
        "'mine'",
    )
    assert (cat.group, cat.name, cat.distribution, cat.version) == (GROUP, "Cat", "zoo-cat", "1.2")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Convolution", "convolution"),
        ("InnerProduct", "inner-product"),
        ("MyOwnLayer", "my-own-layer"),
        ("HDF5Data", "hdf5-data"),
        ("ReLU", "relu"),
        ("PReLU", "prelu"),
        ("ReLU6", "relu6"),
        ("TanH", "tanh"),
        ("AbsVal", "absval"),
        ("ArgMax", "argmax"),
        ("LSTM", "lstm"),
        ("SoftmaxWithLoss", "softmax-loss"),
        ("AdaGrad", "adagrad"),
        ("AdaDelta", "adadelta"),
        ("RMSProp", "rmsprop"),
        ("softmax_loss", "softmax-loss"),
    ],
)
def test_stems_are_those_of_caffes_files(name, stem):
    assert registry.stem(name) == stem


def test_every_registry_is_listed():
    groups = [each.group for each in registry.registries()]
    assert len(groups) == len(set(groups))
    assert {"caffe.layers", "caffe.kernels.cpu", "caffe.kernels.cuda", "caffe.hooks"} < set(groups)


def test_an_unknown_layer_type_gives_near_names_and_the_pip_line():
    with pytest.raises(PluginError) as caught:
        registry.layers["InerProduct"]
    message = str(caught.value)
    assert message.startswith("no layer type 'InerProduct' is installed (")
    assert "Did you mean 'InnerProduct'" in message
    assert message.endswith("Try: pip install caffe-layer-iner-product")
