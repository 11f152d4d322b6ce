"""How long the GUI thread was busy at a stretch: a heartbeat for tests and for the curious."""

from __future__ import annotations

import time
from contextlib import suppress

from PyQt5.QtCore import QObject, Qt, QTimer

BEAT_MS = 2
SCHEDULE = "/proc/thread-self/schedstat"
"""Linux: nanoseconds that this thread ran, nanoseconds that it was ready but had no processor, and turns."""


class Watchdog(QObject):
    """Beats in the event loop and remembers the longest time without a beat.

    Attributes
    ----------
    longest : seconds without a beat, the longest since `reset`. Time that the thread was ready but other programs
        had the processor does not count, where the system tells it
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self.reset()

    def start(self) -> None:
        """Begin to watch, afresh."""
        self.reset()
        self._timer.start()

    def stop(self) -> None:
        """Watch no longer; what happened until now counts."""
        self._beat()
        self._timer.stop()

    def reset(self) -> None:
        """Forget what was, and begin from now."""
        self.longest = 0.0
        self._wall, self._kept_waiting = time.perf_counter(), kept_waiting()

    def _beat(self) -> None:
        wall, waiting = time.perf_counter(), kept_waiting()
        self.longest = max(self.longest, (wall - self._wall) - (waiting - self._kept_waiting))
        self._wall, self._kept_waiting = wall, waiting


def kept_waiting() -> float:
    """Seconds that this thread was ready to run but other threads and programs had the processors; 0 if not known."""
    with suppress(OSError, ValueError, IndexError), open(SCHEDULE) as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0
