"""Levels in the whole window: what the hand drags or types is given up by Esc and undo, and by nothing less."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtCore import QEvent, QPointF, Qt
from PyQt5.QtTest import QTest

from ltdesk.ui.pictures.histogram_strip import HistogramStrip
from tests.ui.fakes import counts
from tests.ui.picture_hand import send_mouse
from tests.ui.user import User, write_scan

FRAMES = counts((12, 10), (40, 44))


class LevelHand:
    """Holds the brightest level of the image, and moves it to the left by so many pixels."""

    def __init__(self, strip: HistogramStrip) -> None:
        assert strip.levels is not None
        self._strip = strip
        self._at = QPointF(strip.x_of(strip.levels[1]), 15)
        send_mouse(strip, QEvent.MouseButtonPress, self._at, Qt.LeftButton, Qt.LeftButton)

    def move(self, *steps: int) -> None:
        for step in steps:
            send_mouse(self._strip, QEvent.MouseMove, self._at - QPointF(step, 0), Qt.NoButton, Qt.LeftButton)

    def release(self, step: int) -> None:
        place = self._at - QPointF(step, 0)
        send_mouse(self._strip, QEvent.MouseButtonRelease, place, Qt.LeftButton, Qt.NoButton)


@pytest.mark.parametrize("how", ["Esc", "undo", "another scan"])
def test_levels_that_are_given_up_no_longer_follow_the_hand(user: User, scan: Path, tmp_path: Path, how: str) -> None:
    user.open(scan)
    user.trigger("tool_disk")
    user.frame.drag((5, 5), (5, 9))  # there is something to undo
    user.wait_exact()
    steps, strip = user.desk.model.undo_stack.count(), user.image_view.levels_bar.strip
    hand = LevelHand(strip)
    hand.move(10, 20, 30)
    assert user.session.image_display.levels is not None
    if how == "another scan":
        user.open(write_scan(tmp_path / "other.h5", counts((4, 4), (16, 16))))
        steps = 0
    else:
        user.trigger("stop" if how == "Esc" else "undo")
    assert user.session.image_display.levels is None
    hand.move(35, 40, 45)
    hand.release(45)
    assert user.session.image_display.levels is None
    assert user.desk.model.undo_stack.count() == steps
    again = LevelHand(strip)
    again.move(10, 20)
    again.release(20)
    assert user.session.image_display.levels is not None
    assert user.desk.model.undo_stack.count() == steps + 1


def test_esc_gives_up_a_typed_level_before_anything_else(user: User, scan: Path) -> None:
    user.open(scan)
    user.image.drag((2, 2), (5, 5), (6, 6), keys=Qt.ControlModifier)
    region, field = user.session.region, user.image_view.levels_bar.low
    before = field.text()
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "9000")
    QTest.keyClick(field, Qt.Key_Escape)
    assert field.text() == before
    assert user.session.region == region is not None
    user.image_view.canvas.setFocus()
    assert user.session.image_display.levels is None
    field.setFocus()
    QTest.keyClick(field, Qt.Key_Escape)  # nothing typed: as everywhere
    assert user.session.region is None
