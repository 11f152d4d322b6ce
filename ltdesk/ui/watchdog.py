"""How long the GUI thread was busy at a stretch: a heartbeat for tests and for the curious."""

from __future__ import annotations

import time

from PyQt5.QtCore import QObject, Qt, QTimer

BEAT_MS = 2


class Watchdog(QObject):
    """Beats in the event loop and remembers the longest time without a beat.

    Attributes
    ----------
    longest : seconds between two beats, the longest since `reset`
    longest_busy : seconds of processor time that the GUI thread itself took between two beats; a machine busy with
        something else lengthens `longest` alone
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self.reset()

    def start(self) -> None:
        self.reset()
        self._timer.start()

    def stop(self) -> None:
        self._beat()
        self._timer.stop()

    def reset(self) -> None:
        self.longest = self.longest_busy = 0.0
        self._wall, self._busy = time.perf_counter(), time.thread_time()

    def _beat(self) -> None:
        wall, busy = time.perf_counter(), time.thread_time()
        self.longest = max(self.longest, wall - self._wall)
        self.longest_busy = max(self.longest_busy, busy - self._busy)
        self._wall, self._busy = wall, busy
