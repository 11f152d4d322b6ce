"""Frames that analyses give on the left, spectra on either side, as a user meets them."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import Qt

from ltdesk.engine.spectrum import fft_magnitude
from ltdesk.session import Display
from ltdesk.ui.analyses.results import BRIGHT_ON_LOG
from ltdesk.ui.shapes.tools import Tool
from tests.ui.fakes import counts
from tests.ui.test_analysis_panel import add
from tests.ui.user import User

pytestmark = pytest.mark.usefixtures("at_analyses")
FRAMES = counts((8, 6), (24, 20), seed=5)


def wait_for_frame(user: User, expected: np.ndarray) -> None:
    def there() -> bool:
        prepared = user.frame_view.prepared
        return (
            user.frame_view.status == "exact"
            and prepared is not None
            and np.allclose(prepared.picture.values, expected)
        )

    user.wait(there, "the expected frame")


@pytest.mark.parametrize(
    ("kind", "function"), [("std_frame", np.std), ("var_frame", np.var), ("max_frame", np.max), ("sum_frame", np.sum)]
)
def test_a_frame_is_shown_left_of_all_frames_or_of_the_region(user: User, kind: str, function) -> None:
    add(user, kind)
    wait_for_frame(user, function(FRAMES, axis=(0, 1)))
    user.image.drag((1, 1), (2, 2), (4, 3), keys=Qt.ControlModifier)
    assert user.session.frame_source == "region"  # what was marked is what one wants to see
    user.window.analyses.list.itemClicked.emit(user.window.analyses.list.item(0))
    wait_for_frame(user, function(FRAMES, axis=(0, 1)))
    user.window.analyses.form.widget("in_region").click()
    wait_for_frame(user, function(FRAMES[1:5, 1:4], axis=(0, 1)))
    assert "region" in user.frame_view.header.source.whole_text
    user.trigger("frame_mean")
    wait_for_frame(user, FRAMES.mean(axis=(0, 1)))


def test_the_spectrum_of_the_mean_frame_has_frequencies_and_no_detectors(user: User) -> None:
    add(user, "fft_frame")
    mean = FRAMES.mean(axis=(0, 1))
    wait_for_frame(user, np.abs(np.fft.fftshift(np.fft.fft2(mean))))
    assert not user.desk.layer.isVisible()
    user.frame.hover((12, 15))
    assert "k 12, 15 · 0.25 1/px" in user.frame_view.readout  # 5 of 20 periods
    user.trigger("tool_disk")
    assert user.session.frame_source == "mean"
    assert user.desk.layer.isVisible()


def transform(frame: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.fftshift(np.fft.fft2(frame)))


def wait_for_picture(user: User, expected: np.ndarray, source: str) -> None:
    def there() -> bool:
        prepared = user.frame_view.prepared
        return prepared is not None and np.allclose(prepared.picture.values, expected)

    user.wait(there, f"the picture of {source}")
    assert user.frame_view.header.source.whole_text == f"{source} ▾"


def test_the_spectrum_of_the_frame_follows_the_cursor(user: User) -> None:
    user.trigger("frame_cursor")
    user.trigger("frame_spectrum")
    assert user.window.actions_by_name["frame_spectrum"].isChecked()
    user.image.drag((3, 2), (3, 2))
    wait_for_picture(user, transform(FRAMES[3, 2]), "FFT at (3, 2)")
    user.key(user.image_view, Qt.Key_Right)
    wait_for_picture(user, transform(FRAMES[3, 3]), "FFT at (3, 3)")
    user.frame.hover((12, 15))
    assert "k 12, 15 · 0.25 1/px" in user.frame_view.readout  # 5 of 20 periods
    user.trigger("frame_spectrum_window")
    wait_for_picture(user, fft_magnitude(FRAMES[3, 3], window=True), "FFT at (3, 3)")
    user.trigger("frame_spectrum_window")
    wait_for_picture(user, FRAMES[3, 3], "at (3, 3)")


def test_the_spectrum_of_the_frame_is_of_whatever_frame_is_shown(user: User) -> None:
    user.trigger("frame_spectrum")
    wait_for_picture(user, transform(FRAMES.mean(axis=(0, 1))), "FFT · mean of 48")
    assert user.frame_view.status == "exact"
    user.image.drag((1, 1), (2, 2), (4, 3), keys=Qt.ControlModifier)
    wait_for_picture(user, transform(FRAMES[1:5, 1:4].mean(axis=(0, 1))), "FFT · mean of region")
    add(user, "max_frame")
    wait_for_picture(user, transform(FRAMES.max(axis=(0, 1))), "FFT · maximum of frames")
    add(user, "fft_frame")  # is one already
    wait_for_picture(user, transform(FRAMES.mean(axis=(0, 1))), "FFT of the mean frame")
    assert "FFT is shown already" in user.window.actions_by_name["frame_spectrum"].toolTip()
    user.trigger("tool_disk")
    wait_for_picture(user, FRAMES.mean(axis=(0, 1)), "mean of 48 frames")


def test_no_detector_is_drawn_or_seen_on_the_spectrum_of_the_frame(user: User) -> None:
    user.trigger("tool_disk")
    user.trigger("frame_spectrum")
    assert user.desk.tools.tool is Tool.SELECT
    assert not user.desk.layer.isVisible()
    detectors, (y, x) = user.session.detectors, user.session.cursor
    assert user.session.selected_detector is not None
    user.key(user.frame_view, Qt.Key_Right)  # none that isn't seen moves
    assert user.session.detectors == detectors
    assert user.session.cursor == (y, x + 1)
    user.trigger("tool_disk")
    wait_for_picture(user, FRAMES[y, x + 1], f"at ({y}, {x + 1})")
    assert user.desk.layer.isVisible()


def test_the_spectrum_of_the_frame_has_a_display_of_its_own(user: User) -> None:
    frame = user.frame_view.display
    user.trigger("frame_spectrum")
    user.frame_view.levels_bar.levels_changed.emit(2.0, 50.0)
    assert user.session.frame_display == frame
    user.trigger("frame_spectrum")
    assert user.frame_view.display == frame
    user.trigger("frame_spectrum_window")
    assert user.frame_view.display.levels == (2.0, 50.0)


def test_the_spectrum_of_the_image_is_a_display_of_it(user: User) -> None:
    image = user.shown()
    user.trigger("spectrum")
    expected = np.abs(np.fft.fftshift(np.fft.fft2(image.astype(float))))
    user.wait(lambda: np.allclose(user.shown(), expected), "the spectrum")
    assert user.image_view.display == BRIGHT_ON_LOG
    user.image.hover((4, 5))
    assert "(4, 5) · 0.333 1/px" in user.image_view.readout
    cursor = user.session.cursor
    user.image.double_click((1, 1))
    user.image.drag((1, 1), (2, 2), (4, 3), keys=Qt.ControlModifier)
    assert user.session.cursor == cursor
    assert user.session.region is None
    user.trigger("spectrum_window")
    assert user.session.spectrum == "window"
    user.trigger("show_composite")
    user.wait(lambda: "composite" in user.image_view.plates.message.text, "words")
    user.trigger("show_detector")
    user.trigger("spectrum_window")
    user.wait(lambda: np.array_equal(user.shown(), image), "the image")
    assert user.image_view.display == Display()
