"""The page that is shown while nothing is open."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication, QLabel, QPushButton

from ltdesk.job import DatasetRef
from ltdesk.session import Session
from ltdesk.ui.files.autosave import LeftBehind
from ltdesk.ui.panels.welcome_page import WelcomePage
from ltdesk.ui.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(tmp_path / "config")
    for name in ("first.h5", "second.h5"):
        (tmp_path / name).write_text("")
        settings.add_recent(str(tmp_path / name))
    return settings


@pytest.fixture
def page(settings: Settings, qtbot) -> WelcomePage:
    page = WelcomePage(settings)
    qtbot.addWidget(page)
    page.resize(1000, 600)
    page.show()
    return page


def test_buttons_say_what_is_wanted(page: WelcomePage, qtbot) -> None:
    with qtbot.waitSignal(page.open_requested):
        QTest.mouseClick(page.open_button, Qt.LeftButton)
    with qtbot.waitSignal(page.demo_requested):
        QTest.mouseClick(page.demo_button, Qt.LeftButton)


def test_recent_files(page: WelcomePage, qtbot, tmp_path: Path) -> None:
    assert [button.toolTip() for button in page.recent_buttons] == [
        str(tmp_path / "second.h5"),
        str(tmp_path / "first.h5"),
    ]
    with qtbot.waitSignal(page.recent_chosen) as chosen:
        QTest.mouseClick(page.recent_buttons[1], Qt.LeftButton)
    assert chosen.args == [str(tmp_path / "first.h5")]


def test_refresh(page: WelcomePage, settings: Settings) -> None:
    settings.clear_recent()
    page.refresh()
    assert page.recent_buttons == []
    assert not page.recent_heading.isVisible()


def test_a_dropped_file(page: WelcomePage, qtbot, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "first.h5")), QUrl("webhdfs://node:9870/scan")])
    enter = QDragEnterEvent(QPoint(5, 5), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
    QApplication.sendEvent(page, enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(page.files_dropped) as dropped:
        event = QDropEvent(QPointF(5, 5), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
        QApplication.sendEvent(page, event)
    assert dropped.args == [[str(tmp_path / "first.h5"), "webhdfs://node:9870/scan"]]


def test_dropped_words_are_not_taken(page: WelcomePage) -> None:
    data = QMimeData()
    data.setText("words")
    enter = QDragEnterEvent(QPoint(5, 5), Qt.CopyAction, data, Qt.LeftButton, Qt.NoModifier)
    enter.ignore()
    QApplication.sendEvent(page, enter)
    assert not enter.isAccepted()


@pytest.mark.parametrize(("name", "signal"), [("Restore", "restore_chosen"), ("Discard", "restore_dismissed")])
def test_a_session_from_a_crash(page: WelcomePage, qtbot, name: str, signal: str) -> None:
    left = LeftBehind(Path("x"), Session(dataset=DatasetRef(uri="/data/scan.h5")), 1.7e9)
    page.offer_restore([left])
    (offer,) = page.offers
    button = next(b for b in offer.findChildren(QPushButton) if b.text() == name)
    with qtbot.waitSignal(getattr(page, signal)) as answered:
        QTest.mouseClick(button, Qt.LeftButton)
    assert answered.args == [left]
    assert page.offers == []


def test_many_sessions_from_crashes_do_not_make_the_window_grow(page: WelcomePage, qtbot) -> None:
    before = page.minimumSizeHint().height()
    left = [LeftBehind(Path(f"{i}"), Session(dataset=DatasetRef(uri=f"/data/{i}.h5")), 1.7e9) for i in range(30)]
    page.offer_restore(left)
    assert page.minimumSizeHint().height() == before
    assert len(page.offers) == 2
    with qtbot.waitSignal(page.restore_dismissed) as first:
        page.offers[0].findChild(QPushButton, "discard").click()
    assert first.args == [left[0]]
    assert len(page.offers) == 2
    assert any("27 older sessions" in label.text() for label in page.others.findChildren(QLabel))
    answered: list[LeftBehind] = []
    page.restore_dismissed.connect(answered.append)
    next(b for b in page.others.findChildren(QPushButton)).click()
    assert answered == left[1:]
    assert page.offers == []
    assert not page.others.isVisible()


def test_all_buttons_have_names(page: WelcomePage) -> None:
    assert all(button.accessibleName() for button in page.findChildren(QPushButton))
