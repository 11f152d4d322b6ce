"""Words and numbers that follow the hand no more often than one can read them."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject, QTimer

from ltdesk.ui.session_model import SessionModel

INTERVAL = 100
"""Milliseconds. To paint a row of words and five number boxes takes as long as the frame below the hand."""


class Calm(QObject):
    """Does something at once, but while something is dragged at most every `INTERVAL`; the last is never left out.

    superqt has a throttler, which would be one more package and take 0.1 s to load.
    """

    def __init__(self, model: SessionModel, do: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._model, self._do, self._waits = model, do, False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self._catch_up)
        model.dragging_changed.connect(self._catch_up)

    def ask(self) -> None:
        """There is something new to show."""
        if self._model.dragging and self._timer.isActive():
            self._waits = True
            return
        self._waits = False
        self._do()
        self._timer.start()

    def _catch_up(self) -> None:
        if self._waits:
            self._timer.stop()
            self.ask()
