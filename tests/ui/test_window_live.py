"""The whole window as a user meets it: open, look, drag; asserting on the session and on what is on the screen."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, Qt
from PyQt5.QtGui import QHelpEvent
from PyQt5.QtWidgets import QApplication, QToolTip, QWidget

from ltdesk.geometry import Disk, Rectangle, Ring
from ltdesk.ui.errors.watchdog import Watchdog
from ltdesk.ui.look.breaks import beginnings
from ltdesk.ui.shapes.tools import HINTS, Tool
from tests.ui.fakes import counts
from tests.ui.user import User, expected_greys, write_scan

FRAMES = counts((12, 10), (40, 44))
CENTRE = (19.5, 21.5)
PLACES = [(0, 0), (3, 7), (11, 9), (6, 2)]


def virtual_image(shape: Disk | Ring) -> np.ndarray:
    """By definition, straight from the frames."""
    return FRAMES[..., shape.mask(FRAMES.shape[2:])].sum(axis=-1, dtype=np.uint64)


def test_opening_gives_a_disk_on_the_beam_the_mean_frame_and_the_exact_image(user: User, scan: Path) -> None:
    user.open(scan)
    disk = user.selected.shape
    assert user.selected.name == "BF"
    assert abs(disk.cy - CENTRE[0]) < 0.5
    assert abs(disk.cx - CENTRE[1]) < 0.5
    assert abs(disk.r - 8) < 0.7
    np.testing.assert_array_equal(user.shown(), virtual_image(disk))
    user.wait(lambda: user.frame_view.status == "exact", "the exact mean")
    np.testing.assert_allclose(user.frame_view.prepared.picture.values, FRAMES.mean(axis=(0, 1)))
    assert user.window.windowTitle() == "scan.h5 — ltdesk"
    assert "12×10 × 40×44 u16" in user.window.job_bar.dataset.text()


def test_the_pixels_on_the_screen_are_the_image(user: User, scan: Path) -> None:
    user.open(scan)
    levels = user.image_view.prepared.levels
    expected = expected_greys(virtual_image(user.selected.shape), levels, PLACES)
    np.testing.assert_allclose(user.greys(PLACES), expected, atol=3)
    assert max(expected) - min(expected) > 50


def test_a_dragged_disk_changes_the_image_before_the_hand_lets_go(user: User, scan: Path) -> None:
    user.open(scan)
    start = user.selected.shape
    at = (start.cy, start.cx)
    user.frame.hover(at)
    user.frame.press(at)
    for step in range(1, 7):
        user.frame.move((at[0] + step, at[1] + 2 * step))
        moved = user.selected.shape
        assert (moved.cy, moved.cx) == pytest.approx((at[0] + step, at[1] + 2 * step), abs=0.15)
        user.wait(lambda moved=moved: np.array_equal(user.shown(), virtual_image(moved)), "the live image")
    assert user.desk.model.dragging
    end = (at[0] + 6, at[1] + 12)
    levels = user.image_view.prepared.levels
    expected = expected_greys(virtual_image(user.selected.shape), levels, PLACES)
    np.testing.assert_allclose(user.greys(PLACES), expected, atol=3)
    user.frame.release(end)
    user.wait_exact()
    assert user.desk.model.undo_stack.count() == 1
    user.trigger("undo")
    assert user.selected.shape == start
    user.wait(lambda: np.array_equal(user.shown(), virtual_image(start)), "the image of before")


def test_drawing_a_ring_shows_its_image_while_it_grows(user: User, scan: Path) -> None:
    user.open(scan)
    user.trigger("tool_ring")
    user.frame.hover(CENTRE)
    user.frame.press(CENTRE)
    user.frame.move((CENTRE[0], CENTRE[1] + 6))
    user.frame.move((CENTRE[0], CENTRE[1] + 14))
    ring = user.selected.shape
    assert isinstance(ring, Ring)
    user.wait(lambda: np.array_equal(user.shown(), virtual_image(ring)), "the image of the half-drawn ring")
    user.frame.release((CENTRE[0], CENTRE[1] + 14))
    assert [d.name for d in user.session.detectors] == ["BF", "ring"]
    user.wait_exact()


def test_the_watchdog_sees_a_blocked_window(user: User) -> None:
    watchdog = Watchdog()
    watchdog.start()
    user.settle()
    threading.Event().wait(0.08)
    user.settle()
    watchdog.stop()
    assert watchdog.longest > 0.07


def test_the_cross_picks_the_frame(user: User, scan: Path) -> None:
    user.open(scan)
    y, x = user.session.cursor
    user.image.drag((y, x), (y + 2, x - 3), (2, 3))
    assert user.session.cursor == (2, 3)
    assert user.session.frame_source == "cursor"
    user.wait(lambda: np.array_equal(user.frame_view.prepared.picture.values, FRAMES[2, 3]), "the frame")
    user.image.double_click((9, 7))
    assert user.session.cursor == (9, 7)
    user.wait(lambda: np.array_equal(user.frame_view.prepared.picture.values, FRAMES[9, 7]), "the frame")
    assert not user.desk.model.undo_stack.count()


def test_arrows_move_what_has_the_keyboard(user: User, scan: Path) -> None:
    user.open(scan)
    user.key(user.image_view, Qt.Key_Down)
    user.key(user.image_view, Qt.Key_Right)
    assert user.session.cursor == (7, 6)
    user.key(user.image_view, Qt.Key_Right, Qt.ShiftModifier)
    assert user.session.cursor == (7, 9)  # it stays in the scan
    before = user.selected.shape
    user.key(user.frame_view, Qt.Key_Up)
    user.key(user.frame_view, Qt.Key_Left, Qt.ShiftModifier)
    user.key(user.frame_view, Qt.Key_Down, Qt.ControlModifier)
    after = user.selected.shape
    assert (after.cy - before.cy, after.cx - before.cx) == pytest.approx((-0.9, -10))
    user.trigger("grow")
    assert user.selected.shape.r == pytest.approx(before.r + 1)
    user.trigger("shrink")
    assert user.selected.shape.r == pytest.approx(before.r)


def test_a_region_shows_its_mean_frame_and_leaves_the_image_whole(user: User, scan: Path) -> None:
    user.open(scan)
    user.image.drag((2, 1), (4, 4), (5, 6), keys=Qt.ControlModifier)
    region = user.session.region
    assert region == Rectangle(y0=2, x0=1, y1=6, x1=7)
    expected = FRAMES[2:6, 1:7].mean(axis=(0, 1))
    user.wait(lambda: "region: mean of 24" in user.frame_view.header.source.whole_text, "the region's mean")
    user.wait(lambda: user.frame_view.status == "exact", "all of it")
    np.testing.assert_allclose(user.frame_view.prepared.picture.values, expected)
    np.testing.assert_array_equal(user.shown(), virtual_image(user.selected.shape))
    assert user.desk.model.undo_stack.count() == 1
    user.trigger("stop")
    assert user.session.region is None
    user.wait(lambda: user.frame_view.prepared.picture.values == pytest.approx(FRAMES.mean(axis=(0, 1))))


def test_a_composite_has_the_colours_of_its_detectors(user: User, scan: Path) -> None:
    user.open(scan)
    user.trigger("tool_disk")
    user.frame.drag((5, 5), (5, 9))
    user.wait_exact()
    user.trigger("show_composite")
    user.wait(lambda: len(user.image_view.prepared.layers) == 2, "two layers")
    assert user.image_view.prepared.colours == tuple(d.colour for d in user.session.detectors)
    user.trigger("visible")
    user.wait(lambda: len(user.image_view.prepared.layers) == 1, "one layer")
    user.trigger("show_detector")
    user.wait_exact()
    np.testing.assert_array_equal(user.shown(), virtual_image(user.selected.shape))


@pytest.mark.parametrize("part", ["x", "y", "magnitude"])
def test_the_centre_of_mass_is_about_the_direct_beam(user: User, scan: Path, part: str) -> None:
    user.open(scan)
    beam = user.selected.shape
    user.trigger(f"show_com_{part}")
    user.wait(lambda: user.image_view.prepared.picture.unit == "px", "the centre of mass")
    user.wait_exact()
    frames = FRAMES.astype(np.float64)
    ys, xs = np.indices(FRAMES.shape[2:])
    total = frames.sum(axis=(2, 3))
    com_y = (frames * ys).sum(axis=(2, 3)) / total - beam.cy
    com_x = (frames * xs).sum(axis=(2, 3)) / total - beam.cx
    expected = {"x": com_x, "y": com_y, "magnitude": np.hypot(com_y, com_x)}[part]
    np.testing.assert_allclose(user.shown(), expected, atol=1e-9)
    user.trigger("com_about_beam")
    user.wait(lambda: "frame centre" in user.image_view.header.source.whole_text, "the other centre")


def test_without_a_direct_beam_it_is_said_and_nothing_is_put_in_the_middle(user: User, tmp_path: Path) -> None:
    user.open(write_scan(tmp_path / "flat.h5", np.full((4, 4, 32, 32), 7, np.uint16), frame_pixel_mrad=2.0))
    for _ in range(3):
        user.key(user.frame_view, Qt.Key_Down)
    before = user.session
    user.trigger("fit_beam")
    user.wait(lambda: "No direct beam was found" in user.window.job_bar.hint.whole_text(), "the words")
    user.window.job_bar.tell("")
    user.trigger("com_about_beam")
    assert "No direct beam was found" in user.window.job_bar.hint.whole_text()
    assert not user.window.actions_by_name["com_about_beam"].isChecked()
    assert user.session == before
    user.frame.hover((15, 18))
    assert user.frame_view.readout.startswith("k 15, 18 · 5.1 mrad")
    assert "no direct beam was found" in hover_readout(user)


def test_angles_are_measured_from_the_direct_beam(user: User, tmp_path: Path) -> None:
    """They were measured from the frame's corner: 75 mrad, 75 mrad on the beam itself."""
    frames = np.ones((4, 4, 40, 44), np.uint16)
    frames[..., Disk(cy=17, cx=24, r=6).mask((40, 44))] = 100
    user.open(write_scan(tmp_path / "beam.h5", frames, frame_pixel_mrad=2.0))
    user.frame.hover((17, 24))
    assert user.frame_view.readout.startswith("k 17, 24 · 0 mrad")
    user.frame.hover((20, 28))
    assert user.frame_view.readout.startswith("k 20, 28 · 10 mrad")
    assert hover_readout(user) == "mrad from the fitted centre of the direct beam, k 17, 24"


def hover_readout(user: User) -> str:
    """The words on hover over the readout, asked for as Qt does."""
    readout, viewport = user.frame_view.plates.readout, user.frame_view.canvas.viewport()
    place = readout.mapToGlobal(readout.rect().center())
    QApplication.sendEvent(viewport, QHelpEvent(QEvent.ToolTip, viewport.mapFromGlobal(place), place))
    text = QToolTip.text()
    QToolTip.hideText()
    user.wait(lambda: not QToolTip.isVisible(), "an end of the words")
    return text


def test_the_centre_of_mass_is_shown_as_vectors(user: User, scan: Path) -> None:
    user.open(scan)
    user.trigger("show_com")
    user.wait(lambda: user.image_view.prepared.wheel, "the colour wheel")
    user.wait_exact()
    length, along_y, along_x = (layer.values for layer in user.image_view.prepared.layers)
    np.testing.assert_allclose(length, np.hypot(along_y, along_x))


def test_selecting_another_detector_is_instant(user: User, scan: Path) -> None:
    user.open(scan)
    user.trigger("tool_disk")
    user.frame.drag((5, 5), (5, 9))
    user.wait_exact()
    user.trigger("next_detector")
    assert user.selected.name == "BF"
    np.testing.assert_array_equal(user.shown(), virtual_image(user.selected.shape))
    assert user.image_view.status == "exact"


def test_a_detector_outside_the_frame_is_said_to_be_empty(user: User, scan: Path) -> None:
    user.open(scan)
    disk = user.selected
    away = disk.model_copy(update={"shape": Disk(cy=-50, cx=-50, r=3)})
    user.desk.model.edit("away", user.session.with_detector(away))
    user.wait(lambda: "no pixels" in user.image_view.plates.message.text, "the message")
    user.trigger("undo")
    user.wait(lambda: not user.image_view.plates.message.text, "no message")


def test_the_window_shows_frames_of_floats_with_nan(user: User, tmp_path: Path) -> None:
    frames = FRAMES.astype(np.float32)
    frames[3, 4] = np.nan
    user.open(write_scan(tmp_path / "nan.h5", frames))
    shown = user.shown()
    assert np.isnan(shown[3, 4])
    assert np.isfinite(np.delete(shown.ravel(), 34)).all()


def test_a_mean_without_any_number_says_why(user: User, tmp_path: Path) -> None:
    frames = FRAMES.astype(np.float32)
    frames[3, 4] = np.nan
    user.open(write_scan(tmp_path / "nan.h5", frames))
    user.wait(lambda: "NaN in some frame" in user.frame_view.plates.message.text, "the reason")
    assert not user.image_view.plates.message.text  # all but one of its positions are numbers
    user.trigger("frame_cursor")
    user.wait(lambda: not user.frame_view.plates.message.text, "the frame at the cursor")
    user.image.double_click((3, 4))
    user.wait(lambda: "this frame" in user.frame_view.plates.message.text, "that it has no number either")


@pytest.mark.parametrize("shown", ["show_detector", "show_com", "show_composite"])
def test_an_image_without_any_number_says_so(user: User, tmp_path: Path, shown: str) -> None:
    user.open(write_scan(tmp_path / "nan.h5", np.full((6, 5, 16, 12), np.nan, np.float32)))
    user.trigger(shown)
    user.wait(lambda: "NaN" in user.image_view.plates.message.text, "the words")
    user.open(write_scan(tmp_path / "numbers.h5", FRAMES))
    user.wait(lambda: not user.image_view.plates.message.text, "no words")


def test_a_long_message_on_a_picture_is_not_cut(user: User, scan: Path) -> None:
    user.open(scan)
    message, words = (
        user.image_view.plates.message,
        "/a/folder/of/a/session/" * 8 + "scan.h5: frame (3, 4) cannot be read.",
    )
    user.image_view.set_message("short")
    line = message.height()
    user.image_view.set_message(words)
    assert message.height() >= 3 * line - line // 2
    assert user.image_view.plates.rect().contains(message.geometry())


@pytest.mark.parametrize("tool", ["disk", "ring", "sector", "rect", "ellipse", "polygon"])
def test_the_numbers_of_a_combination_are_not_cut(user: User, scan: Path, tool: str) -> None:
    """On a laptop's screen, where the panel is narrow and its numbers have a scroll bar beside them."""
    user.open(scan)
    user.trigger("draw_join")
    user.trigger(f"tool_{tool}")
    if tool == "polygon":
        for corner in ((5, 5), (5, 30), (30, 30)):
            user.frame.press(corner)
            user.frame.release(corner)
        user.key(user.frame_view, Qt.Key_Return)
    else:
        user.frame.drag((10, 10), (14, 20), (20, 30))
    sections = user.window.editor.sections
    assert len(sections) == 2
    user.settle()
    viewport = sections[0].parentWidget().parentWidget()
    for section in sections:
        assert section.mapTo(viewport, section.rect().bottomRight()).x() < viewport.width()
        for child in section.findChildren(QWidget):
            if child.isVisible() and child.parentWidget() is section:
                assert child.geometry().right() <= section.width(), child


def test_the_hint_of_a_tool_is_whole_sentences(user: User, scan: Path) -> None:
    user.open(scan)
    hint = user.window.job_bar.hint
    for tool in Tool:
        user.window.actions_by_name[f"tool_{tool}"].trigger()
        assert hint.text() in beginnings(HINTS[tool]), hint.text()
        assert hint.whole_text() == HINTS[tool]
    user.window.resize(4000, 720)
    user.wait(lambda: hint.text() == HINTS[tool], "all of it, where there is room")


@pytest.mark.parametrize("scan_shape", [(1, 300), (2, 4), (1, 1)])
def test_odd_scans_are_shown(user: User, tmp_path: Path, scan_shape: tuple[int, int]) -> None:
    frames = counts(scan_shape, (16, 12))
    user.open(write_scan(tmp_path / "odd.h5", frames))
    mask = user.selected.shape.mask((16, 12))
    np.testing.assert_array_equal(user.shown(), frames[..., mask].sum(axis=-1))


def test_the_second_file_takes_the_place_of_the_first(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    first = user.desk.dataset
    other = counts((5, 6), (20, 20), seed=3)
    user.drop(write_scan(tmp_path / "other.h5", other))
    user.wait(lambda: user.desk.dataset is not first, "the second scan")
    user.wait_exact()
    mask = user.selected.shape.mask((20, 20))
    np.testing.assert_array_equal(user.shown(), other[..., mask].sum(axis=-1))
    assert len(user.session.detectors) == 1
    assert not user.desk.model.undo_stack.canUndo()
    recent = [action.text() for action in user.window.recent_menu.actions()]
    assert "other.h5" in recent[0]
    assert "scan.h5" in recent[1]


def test_closing_the_scan_goes_back_to_the_start(user: User, scan: Path) -> None:
    user.open(scan)
    user.trigger("close")
    assert user.window.page is user.window.welcome
    assert user.session.dataset is None
    assert not user.window.actions_by_name["export"].isEnabled()
