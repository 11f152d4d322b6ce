"""Every action can be found and reached by keys, and what all of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt5.QtCore import QPointF, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QLineEdit, QMessageBox

from ltdesk.ui.commands.action_words import plain
from ltdesk.ui.commands.actions import SPECS
from ltdesk.ui.dialogs.command_palette import CommandPalette
from ltdesk.ui.dialogs.shortcuts_dialog import ShortcutsDialog
from ltdesk.ui.look import style
from ltdesk.ui.panels.number_box import NumberBox
from ltdesk.ui.shapes.tools import Tool
from tests.ui.fakes import counts
from tests.ui.picture_hand import drag
from tests.ui.user import User, write_scan

FRAMES = counts((8, 6), (24, 20))


@pytest.fixture
def user(qapp: object, tmp_path: Path) -> Iterator[User]:
    user = User()
    user.open(write_scan(tmp_path / "scan.h5", FRAMES))
    yield user
    user.close()


def test_every_action_has_keys_of_its_own_and_a_tip(user: User) -> None:
    actions = list(user.window.actions_by_name)
    assert len(actions) == len(SPECS)
    keys = Counter(key.toString() for action in actions for key in action.shortcuts())
    assert not [key for key, count in keys.items() if count > 1 or not key]
    for action in actions:
        assert action.shortcuts(), action.objectName()
        assert len(action.statusTip()) > 10, action.objectName()
        assert action.shortcut().toString() in action.toolTip(), action.objectName()


def test_every_action_is_in_a_menu(user: User) -> None:
    def under(menu: object) -> Iterator[str]:
        for action in menu.actions():
            yield action.objectName()
            if action.menu() is not None:
                yield from under(action.menu())

    found = {name for bar_action in user.window.menuBar().actions() for name in under(bar_action.menu())}
    assert {spec.name for spec in SPECS} <= found


def test_menus_have_no_two_letters_alike(user: User) -> None:
    alike = []
    for bar_action in user.window.menuBar().actions():
        texts = [action.text().replace("&&", "") for action in bar_action.menu().actions()]
        letters = Counter(text[text.index("&") + 1].lower() for text in texts if "&" in text)
        alike += [(plain(bar_action.text()), letter) for letter, count in letters.items() if count > 1]
    assert not alike


def test_every_control_has_a_name_for_screen_readers(user: User) -> None:
    for kind in (QAbstractButton, QAbstractSpinBox):
        for widget in user.window.findChildren(kind):
            name = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")
            parent = type(widget.parent()).__name__
            if parent in ("QToolBar", "QScrollBar", "QLineEdit") or widget.objectName().startswith("qt_"):
                continue
            assert name, (type(widget).__name__, parent, widget.toolTip())


@pytest.mark.parametrize("tool", list(Tool))
def test_the_tools_keys_take_them_in_hand(user: User, tool: Tool) -> None:
    user.trigger(f"tool_{tool}")
    assert user.desk.tools.tool is tool
    assert user.window.actions_by_name[f"tool_{tool}"].isChecked()
    assert user.window.job_bar.hint.whole_text()
    user.trigger("stop")
    assert user.desk.tools.tool is Tool.SELECT
    assert user.window.actions_by_name["tool_select"].isChecked()


def test_letters_go_into_a_line_and_not_to_the_tools(user: User) -> None:
    line = QLineEdit(user.window.work)
    line.show()
    line.setFocus()
    QTest.keyClicks(line, "drum")
    assert line.text() == "drum"
    assert user.desk.tools.tool is Tool.SELECT


def test_the_palette_finds_and_does(user: User) -> None:
    user.trigger("palette")
    palette = user.window.findChild(CommandPalette)
    QTest.keyClicks(palette.line, "composite")
    QTest.keyClick(palette.line, Qt.Key_Return)
    user.settle()
    assert user.session.shown == "composite"


def test_f1_lists_every_action(user: User) -> None:
    user.trigger("shortcuts")
    dialog = user.window.findChild(ShortcutsDialog)
    listed = {what for _, what, _ in dialog.rows()}
    assert {plain(spec.text).rstrip("…") for spec in SPECS} <= {*listed, "Undo", "Redo"}
    dialog.close()


def test_about_tells_the_licence(user: User) -> None:
    user.trigger("about")
    box = user.window.findChild(QMessageBox)
    assert "General Public License" in box.text()
    box.close()


def test_the_theme_changes_as_a_whole(user: User, qtbot) -> None:
    user.trigger("theme_light")
    assert not style.current().is_dark
    assert not user.window.updatesEnabled()  # nothing is seen of the steps between
    qtbot.waitUntil(user.window.updatesEnabled)
    assert user.window.palette().window().color().lightness() > 128
    assert style.LIGHT.window in QApplication.instance().styleSheet()
    user.trigger("theme_dark")
    user.trigger("theme_light")
    user.trigger("theme_dark")
    qtbot.waitUntil(user.window.updatesEnabled)
    assert style.current().is_dark
    assert user.window.palette().window().color().lightness() < 128
    assert style.DARK.window in QApplication.instance().styleSheet()


def test_the_panel_comes_and_goes(user: User) -> None:
    user.trigger("panel")
    assert not user.window.panel.isVisible()
    user.trigger("panel")
    assert user.window.panel.isVisible()


def test_what_has_nothing_to_act_on_cannot_be_called_and_says_why(user: User) -> None:
    """They were enabled, and did nothing without a word."""
    actions = user.window.actions_by_name

    def refused(name: str) -> str:
        keys = actions[name].shortcut().toString()
        assert actions[name].toolTip().startswith(f"{actions[name].statusTip()} ({keys})")
        why = actions[name].toolTip().partition("\n")[2]
        assert actions[name].isEnabled() == (not why), name
        return why

    assert refused("split") == "The selected detector is not combined."
    assert refused("join") == "There is only one detector."
    assert refused("remove_analysis") == refused("next_analysis") == "Add an analysis first."
    assert not any(refused(name) for name in ("delete", "duplicate", "rename", "weight", "grow"))
    user.trigger("duplicate")
    user.trigger("show_com")
    assert not any(refused(name) for name in ("join", "next_detector", "remove_analysis", "next_analysis"))
    for _ in range(2):
        user.trigger("delete")
    for name in ("split", "join", "delete", "duplicate", "rename", "weight", "grow", "visible"):
        assert refused(name) == "Draw a detector first."
    user.trigger("undo")
    assert not refused("duplicate")
    user.trigger("close")
    assert not actions["duplicate"].isEnabled()


def test_nothing_can_be_added_to_a_scan_that_is_not_there(qapp: object, tmp_path: Path) -> None:
    user = User()
    menu = user.window.analyses.add_menu
    assert not menu.menuAction().isEnabled()
    assert not any(action.isEnabled() for action in menu.actions())
    user.open(write_scan(tmp_path / "scan.h5", FRAMES))
    assert menu.menuAction().isEnabled()
    assert all(action.isEnabled() for action in menu.actions())
    user.close()


def test_a_panel_that_was_dragged_shut_comes_back(user: User) -> None:
    """It stayed shut for good, with its action ticked."""
    shown = user.window.actions_by_name["panel"]
    for action in ("panel", "analyses"):
        drag_panel_shut(user)
        assert not shown.isChecked()
        user.trigger(action)
        assert shown.isChecked()
        assert user.window.work.sizes()[1] >= 26 * style.GRID


def test_a_panel_that_was_dragged_shut_is_there_on_the_next_start(qapp: object, tmp_path: Path) -> None:
    scan = write_scan(tmp_path / "scan.h5", FRAMES)
    for start in range(2):
        user = User()
        user.open(scan)
        assert user.window.work.sizes()[1] >= 26 * style.GRID, start
        drag_panel_shut(user)
        user.close()


def drag_panel_shut(user: User) -> None:
    handle = user.window.work.handle(1)
    y = handle.height() / 2
    drag(handle, QPointF(2, y), QPointF(40, y), QPointF(user.window.panel.width(), y))
    user.settle()
    assert not user.window.panel.isVisible()


def test_the_full_screen_ends_as_the_window_was_before(qapp: object) -> None:
    user = User()
    user.window.showMaximized()
    for _ in range(2):
        user.trigger("full_screen")
    assert user.window.isMaximized()
    user.trigger("full_screen")
    assert user.window.isFullScreen()
    user.close()
    again = User()
    try:
        assert not again.window.isFullScreen()
        assert not again.window.actions_by_name["full_screen"].isChecked()
    finally:
        again.close()


def test_space_hides_what_lies_over_the_pictures_while_it_is_held(user: User) -> None:
    canvas = user.frame_view.canvas
    canvas.setFocus()
    QTest.keyPress(canvas, Qt.Key_Space)
    assert not user.desk.layer.isVisible()
    assert not user.image_view.plates.isVisible()
    QTest.keyRelease(canvas, Qt.Key_Space)
    assert user.desk.layer.isVisible()
    assert user.image_view.plates.isVisible()


def test_space_leaves_hidden_what_the_menu_hides(user: User) -> None:
    user.trigger("overlays")
    user.key(user.frame_view, Qt.Key_Space)
    assert not user.window.actions_by_name["overlays"].isChecked()
    assert not user.desk.layer.isVisible()
    assert not user.image_view.plates.isVisible()
    user.trigger("overlays")
    assert user.desk.layer.isVisible()
    assert user.image_view.plates.isVisible()


def test_the_scale_of_the_picture_under_the_mouse_changes_and_can_be_undone(user: User) -> None:
    user.key(user.image_view, Qt.Key_L)
    scales = (user.session.image_display.scale, user.session.frame_display.scale)
    assert scales == ("sqrt", "log")
    user.trigger("undo")
    assert user.session.image_display.scale == "linear"
    assert user.image_view.display.scale == "linear"


def test_dragged_levels_are_one_step(user: User) -> None:
    view = user.image_view
    view.display_dragging.emit(True)
    for high in (50.0, 60.0, 70.0):
        view.levels_bar.levels_changed.emit(0.0, high)
    view.display_dragging.emit(False)
    assert user.session.image_display.levels == (0.0, 70.0)
    assert user.desk.model.undo_stack.count() == 1
    user.trigger("auto")
    assert user.session.frame_display.levels is None


def test_undo_gives_up_what_the_hand_is_doing(user: User) -> None:
    before = user.selected.shape
    user.frame.hover((before.cy, before.cx))
    user.frame.press((before.cy, before.cx))
    user.frame.move((before.cy + 5, before.cx))
    user.trigger("undo") if user.window.actions_by_name["undo"].isEnabled() else user.trigger("stop")
    assert user.selected.shape == before
    assert not user.desk.model.dragging
    user.frame.release((before.cy + 5, before.cx))
    assert user.selected.shape == before


def test_redo_waits_until_the_hand_lets_go(user: User) -> None:
    user.trigger("tool_disk")
    user.frame.drag((4, 4), (4, 7))
    user.trigger("undo")
    before = user.session.detectors
    shape = user.selected.shape
    user.frame.hover((shape.cy, shape.cx))
    user.frame.press((shape.cy, shape.cx))
    user.frame.move((shape.cy + 3, shape.cx))
    held = user.session.detectors
    assert held != before
    user.trigger("redo")
    assert user.session.detectors == held
    user.frame.release((shape.cy + 3, shape.cx))
    assert user.session.detectors == held


def test_a_tool_chosen_twice_stays_in_hand_until_another_is_chosen(user: User) -> None:
    count = len(user.session.detectors)
    user.trigger("tool_disk")
    user.trigger("tool_disk")
    user.frame.drag((4, 4), (4, 7))
    user.frame.drag((14, 14), (14, 17))
    assert len(user.session.detectors) == count + 2
    user.trigger("stop")
    assert user.desk.tools.tool is Tool.SELECT
    user.trigger("tool_disk")
    user.frame.drag((4, 14), (4, 17))
    assert user.desk.tools.tool is Tool.SELECT


def test_fit_to_the_beam_puts_the_detector_back(user: User) -> None:
    before = user.selected.shape
    for _ in range(3):
        user.key(user.frame_view, Qt.Key_Down, Qt.ShiftModifier)
    user.trigger("fit_beam")
    user.wait(lambda: abs(user.selected.shape.cy - before.cy) < 0.5, "the beam")


def test_drawing_can_cut_from_the_selected_detector(user: User) -> None:
    user.trigger("draw_subtract")
    user.trigger("tool_disk")
    user.frame.drag((11.5, 9.5), (11.5, 11.5))
    assert len(user.session.detectors) == 1
    assert [term.op for term in user.selected.shape.terms] == ["+", "-"]
    user.trigger("draw_new")


def test_the_hint_follows_the_menus(user: User) -> None:
    user.window.actions_by_name["open"].showStatusText(user.window)
    QApplication.processEvents()
    assert user.window.job_bar.hint.whole_text() == "Open a scan, a session or a result"


def test_fit_is_heard_in_a_number_field_too_and_then_fits_both(user: User) -> None:
    views = (user.frame_view, user.image_view)
    for view in views:
        view.fit()
    whole = [view.viewbox.viewRect() for view in views]
    for view in views:
        view.zoom(3.0)
    field = user.window.editor.findChild(QAbstractSpinBox)
    assert field is not None
    QApplication.setActiveWindow(user.window)
    field.setFocus()
    assert [view.viewbox.viewRect() for view in views] != whole
    QTest.keyClick(field, Qt.Key_0, Qt.ControlModifier)
    assert [view.viewbox.viewRect() for view in views] == whole


def test_fit_is_of_the_picture_with_the_keyboard(user: User) -> None:
    user.frame_view.zoom(3.0)
    zoomed = user.frame_view.viewbox.viewRect()
    whole = user.image_view.viewbox.viewRect()
    user.image_view.zoom(3.0)
    user.key(user.image_view, Qt.Key_0)
    assert user.image_view.viewbox.viewRect() == whole
    assert user.frame_view.viewbox.viewRect() == zoomed


def test_tab_goes_through_the_numbers_in_the_order_that_they_are_seen(user: User, scan: Path) -> None:
    user.open(scan)
    QApplication.setActiveWindow(user.window)
    editor = user.window.editor
    user.trigger("tool_rect")
    user.frame.drag((4.0, 5.0), (8.0, 9.0), (12.0, 11.0))
    user.key(user.frame_view, Qt.Key_Right)
    user.desk.model.look(selected=user.session.detectors[0].id)  # the disk's numbers once more
    boxes = editor.sections[0].findChildren(NumberBox)
    boxes[0].setFocus()
    for box in (*boxes[1:], editor.weight):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key_Tab)
        assert QApplication.focusWidget() is box


def test_tab_stops_only_where_there_is_something_with_a_name(user: User, scan: Path) -> None:
    user.open(scan)
    QApplication.setActiveWindow(user.window)
    canvas = user.image_view.canvas
    canvas.setFocus()
    stops: list[Any] = []
    while not stops or (stops[-1] is not canvas and len(stops) < 100):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key_Tab)
        stops.append(QApplication.focusWidget())
    assert stops[-1] is canvas, "it never comes back"
    assert user.frame_view.canvas in stops
    assert [type(stop).__name__ for stop in stops if not stop.accessibleName()] == []
