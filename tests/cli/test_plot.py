from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from caffe_plot.curves import Curves, extremes, smoothed
from caffe_plot.picture import draw
from caffe_plot.recorder import Recorder

from caffe_core.hooks import manager

BEGINNINGS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", BEGINNINGS)
def test_training_leaves_a_picture(caffe, workdir, suffix):
    picture = workdir / f"run{suffix}"
    assert caffe("train", "-solver", "solver.prototxt", "--plot", picture).status == 0
    assert picture.read_bytes().startswith(BEGINNINGS[suffix])
    assert not list(workdir.glob("*.tmp"))
    assert not any(isinstance(each, Recorder) for each in manager().get_plugins())


def test_a_training_that_never_starts_leaves_no_recorder(caffe, workdir):
    (workdir / "net.prototxt").unlink()
    assert caffe("train", "-solver", "solver.prototxt", "--plot", "run.png").status == 1
    assert not any(isinstance(each, Recorder) for each in manager().get_plugins())


def test_a_training_that_fails_leaves_one_too(caffe, workdir, monkeypatch):
    from caffe_core.errors import DataError
    from caffe_core.update import Update

    apply = Update.apply

    def fail_later(update, rate, iteration):
        if iteration == 15:
            raise DataError("the disk is on fire")
        apply(update, rate, iteration)

    monkeypatch.setattr(Update, "apply", fail_later)
    result = caffe("train", "-solver", "solver.prototxt", "--plot", "run.png")
    assert result.status == 1
    assert result.messages[-1] == "the disk is on fire"
    assert (workdir / "run.png").read_bytes().startswith(BEGINNINGS[".png"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("run.gif", "'run.gif' must end in .png, .svg, .pdf"),
        ("nowhere/run.png", "'nowhere/run.png': there is no directory 'nowhere'"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_before_training(caffe, workdir, path, message):
    result = caffe("train", "-solver", "solver.prototxt", "-plot", path)
    assert result.status == 2
    assert message in result.log


def test_a_picture_that_cannot_be_written_does_not_end_training(caffe, workdir):
    (workdir / "run.png").mkdir()
    result = caffe("train", "-solver", "solver.prototxt", "--plot", "run.png")
    assert result.status == 0
    assert any("run.png: cannot be written" in message for message in result.messages)
    assert result.messages[-1] == "Optimization Done."


def test_without_the_plugin_it_says_what_to_install(caffe, workdir):
    import caffe_plot

    plugin = manager().unregister(caffe_plot)
    try:
        result = caffe("train", "-solver", "solver.prototxt", "--plot", "run.png")
    finally:
        manager().register(plugin, "caffe-plot")
    assert result.status == 2
    assert "--plot comes with a plugin: pip install caffe-plot" in result.log


def recorded(workdir, caffe, monkeypatch) -> Curves:
    kept = []
    monkeypatch.setattr(
        "caffe_plot.recorder.draw", lambda curves: kept.append(curves) or draw(curves)
    )
    caffe("train", "-solver", "solver.prototxt", "--plot", "run.png")
    return kept[-1]


def test_what_is_recorded(caffe, workdir, monkeypatch):
    curves = recorded(workdir, caffe, monkeypatch)
    assert curves.title == "tiny"
    assert list(curves.iterations) == list(range(1, 41))
    assert curves.rates[0] == pytest.approx(0.1)
    assert curves.rates[39] == pytest.approx(0.1 * 1.39**-0.75)
    assert set(curves.tests) == {"test accuracy", "test loss"}
    assert curves.tests["test loss"].is_loss
    assert not curves.tests["test accuracy"].is_loss
    assert curves.tests["test loss"].iterations == [0, 20, 40]
    assert curves.losses[0] > curves.losses[39]


def curves(count: int, fall: float = 1.0) -> Curves:
    run = Curves("net")
    for i in range(count):
        run.add_iteration(i + 1, 2.0 * fall ** (i / count), 0.01 / (1 + i))
    run.add_test("test loss", count, 0.5, True)
    run.add_test("test accuracy", count, 0.98765, False)
    return run


def test_the_picture_has_losses_left_and_accuracy_right():
    figure = draw(curves(100))
    loss, rate, accuracy = figure.axes
    assert (loss.get_title(), loss.get_ylabel(), rate.get_ylabel()) == (
        "net",
        "loss",
        "learning rate",
    )
    assert rate.get_xlabel() == "iteration"
    assert accuracy.get_ylabel() == "accuracy"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        *("training loss", "test loss", "test accuracy (0.9877)")
    ]


@pytest.mark.parametrize(("fall", "scale"), [(0.5, "linear"), (0.001, "log")])
def test_the_scale_is_logarithmic_if_the_loss_falls_far(fall, scale):
    assert draw(curves(200, fall)).axes[0].get_yscale() == scale


def test_a_rate_that_stays_the_same_needs_no_room():
    run = Curves("net")
    for i in range(3):
        run.add_iteration(i, 1.0, 0.01)
    assert len(draw(run).axes) == 1


def test_smoothing_skips_what_is_not_finite():
    y = np.array([1.0, np.nan, 3.0, np.inf, 5.0])
    assert smoothed(y) == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0])
    assert np.isnan(smoothed(y[[1, 3]])).all()


def test_smoothing_is_a_mean_of_the_neighbourhood():
    y = np.arange(1000.0)
    assert smoothed(y)[500] == pytest.approx(500)
    assert smoothed(y)[0] == 0


def test_smoothing_follows_a_fast_start():
    y = 100 * 0.5 ** np.arange(1000.0)
    assert smoothed(y)[:2] == pytest.approx([100, 175 / 3])


def test_thinning_out_keeps_every_peak():
    x, y = np.arange(100_000), np.zeros(100_000)
    y[31_234], y[77_777] = 9.0, -9.0
    thin_x, thin_y = extremes(x, y)
    assert len(thin_x) == len(thin_y) <= 4000
    assert (thin_y.max(), thin_y.min()) == (9.0, -9.0)
    assert abs(thin_x[thin_y.argmax()] - 31_234) < 50
