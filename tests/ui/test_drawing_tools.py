"""Drawing on the frame with the mouse, asserted on the session."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import Qt

from ltdesk.geometry import Combination, Disk, Ellipse, Point, Polygon, Rectangle, Ring, Term
from ltdesk.session import OKABE_ITO, Detector, Session
from ltdesk.ui.shapes.tools import HINTS, Tool
from tests.ui.hand import Hand

BASE = Detector(id="base", name="base", colour="#E69F00", shape=Disk(cy=50, cx=50, r=6))


@pytest.fixture
def hand(qapp: Any) -> Iterator[Hand]:
    hand = Hand()
    yield hand
    hand.close()


def test_a_disk_grows_under_the_hand_as_one_step(hand: Hand) -> None:
    hand.tools.choose("disk")
    seen = []
    hand.model.changed.connect(lambda old, new: seen.append([d.shape for d in new.detectors]))
    hand.drag((20, 20), (20, 24), (20, 28), (20, 30))
    assert seen == [[Disk(cy=20, cx=20, r=r)] for r in (4, 8, 10)]
    (detector,) = hand.session.detectors
    assert (detector.name, detector.colour) == ("disk", OKABE_ITO[0])
    assert hand.session.selected == detector.id
    assert hand.steps == ["Draw disk"]
    assert hand.tools.tool is Tool.SELECT
    hand.model.undo_stack.undo()
    assert hand.session.detectors == ()
    hand.model.undo_stack.redo()
    assert hand.shape == Disk(cy=20, cx=20, r=10)


@pytest.mark.parametrize(
    ("tool", "path", "expected"),
    [
        ("point", [(20, 20), (21, 21), (30, 40)], Point(y=30, x=40)),
        ("ring", [(32, 32), (32, 40), (32, 52)], Ring(cy=32, cx=32, r_in=10, r_out=20)),
        ("rect", [(40, 50), (30, 40), (10, 20)], Rectangle(y0=10, x0=20, y1=40, x1=50)),
        ("ellipse", [(10, 10), (20, 20), (30, 50)], Ellipse(cy=20, cx=30, ry=10, rx=20)),
    ],
)
def test_each_shape_is_one_drag(hand: Hand, tool: str, path: list[Any], expected: Any) -> None:
    hand.tools.choose(tool)
    hand.drag(*path)
    assert hand.shape == expected
    assert hand.session.detectors[0].name == tool
    assert hand.steps == [f"Draw {tool}"]


def test_a_sector_opens_around_the_direction_of_the_drag(hand: Hand) -> None:
    hand.tools.choose("sector")
    hand.drag((32, 32), (32, 40), (52, 32))
    assert (hand.shape.r_in, hand.shape.r_out) == (10, 20)
    assert (hand.shape.deg0, hand.shape.deg1) == pytest.approx((60, 120))


def test_ctrl_draws_the_inner_radius_in_the_same_drag(hand: Hand) -> None:
    hand.tools.choose("ring")
    hand.press((32, 32))
    hand.move((32, 52))
    hand.move((32, 40), keys=Qt.ControlModifier)
    assert hand.shape == Ring(cy=32, cx=32, r_in=8, r_out=20)
    hand.move((32, 56))
    assert hand.shape == Ring(cy=32, cx=32, r_in=8, r_out=24)
    hand.release((32, 56))
    assert hand.steps == ["Draw ring"]


def test_shift_draws_squares_and_circles(hand: Hand) -> None:
    hand.tools.choose("rect")
    hand.drag((10, 10), (20, 30), (20, 40), keys=Qt.ShiftModifier)
    assert hand.shape == Rectangle(y0=10, x0=10, y1=40, x1=40)
    hand.tools.choose("ellipse")
    hand.drag((30, 10), (40, 20), (40, 30), keys=Qt.ShiftModifier)
    assert hand.shape == Ellipse(cy=40, cx=20, ry=10, rx=10)


@pytest.mark.parametrize("tool", ["point", "disk", "ring", "sector", "rect", "ellipse"])
def test_a_click_makes_a_shape_of_a_handy_size(hand: Hand, tool: str) -> None:
    hand.tools.choose(tool)
    hand.click((32, 32))
    assert hand.shape.kind == tool
    count = np.count_nonzero(hand.shape.mask((64, 64)))
    assert count == 1 if tool == "point" else 100 < count < 1000
    assert hand.steps == [f"Draw {tool}"]


def chosen(hand: Hand) -> str:
    return hand.tools.tool.value


def test_a_tool_may_stay(hand: Hand) -> None:
    hand.tools.choose(Tool.DISK, stay=True)
    hand.click((20, 20))
    hand.click((40, 40))
    assert [d.name for d in hand.session.detectors] == ["disk", "disk2"]
    assert [d.colour for d in hand.session.detectors] == list(OKABE_ITO[:2])
    assert chosen(hand) == "disk"
    hand.key(Qt.Key_Escape)
    assert hand.tools.tool is Tool.SELECT


def test_what_is_drawn_is_what_is_shown(hand: Hand) -> None:
    hand.model.look(shown="com_y")
    hand.tools.choose("disk")
    hand.click((20, 20))
    assert hand.session.shown == "detector"
    hand.model.look(shown="composite")
    hand.tools.choose("disk")
    hand.click((40, 40))
    assert hand.session.shown == "composite"


def test_drawing_goes_over_detectors_that_are_there(hand: Hand) -> None:
    hand.model.open(Session(detectors=(BASE,), selected="base"))
    hand.tools.choose("disk")
    hand.drag((50, 50), (50, 54), (50, 60))
    assert [d.shape for d in hand.session.detectors] == [BASE.shape, Disk(cy=50, cx=50, r=10)]


def corners(hand: Hand, *places: Any) -> None:
    hand.tools.choose("polygon")
    for at in places:
        hand.click(at)


def test_a_polygon_is_drawn_by_clicks_and_follows_the_pointer(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50))
    assert hand.session.detectors == ()
    hand.hover((50, 50))
    assert hand.shape == Polygon(points=((10, 10), (10, 50), (50, 50)))
    hand.click((50, 50))
    hand.hover((50, 10))
    assert hand.shape == Polygon(points=((10, 10), (10, 50), (50, 50), (50, 10)))
    hand.key(Qt.Key_Return)
    assert hand.shape == Polygon(points=((10, 10), (10, 50), (50, 50)))
    assert hand.steps == ["Draw polygon"]
    assert hand.tools.tool is Tool.SELECT
    assert hand.tools.guide == []


def test_a_double_click_closes_a_polygon_at_its_place(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50))
    hand.double_click((50, 50))
    assert hand.shape == Polygon(points=((10, 10), (10, 50), (50, 50)))
    assert not hand.model.dragging


def test_a_click_on_the_first_corner_closes_a_polygon(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50), (50, 50))
    hand.hover((10.5, 10.5))
    assert hand.layer.marks[1].hot
    hand.click((10.5, 10.5))
    assert hand.shape == Polygon(points=((10, 10), (10, 50), (50, 50)))


def test_a_right_click_closes_a_polygon(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50), (50, 50))
    hand.click((30, 12), button=Qt.RightButton)
    assert hand.shape == Polygon(points=((10, 10), (10, 50), (50, 50)))
    assert hand.steps == ["Draw polygon"]


def test_a_right_click_with_a_tool_in_hand_edits_nothing(hand: Hand) -> None:
    square = Polygon(points=((10, 10), (10, 50), (50, 50), (50, 10)))
    hand.model.open(Session(detectors=(BASE.model_copy(update={"shape": square}),), selected="base"))
    hand.tools.choose("disk")
    hand.click((10, 10), button=Qt.RightButton)
    assert hand.shape == square


def test_a_polygon_of_two_corners_is_not_closed(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50))
    hand.key(Qt.Key_Return)
    hand.click((10, 10))  # a triangle without area, but three corners
    assert hand.tools.drawing
    hand.key(Qt.Key_Escape)
    assert hand.session.detectors == ()


def test_backspace_takes_a_corner_back(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50), (50, 50), (50, 10))
    hand.key(Qt.Key_Backspace)
    hand.key(Qt.Key_Return)
    assert hand.shape == Polygon(points=((10, 10), (10, 50), (50, 50)))


def test_backspace_to_the_end_leaves_nothing(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50), (50, 50))
    for left in (2, 1, 0):
        hand.key(Qt.Key_Backspace)
        assert len(hand.tools.guide) == (left + 1 if left else 0)
    assert hand.session.detectors == ()
    assert not hand.model.dragging
    assert hand.tools.tool is Tool.POLYGON
    assert not hand.tools.take_key(Qt.Key_Backspace)


def test_escape_abandons_what_is_drawn_and_then_the_tool(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50), (50, 50))
    hand.key(Qt.Key_Escape)
    assert hand.session.detectors == ()
    assert hand.steps == []
    assert chosen(hand) == "polygon"
    hand.key(Qt.Key_Escape)
    assert hand.tools.tool is Tool.SELECT
    assert not hand.tools.take_key(Qt.Key_Escape)


def test_escape_in_mid_drag_abandons_the_shape(hand: Hand) -> None:
    hand.tools.choose("disk")
    hand.press((20, 20))
    hand.move((20, 30))
    hand.key(Qt.Key_Escape)
    assert hand.session.detectors == ()
    hand.move((20, 40))
    hand.release((20, 40))
    assert hand.session.detectors == ()
    assert hand.steps == []


def test_another_tool_abandons_what_is_drawn(hand: Hand) -> None:
    corners(hand, (10, 10), (10, 50), (50, 50))
    hand.tools.choose("disk")
    assert hand.session.detectors == ()
    assert not hand.model.dragging
    assert hand.tools.guide == []


def test_a_drag_that_somebody_else_ends_is_over(hand: Hand) -> None:
    hand.tools.choose("disk")
    hand.press((20, 20))
    hand.move((20, 30))
    hand.model.abandon_drag()
    hand.move((20, 40))
    hand.release((20, 40))
    assert hand.session.detectors == ()
    corners(hand, (10, 10), (10, 50), (50, 50))
    hand.model.open(Session())
    hand.hover((20, 20))
    assert hand.session.detectors == ()
    assert hand.tools.guide == []


def test_freehand_is_an_outline_of_few_corners(hand: Hand) -> None:
    circle = [(32 + 16 * math.sin(t), 32 + 16 * math.cos(t)) for t in np.linspace(0, 2 * math.pi, 200)]
    hand.tools.choose("freehand")
    hand.drag(*circle)
    assert isinstance(hand.shape, Polygon)
    assert 8 < len(hand.shape.points) < 60
    wrong = hand.shape.mask((64, 64)) != Disk(cy=32, cx=32, r=16).mask((64, 64))
    assert np.count_nonzero(wrong) < 30
    assert hand.session.detectors[0].name == "freehand"
    assert hand.steps == ["Draw freehand"]


def test_a_click_with_freehand_draws_nothing(hand: Hand) -> None:
    hand.tools.choose("freehand")
    hand.click((20, 20))
    assert hand.session.detectors == ()
    assert not hand.model.dragging


@pytest.mark.parametrize("op", ["+", "-", "&"])
def test_what_is_drawn_may_join_the_selected_detector(hand: Hand, op: Any) -> None:
    hand.model.open(Session(detectors=(BASE,), selected="base"))
    said: list[str] = []
    hand.tools.combine_changed.connect(said.append)
    hand.tools.set_combine(op)
    hand.tools.choose("disk")
    hand.drag((20, 20), (20, 25), (20, 30))
    (detector,) = hand.session.detectors
    terms = (Term(op="+", shape=BASE.shape), Term(op=op, shape=Disk(cy=20, cx=20, r=10)))
    assert detector == BASE.model_copy(update={"shape": Combination(terms=terms)})
    assert len(hand.steps) == 1
    assert hand.layer.term == 1  # the new part is at hand
    assert (hand.tools.combine, said) == ("new", [op, "new"])
    hand.model.undo_stack.undo()
    assert hand.session.detectors == (BASE,)


@pytest.mark.parametrize("pressed", ["new", "-"])
def test_how_to_draw_chosen_while_drawing_is_for_the_next_shape(hand: Hand, pressed: Any) -> None:
    hand.model.open(Session(detectors=(BASE,), selected="base"))
    hand.tools.set_combine("+")
    hand.tools.choose("disk")
    hand.hover((20, 20))
    hand.press((20, 20))
    hand.move((20, 25))
    hand.tools.set_combine(pressed)
    hand.move((20, 30))
    hand.release((20, 30))
    (detector,) = hand.session.detectors
    terms = (Term(op="+", shape=BASE.shape), Term(op="+", shape=Disk(cy=20, cx=20, r=10)))
    assert detector.shape == Combination(terms=terms)
    assert hand.tools.combine == pressed


def test_with_nothing_selected_what_is_drawn_is_new(hand: Hand) -> None:
    hand.model.open(Session(detectors=(BASE,)))
    hand.tools.set_combine("-")
    hand.tools.choose("disk")
    hand.click((20, 20))
    assert len(hand.session.detectors) == 2


def test_a_polygon_and_a_default_shape_join_too(hand: Hand) -> None:
    hand.model.open(Session(detectors=(BASE,), selected="base"))
    hand.tools.set_combine("+")
    corners(hand, (10, 10), (10, 50), (50, 50))
    hand.key(Qt.Key_Return)
    hand.tools.set_combine("-")
    hand.tools.choose("disk")
    hand.click((30, 30))
    (detector,) = hand.session.detectors
    assert isinstance(detector.shape, Combination)
    assert [(term.op, term.shape.kind) for term in detector.shape.terms] == [
        ("+", "disk"), ("+", "polygon"), ("-", "disk"),
    ]  # fmt: skip


def test_a_hidden_detector_that_is_added_to_is_shown(hand: Hand) -> None:
    hand.model.open(Session(detectors=(BASE.model_copy(update={"visible": False}),), selected="base"))
    hand.tools.set_combine("+")
    hand.tools.choose("disk")
    hand.click((20, 20))
    assert hand.session.detectors[0].visible


def test_the_cursor_is_a_cross_while_drawing(hand: Hand) -> None:
    hand.tools.choose("disk")
    assert hand.layer.cursor().shape() == Qt.CrossCursor
    hand.hover((20, 20))
    hand.tools.choose("select")
    assert not hand.layer.hasCursor()


def test_every_tool_says_what_it_does() -> None:
    assert set(HINTS) == set(Tool)
    assert "Ctrl" in HINTS[Tool.RING]


def test_moves_stay_well_under_the_time_of_a_frame(hand: Hand) -> None:
    """A move is geometry and a few painter paths: 0.2 ms of the processor were measured, 5 ms leave room."""
    many = tuple(BASE.model_copy(update={"id": str(i), "name": f"d{i}"}) for i in range(10))
    hand.model.open(Session(detectors=many))
    hand.tools.choose("ring")
    hand.press((20, 20))
    times = []
    for n in range(40):
        before = time.thread_time()
        hand.move((20, 25 + n / 4))
        times.append(time.thread_time() - before)
    hand.release((20, 35))
    assert sorted(times)[len(times) // 2] < 0.005
