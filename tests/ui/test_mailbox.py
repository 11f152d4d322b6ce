"""Letters from threads reach the GUI thread: the latest of each kind, in order, a few a turn of the event loop."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import pytest
from PyQt5.QtCore import QTimer

from ltdesk.ui.live import mailbox as mailbox_module
from ltdesk.ui.live.mailbox import Mailbox


@pytest.fixture
def mailbox(qapp: object) -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


def test_the_latest_of_each_kind_comes_in_the_order_of_the_last_ones(qtbot, mailbox: Mailbox) -> None:
    read: list[str] = []
    for kind, words in (("a", "a1"), ("b", "b1"), ("a", "a2")):
        mailbox.put(kind, lambda words=words: read.append(words))
    qtbot.waitUntil(lambda: len(read) == 2)
    assert read == ["b1", "a2"]


def test_a_thread_may_leave_letters(qtbot, mailbox: Mailbox) -> None:
    read: list[threading.Thread] = []
    thread = threading.Thread(target=mailbox.put, args=("a", lambda: read.append(threading.current_thread())))
    thread.start()
    qtbot.waitUntil(lambda: bool(read))
    thread.join()
    assert read == [threading.main_thread()]


def test_many_letters_leave_the_window_turns_of_its_own(qtbot, mailbox: Mailbox, monkeypatch) -> None:
    monkeypatch.setattr(mailbox_module, "TURN", -1.0)  # each letter takes longer than a turn has
    done: list[int | str] = []
    timer = QTimer()
    timer.timeout.connect(lambda: done.append("window"))
    timer.start(0)
    for number in range(4):
        mailbox.put(number, lambda number=number: done.append(number))
    qtbot.waitUntil(lambda: 3 in done)
    timer.stop()
    assert [one for one in done if one != "window"] == [0, 1, 2, 3]
    places = [done.index(number) for number in range(4)]
    assert all("window" in done[first:second] for first, second in itertools.pairwise(places))


def test_a_letter_left_meanwhile_is_the_latest(qtbot, mailbox: Mailbox, monkeypatch) -> None:
    monkeypatch.setattr(mailbox_module, "TURN", -1.0)
    read: list[str] = []

    def first() -> None:
        read.append("first")
        mailbox.put("b", lambda: read.append("new b"))
        mailbox.put("d", lambda: read.append("d"))

    mailbox.put("a", first)
    mailbox.put("b", lambda: read.append("old b"))
    mailbox.put("c", lambda: read.append("c"))
    qtbot.waitUntil(lambda: "d" in read)
    assert read == ["first", "new b", "c", "d"]


def test_deliver_does_all_at_once(qtbot, mailbox: Mailbox, monkeypatch) -> None:
    monkeypatch.setattr(mailbox_module, "TURN", -1.0)
    read: list[int] = []
    for number in range(3):
        mailbox.put(number, lambda number=number: read.append(number))
    mailbox.deliver()
    assert read == [0, 1, 2]


def test_a_letter_that_goes_wrong_keeps_no_other_waiting(qtbot, mailbox: Mailbox, monkeypatch) -> None:
    reported: list[type] = []
    monkeypatch.setattr("sys.excepthook", lambda kind, error, trace: reported.append(kind))
    read: list[str] = []
    mailbox.put("a", lambda: [][0])
    mailbox.put("b", lambda: read.append("b"))
    qtbot.waitUntil(lambda: read == ["b"])
    assert reported == [IndexError]
    mailbox.put("c", lambda: read.append("c"))
    mailbox.close()
    mailbox.deliver()
    assert read == ["b"]
