"""Questions that are answered in a thread, by whoever is still there to hear it."""

from __future__ import annotations

import threading

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QApplication

from ltdesk.ui.live.latest_answer import LatestAnswer


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_closed_while_it_is_answered_is_not_missed(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    """As a dialog that is closed while a file is read for it."""
    caught: list[object] = []
    monkeypatch.setattr(threading, "excepthook", caught.append)
    begun, go_on = threading.Event(), threading.Event()

    def question() -> None:
        begun.set()
        assert go_on.wait(60)
        if fails:
            raise ValueError("no such file")

    dialog = QObject()
    answer = LatestAnswer(dialog, "a reader")
    worker = answer._worker
    answer.ask(question)
    assert begun.wait(60)
    sip.delete(dialog)
    assert sip.isdeleted(answer)
    go_on.set()
    assert worker.wait_idle(60)
    assert not caught


def test_only_the_newest_answer_is_told(qapp: QApplication) -> None:
    parent = QObject()
    answer = LatestAnswer(parent, "a reader")
    told: list[object] = []
    answer.answered.connect(told.append)
    answer.failed.connect(lambda error: told.append(str(error)))
    go_on = threading.Event()
    answer.ask(lambda: go_on.wait(60) and "old")
    answer.ask(lambda: int("new"))
    go_on.set()
    assert answer.wait()
    assert told == ["invalid literal for int() with base 10: 'new'"]
    answer.close()
