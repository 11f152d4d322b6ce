"""The numbers of the selected detector, typed and stepped; what counts is the session."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import QPoint, QPointF, Qt
from PyQt5.QtGui import QWheelEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLabel

from ltdesk.geometry import Disk, Ellipse, PixelMask, Point, Polygon, Rectangle, Ring, Sector
from ltdesk.session import Detector, Session
from ltdesk.ui.panels.shape_editor import ShapeEditor
from ltdesk.ui.session_model import SessionModel

SIZE = (64, 96)
RING = Ring(cy=30, cx=40, r_in=5, r_out=10)


def session_of(shape, **more) -> Session:
    detector = Detector(name="BF", colour="#E69F00", shape=shape, **more)
    return Session(detectors=(detector,), selected=detector.id)


@pytest.fixture
def model(qapp) -> SessionModel:
    return SessionModel(session_of(RING))


@pytest.fixture
def editor(model: SessionModel, qtbot):
    editor = ShapeEditor(model)
    qtbot.addWidget(editor)
    editor.set_frame_shape(SIZE)
    editor.resize(280, 300)
    editor.show()
    qtbot.waitExposed(editor)
    yield editor
    editor.counter.close()


def retype(box, text: str) -> None:
    box.setFocus()
    box.selectAll()
    QTest.keyClicks(box, text)


def shape(model: SessionModel):
    return model.session.selected_detector.shape


def warning(editor: ShapeEditor) -> str:
    assert editor.counter.wait()
    return editor.warning.text()


def test_typing_is_live_and_one_step(editor: ShapeEditor, model: SessionModel) -> None:
    seen = []
    model.changed.connect(lambda old, new: seen.append(new.selected_detector.shape.r_out))
    box = editor.sections[0].boxes["r_out"]
    retype(box, "12.5")
    assert seen[-1] == 12.5
    assert len(seen) > 1  # while it was typed
    QTest.keyClick(box, Qt.Key_Return)
    assert model.undo_stack.count() == 1
    assert model.undo_stack.undoText() == "Set outer radius of BF"
    model.undo_stack.undo()
    assert shape(model) == RING
    assert box.value() == 10


def test_the_same_box_edited_twice_is_two_steps(editor: ShapeEditor, model: SessionModel) -> None:
    box = editor.sections[0].boxes["cy"]
    for text in ("20", "21"):
        retype(box, text)
        QTest.keyClick(box, Qt.Key_Return)
    assert model.undo_stack.count() == 2
    model.undo_stack.undo()
    assert shape(model).cy == 20


@pytest.mark.parametrize(("modifier", "step"), [(Qt.NoModifier, 1), (Qt.ShiftModifier, 10), (Qt.ControlModifier, 0.1)])
def test_arrows_step(editor: ShapeEditor, model: SessionModel, modifier, step: float) -> None:
    box = editor.sections[0].boxes["cx"]
    QTest.keyClick(box, Qt.Key_Up, modifier)
    assert shape(model).cx == pytest.approx(40 + step)
    QTest.keyClick(box, Qt.Key_Down, modifier)
    assert shape(model).cx == pytest.approx(40)
    assert model.undo_stack.count() == 1


def turn(box, by: int) -> None:
    place = QPointF(box.rect().center())
    event = QWheelEvent(
        place,
        QPointF(box.mapToGlobal(box.rect().center())),
        QPoint(),
        QPoint(0, by),
        Qt.NoButton,
        Qt.NoModifier,
        Qt.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(box, event)


def test_the_wheel_changes_only_the_number_that_was_clicked(editor: ShapeEditor, model: SessionModel) -> None:
    box = editor.sections[0].boxes["cy"]
    editor.sections[0].boxes["cx"].setFocus()
    turn(box, 120)
    assert shape(model) == RING
    box.setFocus()
    turn(box, 120)
    assert shape(model).cy == 31


def test_numbers_that_make_no_sense_are_refused_with_the_reason(editor: ShapeEditor, model: SessionModel) -> None:
    box = editor.sections[0].boxes["r_in"]
    retype(box, "20")
    assert "outer radius must not be less than inner radius" in editor.warning.text()
    assert shape(model).r_in == 2  # the last that made sense: 2, before 20
    QTest.keyClick(box, Qt.Key_Return)
    assert box.value() == 2
    assert warning(editor) == ""


def test_a_value_with_more_digits_is_not_rounded_by_looking_at_it(editor: ShapeEditor, model: SessionModel) -> None:
    model.edit("Move", model.session.with_detector(_with_shape(model, Ring(cy=1 / 3, cx=2, r_in=1, r_out=2))))
    box = editor.sections[0].boxes["cy"]
    assert box.text() == "0.33"
    box.setFocus()
    editor.sections[0].boxes["cx"].setFocus()
    assert shape(model).cy == 1 / 3


def _with_shape(model: SessionModel, shape) -> Detector:
    return model.session.selected_detector.model_copy(update={"shape": shape})


def test_boxes_follow_a_drag_and_stay_the_same_boxes(editor: ShapeEditor, model: SessionModel) -> None:
    box = editor.sections[0].boxes["cy"]
    model.begin_drag("Move")
    model.drag(model.session.with_detector(_with_shape(model, RING.model_copy(update={"cy": 7.5}))))
    assert editor.sections[0].boxes["cy"] is box
    assert box.text() == "7.5"
    model.end_drag()
    assert model.undo_stack.count() == 1


def test_another_session_ends_a_drag(model: SessionModel) -> None:
    told: list[bool] = []
    model.dragging_changed.connect(told.append)
    model.begin_drag("Move")
    model.open(Session())
    assert told == [True, False]
    assert not model.dragging


def test_pixels_are_counted(editor: ShapeEditor, model: SessionModel) -> None:
    assert editor.counter.wait()
    assert editor.pixels.text() == f"{int(RING.mask(SIZE).sum())} px"
    assert not editor.warning.text()


@pytest.mark.parametrize(
    ("lone", "words"),
    [
        (Disk(cy=-50, cx=-50, r=4), "Empty mask"),
        (Disk(cy=0.5, cx=0.5, r=0.1), "Empty mask"),
        (Disk(cy=0, cx=40, r=1), "Partly outside"),
        (Disk(cy=10, cx=10, r=10.9), ""),
        (Rectangle(y0=0, x0=0, y1=64, x1=96), ""),
        (Rectangle(y0=0, x0=0, y1=64.5, x1=96), "Partly outside"),
        (Sector(cy=0, cx=0, r_in=1, r_out=20, deg0=0, deg1=90), ""),
        (Sector(cy=0, cx=0, r_in=1, r_out=20, deg0=300, deg1=450), "Partly outside"),
        (Ellipse(cy=20, cx=20, ry=2, rx=30, deg=90), "Partly outside"),
        (Polygon(points=((0, 0), (63, 0), (63, 95))), ""),
        (Point(y=63.4, x=0), ""),
    ],
)
def test_empty_and_partly_outside_are_said(editor: ShapeEditor, model: SessionModel, lone, words: str) -> None:
    model.open(session_of(lone))
    assert warning(editor).startswith(words)
    assert bool(warning(editor)) == bool(words)


def test_a_mask_of_another_size_is_said(editor: ShapeEditor, model: SessionModel) -> None:
    model.open(session_of(PixelMask.from_array(np.ones((3, 4), dtype=bool))))
    assert "3x4" in warning(editor)
    assert "64x96" in warning(editor)
    assert any("3 × 4" in label.text() for label in editor.sections[0].findChildren(QLabel))


def test_weight(editor: ShapeEditor, model: SessionModel) -> None:
    retype(editor.weight, "-0.125")
    assert model.session.selected_detector.weight == -0.125
    model.undo_stack.undo()
    assert editor.weight.value() == 1


def test_every_part_of_a_combination_has_its_numbers(editor: ShapeEditor, model: SessionModel) -> None:
    whole = Disk(cy=30, cx=40, r=9) - Disk(cy=30, cx=40, r=3) + Rectangle(y0=0, x0=0, y1=4, x1=4)
    model.open(session_of(whole))
    assert [list(section.boxes) for section in editor.sections] == [
        ["cy", "cx", "r"],
        ["cy", "cx", "r"],
        ["y0", "x0", "y1", "x1"],
    ]
    retype(editor.sections[1].boxes["r"], "4")
    assert [term.shape.kind for term in shape(model).terms] == ["disk", "disk", "rect"]
    assert shape(model).terms[1].shape.r == 4


def choose(combo, index: int) -> None:
    combo.setFocus()
    combo.setCurrentIndex(index)
    combo.activated.emit(index)


def test_the_operator_of_a_part(editor: ShapeEditor, model: SessionModel) -> None:
    model.open(session_of(Disk(cy=30, cx=40, r=9) - Disk(cy=30, cx=40, r=3)))
    assert editor.sections[0].operator is None
    assert editor.sections[1].operator.currentData() == "-"
    choose(editor.sections[1].operator, 2)
    assert shape(model) == Disk(cy=30, cx=40, r=9) & Disk(cy=30, cx=40, r=3)


def test_removing_a_part(editor: ShapeEditor, model: SessionModel) -> None:
    model.open(session_of(Disk(cy=30, cx=40, r=9) - Disk(cy=30, cx=40, r=3)))
    QTest.mouseClick(editor.sections[0].remove, Qt.LeftButton)
    assert shape(model) == Disk(cy=30, cx=40, r=3)
    assert len(editor.sections) == 1


def test_parts_of_a_nested_combination(editor: ShapeEditor, model: SessionModel) -> None:
    nested = Disk(cy=30, cx=40, r=9) - (RING + Disk(cy=1, cx=1, r=1))
    model.open(session_of(nested))
    assert len(editor.sections) == 3
    retype(editor.sections[2].boxes["cy"], "5")
    assert shape(model) == Disk(cy=30, cx=40, r=9) - (RING + Disk(cy=5, cx=1, r=1))


def test_widgets_that_are_used_again_change_what_is_selected_now(editor: ShapeEditor, model: SessionModel) -> None:
    first, second = Disk(cy=30, cx=40, r=9) - Disk(cy=30, cx=40, r=3), RING - (RING & Disk(cy=20, cx=20, r=7))
    model.open(session_of(first))
    was = editor.sections[1]
    model.open(session_of(Disk(cy=1, cx=2, r=3)))
    model.open(session_of(second))
    assert editor.sections[2] is was
    assert was.operator.currentData() == "&"
    assert was.boxes["r"].value() == 7
    retype(was.boxes["r"], "8")
    assert shape(model) == RING - (RING & Disk(cy=20, cx=20, r=8))
    choose(was.operator, 0)
    assert shape(model) == RING - (RING + Disk(cy=20, cx=20, r=8))


def test_tab_goes_on_past_an_operator_whose_list_was_open_once(editor: ShapeEditor, model: SessionModel) -> None:
    model.open(session_of(Disk(cy=30, cx=40, r=9) - Disk(cy=30, cx=40, r=3)))
    editor.sections[1].operator.showPopup()
    editor.sections[1].operator.hidePopup()
    model.open(session_of(RING))
    model.open(session_of(Disk(cy=30, cx=40, r=9) - Disk(cy=30, cx=40, r=5)))
    QApplication.setActiveWindow(editor)
    section = editor.sections[1]
    section.operator.setFocus()
    for following in (section.remove, *section.boxes.values(), editor.weight):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key_Tab)
        assert QApplication.focusWidget() is following


def test_a_mask_that_takes_the_place_of_another_is_told(editor: ShapeEditor, model: SessionModel) -> None:
    for shape in ((3, 4), (5, 6)):
        model.open(session_of(PixelMask.from_array(np.ones(shape, dtype=bool))))
        assert f"{shape[0]} × {shape[1]}" in editor.sections[0].about.text()


def test_tab_leaves_the_table_of_corners(editor: ShapeEditor, model: SessionModel) -> None:
    """It went round the cells for ever."""
    model.open(session_of(Polygon(points=((1, 2), (30, 4), (22.5, 60)))))
    QApplication.setActiveWindow(editor)
    table = editor.sections[0].table
    for backwards in (False, True):
        table.setFocus()
        table.setCurrentCell(1, 0)
        QTest.keyClick(table, Qt.Key_Backtab if backwards else Qt.Key_Tab)
        assert QApplication.focusWidget() is not table


def test_corners_of_a_polygon(editor: ShapeEditor, model: SessionModel) -> None:
    model.open(session_of(Polygon(points=((1, 2), (30, 4), (22.5, 60)))))
    table = editor.sections[0].table
    assert [table.item(2, column).text() for column in range(2)] == ["22.5", "60"]
    table.item(2, 1).setText("61.25")
    assert shape(model).points[2] == (22.5, 61.25)
    table.item(0, 0).setText("nonsense")
    assert shape(model).points[0] == (1, 2)
    assert table.item(0, 0).text() == "1"
    assert "nonsense" in editor.warning.text()


def test_nothing_selected(editor: ShapeEditor, model: SessionModel) -> None:
    model.look(selected=None)
    assert not editor.sections
    assert not editor.weight.isVisible()
    assert "Select a detector" in editor.warning.text()


def test_every_number_has_a_name_and_a_unit(editor: ShapeEditor, model: SessionModel) -> None:
    model.open(session_of(Sector(cy=0, cx=0, r_in=1, r_out=20, deg0=10, deg1=90)))
    boxes = editor.sections[0].boxes
    assert boxes["deg0"].text() == "10°"
    assert boxes["r_in"].text() == "1"
    assert all(box.accessibleName() and box.toolTip() for box in boxes.values())
