"""Frames that analyses give on the left, spectra on either side, as a user meets them."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import Qt

from ltdesk.session import Display
from ltdesk.ui.analyses.results import BRIGHT_ON_LOG
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
