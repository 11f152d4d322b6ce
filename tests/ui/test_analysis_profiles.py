"""Profiles as a user meets them: the plot's curves, the slider of bins, files of curves."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage, QPainter, QPainterPath
from PyQt5.QtTest import QTest

from ltdesk.job import Job
from tests.ui.fakes import counts
from tests.ui.test_analysis_panel import add, choose, type_in
from tests.ui.user import User

pytestmark = pytest.mark.usefixtures("at_analyses")
FRAMES = counts((8, 6), (24, 20), seed=5)
YS, XS = np.indices(FRAMES.shape[2:])
DISTANCES = np.hypot(YS - 11.5, XS - 9.5)


def radial() -> np.ndarray:
    """By definition ``(sy, sx, 10)``: whole rings up to the nearest edge, 9.5 px away."""
    bins = [(k - 0.5 <= DISTANCES) & (k + 0.5 > DISTANCES) for k in range(10)]
    with np.errstate(invalid="ignore"):
        return np.stack([FRAMES[..., b].sum(axis=-1) / b.sum() for b in bins], axis=-1)


def symmetry(order: int) -> np.ndarray:
    inside = DISTANCES <= 9.5
    wave = np.exp(1j * order * np.arctan2(YS - 11.5, XS - 9.5))[inside]
    return np.abs((FRAMES[..., inside] * wave).sum(axis=-1)) / FRAMES[..., inside].sum(axis=-1)


def curves(user: User) -> dict[str, np.ndarray]:
    """What the plot draws and its legend names."""
    plot = user.window.profile
    return {name: values for name, values in plot.curves.items() if f"</span> {name}" in plot.legend.text()}


def wait_for_curve(user: User, name: str, expected: np.ndarray) -> None:
    user.wait(
        lambda: name in curves(user) and np.allclose(curves(user)[name], expected, equal_nan=True), f"the curve {name}"
    )


def test_a_radial_profile_is_plotted_at_the_cursor_for_the_region_and_the_scan(user: User) -> None:
    assert not user.window.profile.isVisible()
    add(user, "radial")
    user.wait(user.window.profile.isVisible, "the plot")
    expected = radial()
    wait_for_curve(user, "scan", expected.mean(axis=(0, 1)))
    wait_for_curve(user, "cursor", expected[4, 3])
    assert "region" not in curves(user)
    user.key(user.image_view, Qt.Key_Up)
    wait_for_curve(user, "cursor", expected[3, 3])
    user.image.drag((1, 1), (2, 2), (4, 3), keys=Qt.ControlModifier)
    wait_for_curve(user, "region", expected[1:5, 1:4].mean(axis=(0, 1)))
    user.trigger("profile_plot")
    assert not user.window.profile.isVisible()


def test_the_words_on_the_axes_are_whole_after_those_of_another_profile(user: User) -> None:
    add(user, "radial_fourier")
    user.wait(user.window.profile.isVisible, "the plot")
    user.settle()
    add(user, "radial")
    user.settle()
    for side, words in (("left", "mean (counts)"), ("bottom", "distance (px)")):
        label = user.window.profile.plot.getAxis(side).label
        assert label.toPlainText().strip() == words
        letters = label.boundingRect().adjusted(4, 4, -9, -4)  # without the document's margin and a space at the end
        assert user.window.profile.plot.sceneRect().contains(label.mapRectToScene(letters))


def test_the_slider_chooses_the_bin_that_the_image_shows(user: User) -> None:
    assert not user.window.slice_bar.isVisible()
    add(user, "radial")
    bar = user.window.slice_bar
    user.wait(bar.isVisible, "the slider")
    bar.slider.setFocus()
    assert user.session.shown_slice == 1  # no pixel need be at distance 0
    for _ in range(2):
        QTest.keyClick(bar.slider, Qt.Key_Right)
    assert user.session.shown_slice == 3
    assert bar.words.text() == "distance 3 px"
    user.wait(lambda: np.allclose(user.shown(), radial()[..., 3]), "bin 3")
    user.wait(user.window.profile.isVisible, "the plot")
    user.window.profile.line.setValue(5.2)
    assert bar.slider.value() == 5
    user.wait(lambda: np.allclose(user.shown(), radial()[..., 5]), "bin 5")
    user.trigger("show_detector")
    assert not bar.isVisible()


def test_a_symmetry_has_a_slider_of_orders(user: User) -> None:
    add(user, "radial_fourier")
    assert user.session.shown == "fourier_1"
    user.window.slice_bar.slider.setValue(3)
    assert user.session.shown == "fourier_4"
    user.wait(lambda: np.allclose(user.shown(), symmetry(4)), "order 4")
    wait_for_curve(user, "cursor", np.array([symmetry(n)[4, 3] for n in (1, 2, 3, 4, 6)]))
    choose(user, "show", "6 phase")
    assert user.image_view.display.colour_map == "cyclic_mygbm_50_90_c46"
    assert user.window.slice_bar.words.text() == "order 6"
    type_in(user, "orders", "2, 6")
    assert user.session.analyses[0].orders == (2, 6)
    type_in(user, "orders", "2, 2")
    assert "once" in user.window.analyses.form.problem("orders")
    type_in(user, "orders", "0.5")
    assert user.window.analyses.form.problem("orders") == "'0.5' is not a whole number."
    assert user.session.analyses[0].orders == (2, 6)


def test_rings_are_images_of_exact_sums(user: User) -> None:
    add(user, "annular")
    type_in(user, "radii", "0 4 8")
    first = FRAMES[..., DISTANCES <= 4].sum(axis=-1)
    user.wait(lambda: np.array_equal(user.shown(), first), "the first ring")
    user.window.slice_bar.slider.setValue(1)
    second = FRAMES[..., (DISTANCES > 4) & (DISTANCES <= 8)].sum(axis=-1)
    user.wait(lambda: np.array_equal(user.shown(), second), "the second ring")
    wait_for_curve(user, "scan", np.array([first.mean(), second.mean()]))


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_curves_are_written_with_what_they_are(user: User, tmp_path: Path, suffix: str) -> None:
    add(user, "radial")
    expected = radial()
    wait_for_curve(user, "scan", expected.mean(axis=(0, 1)))
    path = tmp_path / f"curves.{suffix}"
    user.desk.analyses.export_profile(path)
    user.wait(lambda: "Written" in user.window.job_bar.hint.whole_text(), "the file")
    if suffix == "npz":
        with np.load(path) as arrays:
            place, cursor, scan = arrays["place"], arrays["cursor"], arrays["scan"]
            about = json.loads(str(arrays["about"]))
    else:
        lines = path.read_text().splitlines()
        about = {"recipe": json.loads(next(line for line in lines if line.startswith("# recipe"))[10:])}
        rows = list(csv.reader(line for line in lines if not line.startswith("#")))
        assert rows[0][0] == "distance (px)"
        table = {name.split()[0]: [float(row[i]) for row in rows[1:]] for i, name in enumerate(rows[0])}
        place, cursor, scan = table["distance"], table["cursor"], table["scan"]
    np.testing.assert_array_equal(place, np.arange(10))
    np.testing.assert_allclose(cursor, expected[4, 3])
    np.testing.assert_allclose(scan, expected.mean(axis=(0, 1)))
    assert Job.model_validate(about["recipe"]).analyses[0].kind == "radial"


def test_a_calibrated_profile_is_over_angles(user: User, tmp_path: Path) -> None:
    from ltdesk.analysis import SumSignal
    from ltdesk.engine.dataset import Calibration
    from ltdesk.polar import RadialProfile
    from ltdesk.ui.analyses.profiles import bins_of

    bins = bins_of(RadialProfile(nbins=4), (24, 20), "u2", Calibration(frame_pixel=0.5, frame_unit="mrad"))
    assert bins is not None
    np.testing.assert_allclose(bins.places, [0, 0.5, 1, 1.5])
    assert bins.unit == "mrad"
    assert bins_of(SumSignal(), (24, 20), "u2", Calibration()) is None


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_the_ring_is_as_wide_on_a_sharper_screen(user: User, ratio: float) -> None:
    add(user, "radial")
    user.window.slice_bar.slider.setValue(4)
    path = user.desk.ring_outline.path
    ring = next(i for i in user.frame_view.overlay_group.childItems() if getattr(i, "path", QPainterPath)() == path)
    image = QImage(int(240 * ratio), int(200 * ratio), QImage.Format_ARGB32)
    image.fill(Qt.transparent)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    painter.scale(10, 10)
    ring.paint(painter, None)
    painter.end()
    row = [image.pixelColor(x, int(115 * ratio)).alpha() for x in range(image.width())]  # through its middle
    assert sum(row) / 255 / ratio == pytest.approx(2 * 3 * 150 / 255, rel=0.35)  # two lines of 3 px, half seen through


def test_the_frame_shows_which_ring_the_image_is_of(user: User) -> None:
    def across() -> list[float]:
        box = user.desk.ring_outline.path.boundingRect()
        return [box.left(), box.right(), box.top(), box.bottom()]

    assert user.desk.ring_outline.path.isEmpty()
    add(user, "radial")
    user.window.slice_bar.slider.setValue(4)
    np.testing.assert_allclose(across(), [5.5, 13.5, 7.5, 15.5], atol=1e-2)
    type_in(user, "ratio", "0.5")  # the shorter axis across 0°: along y
    np.testing.assert_allclose(across(), [5.5, 13.5, 9.5, 13.5], atol=1e-2)
    user.trigger("show_detector")
    assert user.desk.ring_outline.path.isEmpty()
