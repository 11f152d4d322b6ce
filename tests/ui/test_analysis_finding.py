"""What the program finds: rotation, descan, a detector between two regions, noise; each one step, undone by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QDialogButtonBox

from ltdesk.geometry import PixelMask
from ltdesk.ui.dialogs.suggest_dialog import SuggestDialog
from tests.ui.test_analysis_panel import add, choose
from tests.ui.user import User, write_scan

SCAN, FRAME = (12, 14), (24, 20)
ANGLE = 35.0


def rotated_scan() -> np.ndarray:
    """A beam that is deflected by the gradient of a hill, turned by minus `ANGLE`."""
    ys, xs = np.indices(SCAN, dtype=float)
    hill = 12 * np.exp(-((ys - 5.5) ** 2 + (xs - 6.5) ** 2) / 12)
    dy, dx = np.gradient(hill)
    cos, sin = np.cos(np.radians(ANGLE)), np.sin(np.radians(ANGLE))
    shift_y, shift_x = dy * cos - dx * sin, dx * cos + dy * sin
    ky, kx = np.indices(FRAME, dtype=float)
    distance = (ky - 11.5 - shift_y[..., None, None]) ** 2 + (kx - 9.5 - shift_x[..., None, None]) ** 2
    return np.rint(4000 * np.exp(-distance / 8)).astype(np.uint16)


pytestmark = pytest.mark.usefixtures("at_analyses")
FRAMES = rotated_scan()


def add_com(user: User) -> None:
    add(user, "com")
    choose(user, "show", "curl")
    user.wait(lambda: user.image_view.prepared.picture.unit == "px/step", "the curl")
    user.wait_exact()


def test_the_rotation_of_least_curl_is_found_and_undone(user: User) -> None:
    add_com(user)
    before = np.nansum(user.shown() ** 2)
    steps = user.desk.model.undo_stack.count()
    user.trigger("find_rotation")
    user.wait(lambda: user.session.analyses[0].rotation, "the rotation")
    found = user.session.analyses[0]
    assert abs((found.rotation - ANGLE + 90) % 180 - 90) < 0.5  # either way round
    assert not found.flip
    said = user.window.job_bar.hint.whole_text()
    assert f"as at {(found.rotation + 360) % 360 - 180:.2f}°" in said, "the opposite one"
    assert "mask around the direct beam" in said
    user.wait(lambda: np.nansum(user.shown() ** 2) < before / 50, "less curl")
    assert user.window.analyses.form.widget("rotation").value() == pytest.approx(found.rotation, abs=1e-4)
    assert user.desk.model.undo_stack.count() == steps + 1
    user.trigger("undo")
    assert user.session.analyses[0].rotation == 0


def test_descan_is_fitted_over_the_region(user: User) -> None:
    add_com(user)
    user.image.drag((0, 0), (1, 1), (2, 13), keys=Qt.ControlModifier)
    user.trigger("fit_descan")
    user.wait(lambda: user.session.analyses[0].descan, "the descan")
    ky = np.arange(FRAME[0])[:, None]
    total = FRAMES.sum(axis=(2, 3))
    com_y = (FRAMES * (ky - 11.5)).sum(axis=(2, 3)) / total
    ys, xs = np.indices(SCAN)
    terms = np.stack([np.ones(SCAN), ys, xs], axis=-1)[:3].reshape(-1, 3)
    expected = np.linalg.lstsq(terms, com_y[:3].ravel(), rcond=None)[0]
    np.testing.assert_allclose(user.session.analyses[0].descan[:3], expected, atol=1e-9)
    assert "region" in user.window.job_bar.hint.whole_text()


def test_without_a_centre_of_mass_there_is_nothing_to_find(user: User) -> None:
    user.trigger("find_rotation")
    assert "Add a centre of mass" in user.window.job_bar.hint.whole_text()


def test_a_detector_is_suggested_from_a_region_and_the_rest(user: User) -> None:
    user.image.drag((4, 5), (5, 6), (7, 8), keys=Qt.ControlModifier)
    user.trigger("suggest")
    dialog = user.window.findChild(SuggestDialog)
    assert dialog.bright_words.text() == "rows 4 to 8, columns 5 to 9"
    assert "rest" in dialog.dark_words.text()
    dialog.suggest.click()
    user.wait(lambda: len(user.session.detectors) == 2, "the detector")
    suggested = user.selected
    assert suggested.name == "suggested"
    assert isinstance(suggested.shape, PixelMask)
    user.wait_exact()
    weights = suggested.shape.weights(FRAME)
    expected = (FRAMES * weights).sum(axis=(2, 3))
    user.wait(lambda: np.allclose(user.shown(), expected), "its image")
    inside = np.zeros(SCAN, bool)
    inside[4:8, 5:9] = True
    assert expected[inside].mean() > expected[~inside].mean() + expected[~inside].std()
    user.trigger("undo")
    assert len(user.session.detectors) == 1


def test_before_there_is_a_region_nothing_is_pressed_by_return(user: User) -> None:
    user.trigger("suggest")
    dialog = user.window.findChild(SuggestDialog)
    assert not dialog.suggest.isEnabled()
    assert not dialog.buttons.button(QDialogButtonBox.Cancel).isDefault()
    QTest.keyClick(dialog, Qt.Key_Return)
    assert dialog.isVisible()
    dialog.reject()


def test_two_regions_are_marked_while_the_dialog_is_open(user: User) -> None:
    user.trigger("suggest")
    dialog = user.window.findChild(SuggestDialog)
    assert not dialog.suggest.isEnabled()
    user.image.drag((0, 0), (1, 1), (2, 2), keys=Qt.ControlModifier)
    dialog.take_bright.click()
    user.image.drag((8, 8), (9, 9), (10, 11), keys=Qt.ControlModifier)
    dialog.take_dark.click()
    assert dialog.dark_words.text() == "rows 8 to 11, columns 8 to 12"
    assert dialog.bright_words.text() == "rows 0 to 3, columns 0 to 3"
    dialog.suggest.click()
    user.wait(lambda: len(user.session.detectors) == 2, "the detector")


def test_the_noise_of_the_selected_detector(user: User) -> None:
    mask = user.selected.shape.mask(FRAME)
    user.trigger("noise")
    assert user.session.shown == "noise_snr"
    signal = FRAMES[..., mask].sum(axis=-1).astype(float)
    user.wait(lambda: np.allclose(user.shown(), np.sqrt(signal)), "the signal to noise")
    user.trigger("noise")
    assert len(user.session.analyses) == 1
    choose(user, "show", "sigma")
    assert "σ" in user.window.analyses.heading.whole_text
    user.key(user.frame_view, Qt.Key_Down, Qt.ShiftModifier)
    moved = FRAMES[..., user.selected.shape.mask(FRAME)].sum(axis=-1).astype(float)
    user.wait(lambda: np.allclose(user.shown(), np.sqrt(moved)), "the noise of the moved detector")


def test_centre_and_ellipse_of_a_ring_are_found(user: User, tmp_path: Path) -> None:
    ky, kx = np.indices((64, 60), dtype=float)
    distance = np.hypot((ky - 33.2) / 0.9, kx - 28.4)  # the shorter axis along y
    frame = np.rint(200 * np.exp(-((distance - 18) ** 2) / 3) + 2000 * np.exp(-(distance**2) / 6))
    user.open(write_scan(tmp_path / "ring.h5", np.broadcast_to(frame, (4, 5, 64, 60)).astype(np.uint16)))
    add(user, "radial")
    user.trigger("fit_ellipse")
    assert "ring detector" in user.window.job_bar.hint.whole_text()
    user.trigger("tool_ring")
    user.frame.drag((33, 28), (33, 40), (33, 51))
    user.trigger("analyses")
    user.key(user.frame_view, Qt.Key_Escape)
    shape = user.selected.shape
    model = user.desk.model
    ring = shape.model_copy(update={"r_in": 12.0, "r_out": 24.0})
    model.edit("Ring", model.session.with_detector(user.selected.model_copy(update={"shape": ring})))
    user.trigger("fit_ellipse")
    user.wait(lambda: user.session.analyses[0].ratio != 1.0, "the ellipse")
    found = user.session.analyses[0]
    assert (found.cy, found.cx) == pytest.approx((33.2, 28.4), abs=0.1)
    assert found.ratio == pytest.approx(0.9, abs=0.01)
    assert abs(found.deg) < 3
    user.trigger("undo")
    assert user.session.analyses[0].ratio == 1.0
