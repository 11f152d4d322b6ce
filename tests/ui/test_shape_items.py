"""Detectors over a view of the frame, with a hand on them: mouse events to the viewport, asserted on the session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtGui import QColor, QImage

from ltdesk.geometry import (
    AnyShape,
    Disk,
    Ellipse,
    PixelMask,
    Point,
    Polygon,
    Rectangle,
    Ring,
    Sector,
)
from ltdesk.session import Detector, Session
from ltdesk.ui.shapes.shape_parts import grips
from tests.ui.hand import Hand

DISK = Disk(cy=20, cx=20, r=8)
RING = Ring(cy=32, cx=32, r_in=12, r_out=20)
RECT = Rectangle(y0=10, x0=10, y1=30, x1=50)
SQUARE = Polygon(points=((10, 10), (10, 50), (50, 50), (50, 10)))
MASK = PixelMask.from_array(np.pad(np.ones((10, 10), dtype=bool), 27))


@pytest.fixture
def hand(qapp: Any) -> Iterator[Hand]:
    hand = Hand()
    yield hand
    hand.close()


def show(hand: Hand, *shapes: AnyShape, selected: int | None = 0) -> None:
    """These as detectors ``d0``, ``d1``, …"""
    colours = ("#E69F00", "#56B4E9", "#009E73")
    detectors = tuple(
        Detector(id=f"d{i}", name=f"d{i}", colour=colours[i % 3], shape=shape) for i, shape in enumerate(shapes)
    )
    hand.model.open(Session(detectors=detectors, selected=None if selected is None else f"d{selected}"))
    hand.settle()


def test_a_disk_is_dragged_as_one_step_and_undone(hand: Hand) -> None:
    show(hand, DISK)
    seen = []
    hand.model.changed.connect(lambda old, new: seen.append(new.detectors[0].shape))
    hand.drag((20, 20), (22, 21), (26, 25), (30, 30))
    assert hand.shape == Disk(cy=30, cx=30, r=8)
    assert seen == [Disk(cy=22, cx=21, r=8), Disk(cy=26, cx=25, r=8), Disk(cy=30, cx=30, r=8)]
    assert hand.steps == ["Move disk"]
    hand.model.undo_stack.undo()
    assert hand.shape == DISK


def test_a_trembling_click_moves_nothing(hand: Hand) -> None:
    show(hand, DISK)
    hand.drag((20, 20), (20, 20.125))
    assert hand.shape == DISK
    assert hand.steps == []


@pytest.mark.parametrize(
    ("shape", "path", "expected"),
    [
        (DISK, [(20, 28), (20, 30), (20, 32)], Disk(cy=20, cx=20, r=12)),
        (DISK, [(20, 12), (20, 10), (20, 8)], Disk(cy=20, cx=20, r=12)),
        (RING, [(32, 52), (32, 54), (32, 56)], Ring(cy=32, cx=32, r_in=12, r_out=24)),
        (RING, [(32, 44), (32, 40), (32, 38)], Ring(cy=32, cx=32, r_in=6, r_out=20)),
        (RING, [(32, 48), (34, 48), (36, 48)], Ring(cy=36, cx=32, r_in=12, r_out=20)),
        (RECT, [(30, 50), (35, 55), (40, 60)], Rectangle(y0=10, x0=10, y1=40, x1=60)),
        (RECT, [(10, 30), (7, 30), (5, 33)], Rectangle(y0=5, x0=10, y1=30, x1=50)),
        (RECT, [(20, 20), (25, 25), (30, 20)], Rectangle(y0=20, x0=10, y1=40, x1=50)),
        (Point(y=10, x=10), [(10, 10), (20, 20), (30, 40)], Point(y=30, x=40)),
        (Ellipse(cy=32, cx=32, ry=8, rx=16), [(32, 48), (32, 50), (32, 52)], Ellipse(cy=32, cx=32, ry=8, rx=20)),
        (Ellipse(cy=32, cx=32, ry=8, rx=16), [(24, 32), (22, 32), (20, 32)], Ellipse(cy=32, cx=32, ry=12, rx=16)),
        (Ellipse(cy=32, cx=32, ry=8, rx=16), [(32, 51), (40, 45), (51, 32)],
         Ellipse(cy=32, cx=32, ry=8, rx=16, deg=90)),
        (SQUARE, [(50, 50), (55, 55), (60, 60)], Polygon(points=((10, 10), (10, 50), (60, 60), (50, 10)))),
        (SQUARE, [(30, 30), (32, 30), (34, 30)], Polygon(points=((14, 10), (14, 50), (54, 50), (54, 10)))),
        (Sector(cy=32, cx=32, r_in=8, r_out=24, deg0=0, deg1=90), [(32, 48), (31, 48), (16, 48)],
         Sector(cy=32, cx=32, r_in=8, r_out=24, deg0=315, deg1=450)),
        (Sector(cy=32, cx=32, r_in=8, r_out=24, deg0=0, deg1=90), [(48, 32), (48, 31), (48, 16)],
         Sector(cy=32, cx=32, r_in=8, r_out=24, deg0=0, deg1=135)),
    ],
)  # fmt: skip
def test_every_handle_does_its_work(hand: Hand, shape: AnyShape, path: list[Any], expected: AnyShape) -> None:
    show(hand, shape)
    hand.drag(*path)
    assert_near(hand.shape, expected)
    assert len(hand.steps) == 1


def assert_near(shape: Any, expected: Any) -> None:
    assert shape.kind == expected.kind
    for name, value in expected.model_dump().items():
        if name == "points":
            np.testing.assert_allclose(shape.points, expected.points, atol=0.1)
        elif name != "kind":
            assert getattr(shape, name) == pytest.approx(value, abs=0.3), name


def test_shift_keeps_the_aspect_of_a_corner(hand: Hand) -> None:
    show(hand, RECT)
    hand.drag((30, 50), (35, 55), (40, 70), keys=Qt.ShiftModifier)
    assert (hand.shape.x1 - hand.shape.x0) == pytest.approx(2 * (hand.shape.y1 - hand.shape.y0))
    assert (hand.shape.y0, hand.shape.x0) == (10, 10)


@pytest.mark.parametrize("key", [Qt.AltModifier, Qt.ControlModifier])
def test_alt_drags_a_copy(hand: Hand, key: Any) -> None:
    show(hand, DISK)
    hand.drag((20, 20), (30, 30), (40, 40), keys=key)
    original, copy = hand.session.detectors
    assert (original.shape, copy.shape) == (DISK, Disk(cy=40, cx=40, r=8))
    assert hand.session.selected == copy.id
    assert copy.name != original.name
    assert copy.colour != original.colour
    assert hand.steps == ["Copy d0"]
    hand.model.undo_stack.undo()
    assert [d.id for d in hand.session.detectors] == ["d0"]


def test_escape_takes_a_drag_back_and_lets_go(hand: Hand) -> None:
    show(hand, DISK)
    hand.press((20, 20))
    hand.move((30, 30))
    hand.key(Qt.Key_Escape)
    assert hand.shape == DISK
    hand.move((40, 40))
    hand.release((40, 40))
    assert hand.shape == DISK
    assert hand.steps == []
    assert not hand.model.dragging


def test_a_drag_that_somebody_else_ends_is_over(hand: Hand) -> None:
    show(hand, DISK)
    hand.press((20, 20))
    hand.move((30, 30))
    hand.model.end_drag()
    hand.move((40, 40))
    hand.release((40, 40))
    assert hand.shape == Disk(cy=30, cx=30, r=8)
    assert hand.steps == ["Move disk"]


def test_a_detector_that_goes_in_mid_drag_is_let_go(hand: Hand) -> None:
    show(hand, DISK)
    hand.press((20, 20))
    hand.move((30, 30))
    hand.model.drag(hand.session.without_detector("d0"))
    hand.move((40, 40))
    hand.release((40, 40))
    assert hand.session.detectors == ()


def test_another_session_in_mid_drag_is_left_alone(hand: Hand) -> None:
    show(hand, DISK)
    hand.press((20, 20))
    hand.move((30, 30))
    show(hand, RECT)
    hand.move((40, 40))
    hand.release((40, 40))
    assert hand.shape == RECT
    assert hand.steps == []


def test_a_press_selects(hand: Hand) -> None:
    show(hand, DISK, RECT, selected=None)
    hand.press((20, 40))
    assert hand.session.selected == "d1"
    hand.release((20, 40))
    assert hand.steps == []


def test_empty_frame_keeps_the_selection_and_goes_to_the_view(hand: Hand) -> None:
    show(hand, DISK)
    clicks: list[Any] = []
    hand.widget.scene().sigMouseClicked.connect(clicks.append)
    hand.click((60, 60))
    assert hand.session.selected == "d0"
    assert len(clicks) == 1
    hand.click((20, 20))
    assert len(clicks) == 1


@pytest.fixture
def every_move(qapp: Any) -> Iterator[None]:
    """pyqtgraph's own drags leave no move out."""
    limit = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)
    yield
    pg.setConfigOption("mouseRateLimit", limit)


@pytest.mark.usefixtures("every_move")
def test_middle_drag_and_wheel_go_to_the_view_over_a_detector(hand: Hand) -> None:
    show(hand, RECT)
    before = hand.viewbox.viewRect()
    hand.hover((20, 20))
    hand.press((20, 20), button=Qt.MiddleButton)
    for x in (25, 30):
        hand.move((20, x), held=Qt.MiddleButton)
    hand.release((20, 30), button=Qt.MiddleButton)
    panned = hand.viewbox.viewRect()
    assert panned.topLeft() != before.topLeft()
    assert panned.size() == before.size()
    hand.wheel((20, 20), 120)
    assert hand.viewbox.viewRect().width() < panned.width()
    assert hand.shape == RECT


def test_the_smallest_is_taken_first_and_the_selected_before_it(hand: Hand) -> None:
    small = Disk(cy=20, cx=30, r=4)
    show(hand, RECT, small, selected=None)
    hand.drag((20, 30), (22, 30), (24, 30))
    assert hand.session.selected == "d1"
    assert hand.session.detectors[0].shape == RECT
    show(hand, RECT, small, selected=0)
    hand.drag((20, 30), (22, 30), (24, 30))
    assert hand.session.detectors[1].shape == small
    assert hand.session.detectors[0].shape == Rectangle(y0=14, x0=10, y1=34, x1=50)


def test_clicks_go_down_through_what_overlaps(hand: Hand) -> None:
    show(hand, RECT, Disk(cy=20, cx=30, r=4), selected=0)
    taken = []
    for _ in range(3):
        hand.click((20, 30))
        taken.append(hand.session.selected)
    assert taken == ["d1", "d0", "d1"]


def test_a_hidden_detector_is_neither_seen_nor_taken(hand: Hand) -> None:
    show(hand, DISK)
    hidden = hand.session.detectors[0].model_copy(update={"visible": False})
    hand.model.edit("Hide", hand.session.with_detector(hidden))
    assert not hand.layer.item("d0").isVisible()
    hand.drag((20, 20), (30, 30), (40, 40))
    assert hand.shape == DISK


def test_a_mask_from_a_file_stays_and_the_cursor_says_so(hand: Hand) -> None:
    show(hand, MASK)
    hand.hover((32, 32))
    assert hand.layer.cursor().shape() == Qt.ForbiddenCursor
    hand.drag((32, 32), (34, 34), (36, 36))
    assert hand.shape == MASK
    assert hand.steps == []


@pytest.mark.parametrize(
    ("shape", "at", "cursor"),
    [
        (DISK, (20, 20), Qt.SizeAllCursor),
        (DISK, (20, 28), Qt.SizeHorCursor),
        (DISK, (28, 20), Qt.SizeVerCursor),
        (DISK, (20 + 8 * 0.7071, 20 + 8 * 0.7071), Qt.SizeFDiagCursor),
        (DISK, (20 - 8 * 0.7071, 20 + 8 * 0.7071), Qt.SizeBDiagCursor),
        (RECT, (10, 10), Qt.SizeFDiagCursor),
        (RECT, (10, 50), Qt.SizeBDiagCursor),
        (RECT, (10, 30), Qt.SizeVerCursor),
        (RECT, (20, 50), Qt.SizeHorCursor),
        (SQUARE, (10, 10), Qt.CrossCursor),
        (SQUARE, (10, 30), Qt.SizeAllCursor),
    ],
)
def test_the_cursor_says_what_the_hand_would_do(hand: Hand, shape: AnyShape, at: Any, cursor: Any) -> None:
    show(hand, shape)
    hand.hover(at)
    assert hand.layer.cursor().shape() == cursor
    hand.hover((62, 62))
    assert not hand.layer.hasCursor()


def test_vertices_come_by_double_click_and_go_by_delete_or_right_click(hand: Hand) -> None:
    show(hand, SQUARE)
    hand.double_click((10, 30))
    assert_near(hand.shape, Polygon(points=((10, 10), (10, 30), (10, 50), (50, 50), (50, 10))))
    hand.hover((50, 50))
    hand.key(Qt.Key_Delete)
    assert_near(hand.shape, Polygon(points=((10, 10), (10, 30), (10, 50), (50, 10))))
    hand.click((10, 30), button=Qt.RightButton)
    assert_near(hand.shape, Polygon(points=((10, 10), (10, 50), (50, 10))))
    assert hand.steps == ["Add vertex", "Remove vertex", "Remove vertex"]
    hand.click((10, 50), button=Qt.RightButton)
    assert len(hand.shape.points) == 3


def test_delete_means_a_vertex_only_under_the_pointer(hand: Hand) -> None:
    show(hand, SQUARE)
    hand.hover((30, 30))
    assert not hand.layer.take_key(Qt.Key_Delete)
    hand.hover((10, 10))
    assert hand.layer.take_key(Qt.Key_Delete)
    assert not hand.layer.take_key(Qt.Key_Delete)  # the pointer is not on the vertex that now has its number


def test_a_right_click_asks_for_the_menu_of_a_detector(hand: Hand) -> None:
    show(hand, DISK, RECT, selected=1)
    asked: list[Any] = []
    hand.layer.menu_wanted.connect(lambda id, at: asked.append((id, at)))
    hand.click((20, 15), button=Qt.RightButton)

    assert asked[0][0] == "d1"
    assert isinstance(asked[0][1], QPoint)


def test_terms_are_picked_by_their_outline_and_edited_alone(hand: Hand) -> None:
    hole = Disk(cy=32, cx=32, r=6)
    show(hand, Disk(cy=32, cx=32, r=20) - hole)
    picked: list[Any] = []
    hand.layer.term_changed.connect(picked.append)
    hand.drag((32, 48), (34, 48), (36, 48))
    assert hand.shape == Disk(cy=36, cx=32, r=20) - Disk(cy=36, cx=32, r=6)
    hand.click((36, 38))
    assert hand.layer.term == 1
    hand.drag((36, 32), (30, 32), (26, 32))  # the hole's body, which is outside the detector
    assert hand.shape == Disk(cy=36, cx=32, r=20) - Disk(cy=26, cx=32, r=6)
    hand.layer.nudge(1, 0)
    assert hand.shape == Disk(cy=36, cx=32, r=20) - Disk(cy=27, cx=32, r=6)
    hand.click((50, 32))
    assert hand.layer.term is None
    hand.layer.nudge(1, 0)
    assert hand.shape == Disk(cy=37, cx=32, r=20) - Disk(cy=28, cx=32, r=6)
    assert picked == [1, None]


def test_delete_takes_out_the_picked_term_and_escape_lets_it_go(hand: Hand) -> None:
    show(hand, DISK + RECT)
    hand.click((10, 40))
    assert hand.layer.term == 1
    hand.key(Qt.Key_Escape)
    assert hand.layer.term is None
    hand.click((10, 40))
    hand.key(Qt.Key_Delete)
    assert hand.shape == DISK
    assert hand.layer.term is None
    hand.model.undo_stack.undo()
    assert hand.shape == DISK + RECT


def test_the_picked_term_is_let_go_with_its_detector(hand: Hand) -> None:
    show(hand, DISK + RECT, Disk(cy=50, cx=50, r=5))
    hand.click((10, 40))
    assert hand.layer.term == 1
    hand.click((50, 50))
    assert hand.layer.term is None


def test_nudges_in_a_row_are_one_step(hand: Hand) -> None:
    show(hand, DISK)
    for _ in range(5):
        assert hand.layer.nudge(0.1, 1)
    hand.layer.grow(1)
    assert_near(hand.shape, Disk(cy=20.5, cx=25, r=9))
    assert hand.steps == ["Nudge d0", "Resize d0"]
    hand.model.undo_stack.undo()
    hand.model.undo_stack.undo()
    assert hand.shape == DISK


def test_nothing_selected_is_nothing_nudged(hand: Hand) -> None:
    show(hand, DISK, selected=None)
    assert not hand.layer.nudge(1, 1)
    show(hand, DISK)
    hand.press((20, 20))
    hand.move((30, 30))
    assert not hand.layer.nudge(1, 1)  # the hand has it
    hand.release((30, 30))


def test_items_follow_the_session_and_only_those_that_changed(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    show(hand, DISK, RECT)
    other = hand.layer.item("d1")
    updates = []
    monkeypatch.setattr(other, "update", lambda: updates.append(1))
    hand.layer.nudge(1, 0)
    assert hand.layer.item("d0").detector.shape == Disk(cy=21, cx=20, r=8)
    assert updates == []
    hand.model.edit("Delete", hand.session.without_detector("d0"))
    with pytest.raises(KeyError):
        hand.layer.item("d0")
    assert updates == [1]  # it is the selected one now


def test_handles_sit_where_the_grips_are_and_follow_the_zoom(hand: Hand) -> None:
    show(hand, RECT)

    def places() -> list[Any]:
        return sorted(mark.at for mark in hand.layer.marks)

    def expected() -> list[Any]:
        screen = hand.layer.screen()
        return sorted(screen.point(grip.at) for grip in grips(hand.shape))

    np.testing.assert_allclose(places(), expected())
    hand.viewbox.setRange(xRange=(0, 30), yRange=(0, 30), padding=0)
    hand.settle()
    np.testing.assert_allclose(places(), expected())
    hand.model.look(selected=None)
    assert places() == []


def pixel(image: QImage, hand: Hand, y: float, x: float) -> QColor:
    sx, sy = hand.layer.screen().point((y, x))
    return image.pixelColor(round(sx), round(sy))


def test_what_is_drawn_is_in_the_colour_of_the_detector(hand: Hand) -> None:
    show(hand, DISK, selected=None)
    image = hand.widget.grab().toImage()
    line, halo = pixel(image, hand, 20, 28), pixel(image, hand, 20, 28 + 2.4 / 8)
    assert line.hue() == pytest.approx(QColor("#E69F00").hue(), abs=2)
    assert line.lightness() > 100
    assert halo.lightness() < line.lightness()
    fill, outside = pixel(image, hand, 20, 20), pixel(image, hand, 40, 40)
    assert outside.lightness() < fill.lightness() < line.lightness()


def test_a_hole_is_not_filled_and_a_mask_is(hand: Hand) -> None:
    show(hand, Disk(cy=32, cx=32, r=20) - Disk(cy=32, cx=32, r=8), MASK, selected=None)
    hand.model.edit("Hide", hand.session.with_detector(hand.session.detectors[1].model_copy(update={"visible": False})))
    image = hand.widget.grab().toImage()
    empty = pixel(image, hand, 60, 60)
    assert pixel(image, hand, 32, 32) == empty
    assert pixel(image, hand, 32, 46) != empty
    show(hand, MASK - Disk(cy=32, cx=32, r=2), selected=None)
    image = hand.widget.grab().toImage()
    assert pixel(image, hand, 32, 32) == empty
    assert pixel(image, hand, 28, 28) != empty


def test_a_point_is_seen_however_small_its_pixel_is(hand: Hand) -> None:
    show(hand, Point(y=20, x=20), selected=None)
    hand.viewbox.setRange(xRange=(-500, 500), yRange=(-500, 500), padding=0)
    hand.settle()
    sx, sy = hand.layer.screen().point((20, 20))
    image = hand.widget.grab().toImage()
    around = [image.pixelColor(round(sx + 5 * dx), round(sy + 5 * dy)) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
    assert all(colour.lightness() > 60 and colour.hue() == pytest.approx(41, abs=8) for colour in around)


def test_hiding_the_layer_hides_every_detector(hand: Hand) -> None:
    show(hand)
    bare = hand.widget.grab().toImage()
    show(hand, DISK, RECT)
    assert hand.widget.grab().toImage() != bare
    hand.layer.setVisible(False)
    assert hand.widget.grab().toImage() == bare
    hand.layer.setVisible(True)
    assert hand.widget.grab().toImage() != bare


def test_what_is_under_the_pointer_lights_up(hand: Hand) -> None:
    show(hand, DISK, selected=None)
    before = hand.widget.grab().toImage()
    hand.hover((20, 20))
    assert hand.widget.grab().toImage() != before
    hand.hover((60, 60))
    assert hand.widget.grab().toImage() == before


def test_the_selected_handle_lights_up(hand: Hand) -> None:
    show(hand, RECT)
    hand.hover((10, 10))
    assert [mark.hot for mark in hand.layer.marks].count(True) == 1


def test_a_layer_on_a_session_shows_it_at_once(qapp: Any) -> None:
    detector = Detector(id="a", name="a", colour="#E69F00", shape=DISK)
    hand = Hand(Session(detectors=(detector,), selected="a"))
    try:
        assert hand.layer.item("a").detector == detector
        assert len(hand.layer.marks) == 4
    finally:
        hand.close()
