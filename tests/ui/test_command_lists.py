"""The list of shortcuts and the palette, both made from the actions themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAction, QMainWindow

from ltdesk.ui.commands import fuzzy
from ltdesk.ui.commands.action_words import named_actions
from ltdesk.ui.dialogs.command_palette import CommandPalette
from ltdesk.ui.dialogs.shortcuts_dialog import GESTURES, ShortcutsDialog


@pytest.fixture
def window(qtbot) -> QMainWindow:
    window = QMainWindow()
    qtbot.addWidget(window)
    for title, entries in MENUS.items():
        menu = window.menuBar().addMenu(title)
        for text, keys in entries:
            action = menu.addAction(text)
            action.setShortcut(keys)
            action.triggered.connect(lambda _, text=text: done.append(text))
        menu.addSeparator()
    done.clear()
    return window


MENUS = {
    "&File": [("&Open…", "Ctrl+O"), ("&Export picture…", "Ctrl+E"), ("Copy as Python", "")],
    "&Edit": [("&Undo", "Ctrl+Z"), ("Cut && paste", "Ctrl+T")],
    "&Detector": [("Disk", "D"), ("Delete detector", "Del")],
}
done: list[str] = []


def actions(window: QMainWindow) -> list[QAction]:
    menus = [action.menu() for action in window.menuBar().actions()]
    return [action for menu in menus for action in [menu.menuAction(), *menu.actions()]]


@pytest.fixture
def palette(window: QMainWindow, qtbot) -> CommandPalette:
    palette = CommandPalette(actions(window), window)
    qtbot.addWidget(palette)
    palette.show()
    return palette


def test_words_of_actions(window: QMainWindow) -> None:
    words = named_actions([*actions(window), *actions(window)])
    assert [(w.text, w.section, w.keys) for w in words][:2] == [
        ("Open…", "File", ("Ctrl+O",)),
        ("Export picture…", "File", ("Ctrl+E",)),
    ]
    assert [w.text for w in words].count("Disk") == 1
    assert "Cut & paste" in [w.text for w in words]


def test_a_section_can_be_given(window: QMainWindow) -> None:
    action = QAction("Zoom", window)
    action.setProperty("section", "View")
    assert named_actions([action])[0].section == "View"


def test_shortcuts_lists_all_that_have_keys(window: QMainWindow, qtbot) -> None:
    dialog = ShortcutsDialog(actions(window), window)
    qtbot.addWidget(dialog)
    rows = dialog.rows()
    assert ("File", "Open", "Ctrl+O") in rows
    assert ("Detector", "Disk", "D") in rows
    assert not [row for row in rows if row[1] == "Copy as Python"]
    assert len([row for row in rows if row[0].startswith("Mouse")]) == len(GESTURES)


def test_shortcuts_can_be_searched(window: QMainWindow, qtbot) -> None:
    dialog = ShortcutsDialog(actions(window), window)
    qtbot.addWidget(dialog)
    QTest.keyClicks(dialog.search, "ctrl+z")
    assert dialog.rows() == [("Edit", "Undo", "Ctrl+Z")]
    dialog.search.clear()
    QTest.keyClicks(dialog.search, "detector disk")
    assert dialog.rows() == [("Detector", "Disk", "D")]


def test_typing_finds_and_return_does(palette: CommandPalette) -> None:
    QTest.keyClicks(palette.line, "expic")
    assert palette.shown() == ["Export picture…"]
    QTest.keyClick(palette.line, Qt.Key_Return)
    assert done == ["&Export picture…"]
    assert not palette.isVisible()


def test_arrows_choose(palette: CommandPalette) -> None:
    for key in (Qt.Key_Down, Qt.Key_Down, Qt.Key_Up):
        QTest.keyClick(palette.line, key)
    QTest.keyClick(palette.line, Qt.Key_Return)
    assert done == ["&Export picture…"]


def test_arrows_stop_at_the_ends(palette: CommandPalette) -> None:
    QTest.keyClick(palette.line, Qt.Key_Up)
    assert palette.list.currentRow() == 0
    QTest.keyClick(palette.line, Qt.Key_PageDown)
    assert palette.list.currentRow() == palette.list.count() - 1


def test_escape_does_nothing(palette: CommandPalette) -> None:
    QTest.keyClick(palette.line, Qt.Key_Escape)
    assert done == []
    assert not palette.isVisible()


def test_the_section_is_found_too(palette: CommandPalette) -> None:
    QTest.keyClicks(palette.line, "file")
    assert sorted(palette.shown()) == ["Copy as Python", "Export picture…", "Open…"]


def test_what_cannot_be_done_now_is_shown_last_and_not_done(window: QMainWindow, qtbot) -> None:
    all_actions = actions(window)
    disk = next(action for action in all_actions if action.text() == "Disk")
    disk.setEnabled(False)
    palette = CommandPalette(all_actions, window)
    qtbot.addWidget(palette)
    palette.show()
    QTest.keyClicks(palette.line, "d")
    assert palette.shown()[0] == "Delete detector"
    assert palette.shown()[-1] == "Disk"
    palette.line.clear()
    QTest.keyClicks(palette.line, "disk")
    QTest.keyClick(palette.line, Qt.Key_Return)
    assert done == []
    assert palette.isVisible()


def test_a_click_does(palette: CommandPalette) -> None:
    item = palette.list.item(3)
    place = palette.list.visualItemRect(item).center()
    QTest.mouseClick(palette.list.viewport(), Qt.LeftButton, Qt.NoModifier, place)
    assert done == ["&Undo"]


@given(st.text(max_size=12), st.data())
def test_letters_of_a_text_in_order_are_found(text: str, data) -> None:
    places = data.draw(st.sets(st.integers(0, max(0, len(text) - 1))))
    query = "".join(text[place] for place in sorted(places) if place < len(text))
    if len(text.lower()) == len(text) and len(query.lower()) == len(query):
        assert fuzzy.score(query, text) is not None


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("ep", "Export picture", "Open recipe"),
        ("disk", "Disk", "Duplicate in sketch"),
        ("undo", "Undo", "Run down"),
        ("co", "Copy", "Duplicate once"),
    ],
)
def test_better_matches_score_higher(query: str, better: str, worse: str) -> None:
    assert (fuzzy.score(query, better) or 0) > (fuzzy.score(query, worse) or -1000)


def test_letters_out_of_order_are_not_found() -> None:
    assert fuzzy.score("ksid", "Disk") is None
    assert fuzzy.score("", "anything") == 0
