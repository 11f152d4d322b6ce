"""How long the GUI thread was busy at a stretch: a heartbeat for tests and for the curious."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

from PyQt5.QtCore import QObject, Qt, QTimer

BEAT_MS = 2
SCHEDULE = "/proc/thread-self/schedstat"
"""Linux: nanoseconds that this thread ran, nanoseconds that it was ready but had no processor, and turns."""


class Gap(NamedTuple):
    """A time without a beat, in seconds.

    wall : by the clock
    own : that this thread ran; a gap in which it didn't was spent waiting for Python's lock, a file or a processor
    starved : that it was ready but other threads and programs had the processors; 0 if not known
    """

    wall: float = 0.0
    own: float = 0.0
    starved: float = 0.0

    @property
    def held(self) -> float:
        """What is the program's doing: time that it was starved does not count."""
        return self.wall - self.starved


class Watchdog(QObject):
    """Beats in the event loop and remembers the longest time without a beat.

    Attributes
    ----------
    worst : the gap that held the thread longest since `reset`
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self.reset()

    @property
    def longest(self) -> float:
        """Seconds without a beat, the longest since `reset`, but for those in which the thread was starved."""
        return self.worst.held

    @property
    def since(self) -> float:
        """Seconds since the last beat; from any thread."""
        return time.perf_counter() - self._last.wall

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
        self.worst, self._last = Gap(), now()

    def _beat(self) -> None:
        before, self._last = self._last, now()
        gap = Gap(*(after - earlier for after, earlier in zip(self._last, before, strict=True)))
        if gap.held > self.worst.held:
            self.worst = gap


def now() -> Gap:
    """The clocks of the thread that calls: the time between two of these is a gap."""
    return Gap(time.perf_counter(), time.thread_time(), starved())


def starved() -> float:
    """Seconds that this thread was ready to run but other threads and programs had the processors; 0 if not known."""
    with suppress(OSError, ValueError, IndexError), open(SCHEDULE) as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0
