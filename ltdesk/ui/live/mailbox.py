"""The one way from threads into the GUI thread: a buffer that keeps the latest of each kind, and one timer."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Hashable

from PyQt5.QtCore import QObject, Qt, QTimer, pyqtSignal

INTERVAL = 1 / 30
HURRIED_INTERVAL = 1 / 120
"""Seconds between two deliveries: as quick as a screen needs, and quicker while the hand moves."""
TURN = 0.012
"""Seconds after which a delivery leaves what remains for the next turn of the event loop: forty letters at once, each
of a millisecond, would hold the window up."""


class Mailbox(QObject):
    """Threads leave what is to be done in the GUI thread; the latest under each key is done at the next delivery.

    A delivery is at most every `INTERVAL` (`HURRIED_INTERVAL` while hurried), whatever the number of letters: one
    queued signal each would draw every one of them. The timer rests while the box is empty.
    """

    _filled = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._letters: dict[Hashable, Callable[[], None]] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._interval = INTERVAL
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(lambda: self._deliver(TURN))
        self._filled.connect(self._schedule, Qt.QueuedConnection)

    def put(self, key: Hashable, deliver: Callable[[], None]) -> None:
        """From any thread: call `deliver` in the GUI thread soon, unless another takes its place under `key`."""
        with self._lock:
            if self._closed:
                return
            was_empty = not self._letters
            self._letters.pop(key, None)
            self._letters[key] = deliver
            if was_empty:
                self._filled.emit()

    def hurry(self, on: bool) -> None:
        """Deliver more often, while something is dragged."""
        self._interval = HURRIED_INTERVAL if on else INTERVAL

    def deliver(self) -> None:
        """Do all that has been left, now. What one letter gets wrong is reported and keeps no other waiting."""
        self._deliver(math.inf)

    def close(self) -> None:
        """Drop what is left and take nothing more: threads may go on leaving letters."""
        with self._lock:
            self._closed = True
            self._letters.clear()
        self._timer.stop()

    def _schedule(self) -> None:
        if not self._timer.isActive():
            wait = self._last + self._interval - time.monotonic()
            self._timer.start(max(0, round(wait * 1000)))

    def _deliver(self, seconds: float) -> None:
        with self._lock:
            letters, self._letters = self._letters, {}
        self._last = time.monotonic()
        while letters:
            letter = letters.pop(next(iter(letters)))
            try:
                letter()
            except Exception:
                sys.excepthook(*sys.exc_info())
            if letters and time.monotonic() - self._last > seconds:
                self._put_back(letters)
                return

    def _put_back(self, letters: dict[Hashable, Callable[[], None]]) -> None:
        """They go first at the next turn; one that was left meanwhile under the same key is the latest."""
        with self._lock:
            if self._closed:
                return
            self._letters = {**letters, **self._letters}
        self._timer.start(0)
