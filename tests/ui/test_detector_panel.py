"""The list of detectors, driven by mouse and keys; what counts is the session."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QPoint, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLineEdit, QMenu

from ltdesk.geometry import Disk, Ring
from ltdesk.session import OKABE_ITO, Detector, Session
from ltdesk.ui.panels.detector_list import COLOUR, MIME, NAME, VISIBLE, WEIGHT, DetectorList
from ltdesk.ui.panels.detector_panel import DetectorPanel
from ltdesk.ui.panels.number_box import NumberBox
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes.detector_edits import Operator


def detector(name: str, colour: str = "#E69F00", **more) -> Detector:
    return Detector(name=name, colour=colour, shape=Disk(cy=10, cx=12, r=5), **more)


@pytest.fixture
def model(qapp) -> SessionModel:
    detectors = tuple(detector(name) for name in ("BF", "ADF", "g1"))
    return SessionModel(Session(detectors=detectors, selected=detectors[0].id))


@pytest.fixture
def panel(model: SessionModel, qtbot) -> DetectorPanel:
    panel = DetectorPanel(model)
    qtbot.addWidget(panel)
    panel.set_frame_shape((64, 96))
    panel.resize(280, 400)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


def spot(panel: DetectorPanel, row: int, column: int) -> QPoint:
    return panel.view.visualRect(panel.rows.index(row, column)).center()


def click(panel: DetectorPanel, row: int, column: int = NAME, modifier=Qt.NoModifier) -> None:
    QTest.mouseClick(panel.view.viewport(), Qt.LeftButton, modifier, spot(panel, row, column))


def double_click(panel: DetectorPanel, row: int, column: int) -> None:
    click(panel, row, column)
    QTest.mouseDClick(panel.view.viewport(), Qt.LeftButton, Qt.NoModifier, spot(panel, row, column))


def press(panel: DetectorPanel, button) -> None:
    QTest.mouseClick(button, Qt.LeftButton)


def finish(editor) -> None:
    """Return, and what Qt puts off until after it."""
    QTest.keyClick(editor, Qt.Key_Return)
    QApplication.processEvents()


def names(model: SessionModel) -> list[str]:
    return [d.name for d in model.session.detectors]


def open_menu(panel: DetectorPanel) -> QMenu:
    return next(menu for menu in panel.findChildren(QMenu) if menu.isVisible())


def test_a_click_selects(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 1)
    assert model.session.selected_detector.name == "ADF"
    assert model.undo_stack.count() == 0


def test_the_list_follows_the_session(panel: DetectorPanel, model: SessionModel) -> None:
    model.look(selected=model.session.detectors[2].id)
    assert panel.view.currentIndex().row() == 2
    model.edit("Add", model.session.with_detector(detector("new")))
    assert panel.rows.rowCount() == 4
    assert panel.view.currentIndex().row() == 3
    model.undo_stack.undo()
    assert panel.rows.rowCount() == 3
    assert [d.name for d in panel.chosen()] == [model.session.selected_detector.name]


def test_the_eye_hides_and_shows(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 1, VISIBLE)
    assert [d.visible for d in model.session.detectors] == [True, False, True]
    click(panel, 1, VISIBLE)
    assert model.session.detectors[1].visible
    assert model.undo_stack.count() == 2
    assert model.undo_stack.undoText() == "Show ADF"


def test_space_hides_the_current_one(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 2)
    QTest.keyClick(panel.view, Qt.Key_Space)
    assert not model.session.detectors[2].visible


def start_renaming(panel: DetectorPanel, row: int) -> QLineEdit:
    double_click(panel, row, NAME)
    return panel.view.viewport().findChild(QLineEdit)


def test_rename_in_place(panel: DetectorPanel, model: SessionModel) -> None:
    editor = start_renaming(panel, 1)
    QTest.keyClicks(editor, "HAADF")
    finish(editor)
    assert names(model) == ["BF", "HAADF", "g1"]
    assert model.undo_stack.undoText() == "Rename ADF to HAADF"


@pytest.mark.parametrize(
    ("typed", "reason"), [("valid", "reserved"), ("BF", "taken"), ("a b", "letters"), ("ß", "letters")]
)
def test_a_name_that_makes_no_sense_is_refused_with_the_reason(
    panel: DetectorPanel, model: SessionModel, typed: str, reason: str
) -> None:
    editor = start_renaming(panel, 1)
    QTest.keyClicks(editor, typed)
    assert reason in editor.accessibleDescription()
    assert editor.property("wrong") is True
    finish(editor)
    assert editor.isVisible()  # Return does not take it: the user can go on
    panel.view.setFocus()  # leaving does not take it either
    assert names(model) == ["BF", "ADF", "g1"]


def test_a_name_that_is_set_otherwise_is_refused_with_a_message(panel: DetectorPanel, model: SessionModel) -> None:
    assert not panel.rows.setData(panel.rows.index(1, NAME), "recipe")
    assert panel.message.isVisible()
    assert "reserved" in panel.message.text()
    assert panel.rows.setData(panel.rows.index(1, NAME), "fine")
    assert not panel.message.isVisible()


def test_escape_leaves_the_name_alone(panel: DetectorPanel, model: SessionModel) -> None:
    editor = start_renaming(panel, 1)
    QTest.keyClicks(editor, "other")
    QTest.keyClick(editor, Qt.Key_Escape)
    assert names(model) == ["BF", "ADF", "g1"]
    assert model.undo_stack.count() == 0


def test_f2_renames_whatever_column_is_current(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 2, VISIBLE)
    QTest.keyClick(panel.view, Qt.Key_F2)
    editor = panel.view.viewport().findChild(QLineEdit)
    QTest.keyClicks(editor, "spot")
    finish(editor)
    assert names(model)[2] == "spot"


def test_weight_in_place(panel: DetectorPanel, model: SessionModel) -> None:
    press(panel, panel.weight_button)
    box = panel.view.viewport().findChild(NumberBox)
    QTest.keyClicks(box, "-0.25")
    finish(box)
    assert model.session.detectors[0].weight == -0.25
    assert panel.rows.index(0, WEIGHT).data() == "×−0.25"
    assert model.undo_stack.count() == 1


def test_leaving_the_weight_editor_does_not_round(panel: DetectorPanel, model: SessionModel) -> None:
    third = model.session.detectors[0].model_copy(update={"weight": 1 / 3})
    model.edit("Weight", model.session.with_detector(third))
    press(panel, panel.weight_button)
    finish(panel.view.viewport().findChild(NumberBox))
    assert model.session.detectors[0].weight == 1 / 3


def test_a_colour_from_the_menu(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 0, COLOUR)
    menu = open_menu(panel)
    assert [action.isChecked() for action in menu.actions()[:7]] == [True] + [False] * 6
    menu.actions()[4].trigger()
    menu.close()
    assert model.session.detectors[0].colour == OKABE_ITO[4]


def test_any_other_colour(panel: DetectorPanel, model: SessionModel) -> None:
    from PyQt5.QtGui import QColor
    from PyQt5.QtWidgets import QColorDialog

    click(panel, 0, COLOUR)
    menu = open_menu(panel)
    menu.actions()[-1].trigger()
    menu.close()
    dialog = panel.findChild(QColorDialog)
    dialog.setCurrentColor(QColor("#123456"))
    dialog.accept()
    assert model.session.detectors[0].colour == "#123456"


@pytest.mark.parametrize("place", range(7))
def test_add_each_kind_of_shape(panel: DetectorPanel, model: SessionModel, place: int) -> None:
    action = panel.add_button.menu().actions()[place]
    action.trigger()
    new = model.session.selected_detector
    assert new == model.session.detectors[3]
    assert new.colour in OKABE_ITO
    assert new.colour != model.session.detectors[0].colour
    assert new.shape.mask((64, 96)).any()


def test_a_first_detector_stands_in_the_middle_of_the_frame(qtbot) -> None:
    model = SessionModel()
    panel = DetectorPanel(model)
    qtbot.addWidget(panel)
    assert not panel.add_button.isEnabled()
    panel.set_frame_shape((64, 96))
    panel.add("disk")
    assert model.session.detectors[0].shape == Disk(cy=31.5, cx=47.5, r=8)


def test_a_mask_is_asked_for(panel: DetectorPanel, qtbot) -> None:
    with qtbot.waitSignal(panel.mask_wanted):
        panel.add_button.menu().actions()[-1].trigger()


def test_duplicate(panel: DetectorPanel, model: SessionModel) -> None:
    press(panel, panel.duplicate_button)
    assert names(model) == ["BF", "BF2", "ADF", "g1"]
    assert model.session.detectors[1].shape == Disk(cy=14, cx=16, r=5)
    assert model.session.selected == model.session.detectors[1].id
    press(panel, panel.duplicate_button)
    assert "BF3" in names(model)


def test_delete_several_in_one_step(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 0)
    click(panel, 1, modifier=Qt.ControlModifier)
    press(panel, panel.delete_button)
    assert names(model) == ["g1"]
    assert model.session.selected_detector.name == "g1"
    model.undo_stack.undo()
    assert names(model) == ["BF", "ADF", "g1"]


@pytest.mark.parametrize("operator", ["+", "-", "&"])
def test_combine_the_chosen_rows(panel: DetectorPanel, model: SessionModel, operator: Operator) -> None:
    first, second, _ = model.session.detectors
    ring = second.model_copy(update={"shape": Ring(cy=10, cx=12, r_in=3, r_out=9)})
    model.edit("Ring", model.session.with_detector(ring))
    click(panel, 0)
    click(panel, 1, modifier=Qt.ControlModifier)
    press(panel, panel.combine_buttons[operator])
    assert names(model) == ["BF", "g1"]
    expected = {"+": first.shape + ring.shape, "-": first.shape - ring.shape, "&": first.shape & ring.shape}
    assert model.session.detectors[0].shape == expected[operator]
    assert model.session.selected == first.id


def test_with_one_row_chosen_combine_asks_for_the_other(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 2)
    press(panel, panel.combine_buttons["-"])
    menu = open_menu(panel)
    assert [action.text() for action in menu.actions()] == ["g1 − BF", "g1 − ADF"]
    menu.actions()[0].trigger()
    menu.close()
    assert names(model) == ["ADF", "g1"]
    assert [term.op for term in model.session.detectors[1].shape.terms] == ["+", "-"]


def test_split_undoes_combine(panel: DetectorPanel, model: SessionModel) -> None:
    assert not panel.split_button.isEnabled()
    click(panel, 0)
    click(panel, 1, modifier=Qt.ControlModifier)
    press(panel, panel.combine_buttons["+"])
    press(panel, panel.split_button)
    shapes = [d.shape for d in model.session.detectors]
    assert len(shapes) == 3
    assert all(isinstance(shape, Disk) for shape in shapes)


def test_rows_are_reordered_by_dragging(panel: DetectorPanel, model: SessionModel) -> None:
    ids = [d.id for d in model.session.detectors]
    dragged = panel.rows.mimeData([panel.rows.index(2, column) for column in range(4)])
    assert bytes(dragged.data(MIME)).decode() == ids[2]
    assert panel.rows.dropMimeData(dragged, Qt.MoveAction, 0, 0, panel.view.rootIndex()) is False
    assert names(model) == ["g1", "BF", "ADF"]
    panel.rows.dropMimeData(dragged, Qt.MoveAction, -1, -1, panel.view.rootIndex())  # below the last row
    assert names(model) == ["BF", "ADF", "g1"]
    assert model.undo_stack.count() == 2


def test_renaming_goes_on_while_another_detector_is_dragged(panel: DetectorPanel, model: SessionModel) -> None:
    """A change of shape must not close the editor, as a reset of the list would."""
    editor = start_renaming(panel, 1)
    moved = model.session.detectors[0].model_copy(update={"shape": Disk(cy=1, cx=2, r=3)})
    model.edit("Move", model.session.with_detector(moved))
    assert editor.isVisible()


def test_everything_has_a_name_and_a_tip(panel: DetectorPanel) -> None:
    from PyQt5.QtWidgets import QToolButton

    for button in panel.findChildren(QToolButton):
        assert button.accessibleName()
        assert button.toolTip()
    assert panel.rows.index(0, NAME).data(Qt.AccessibleTextRole) == "BF, disk:10,12,5"
    assert panel.rows.index(0, VISIBLE).data(Qt.AccessibleTextRole) == "BF, shown"


def test_the_context_menu_duplicates(panel: DetectorPanel, model: SessionModel) -> None:
    click(panel, 1)
    panel.view.customContextMenuRequested.emit(spot(panel, 1, NAME))
    menu = open_menu(panel)
    next(action for action in menu.actions() if action.text() == "Duplicate").trigger()
    menu.close()
    assert names(model) == ["BF", "ADF", "ADF2", "g1"]


def drag_to(model: SessionModel, cy: float) -> None:
    moved = model.session.selected_detector.model_copy(update={"shape": Disk(cy=cy, cx=12, r=5)})
    model.drag(model.session.with_detector(moved))


@pytest.mark.parametrize("end", ["rest", "let go", "abandon"])
def test_words_follow_a_drag_calmly_and_end_right(model: SessionModel, qtbot, monkeypatch, end: str) -> None:
    """A quick hand's places are not all told; the last is, whether the hand rests, lets go or takes it back."""
    monkeypatch.setattr("ltdesk.ui.panels.calm.INTERVAL", 1 if end == "rest" else 3_600_000)
    rows, told = DetectorList(model), []
    rows.dataChanged.connect(lambda first, _: told.append(rows.detector(first).shape.cy))
    model.begin_drag("Move")
    for cy in range(11, 61):
        drag_to(model, float(cy))
    assert told[0] == 11
    {"rest": lambda: None, "let go": model.end_drag, "abandon": model.abandon_drag}[end]()
    if end == "rest":
        qtbot.waitUntil(lambda: told[-1] == 60, timeout=5000)
    else:
        assert told == [11, 10 if end == "abandon" else 60]
        drag_to(model, 20.0)
        assert told[-1] == 20, "an edit by itself is told at once"
