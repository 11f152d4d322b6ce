"""Garbage is collected in the GUI thread, in small pieces, between two events.

Python collects in whichever thread happens to allocate: a full collection of the heap that numba leaves takes 50 ms
of the lock that the GUI thread needs too, and widgets must not be deleted by another thread at all.
"""

from __future__ import annotations

import gc
import sys
import time

from PyQt5.QtCore import QObject, QTimer

INTERVAL_MS = 200
SLOW = 0.015
"""A full collection that took longer, in seconds, sets what is left aside: it is the program, not garbage."""
SETTLING = 10
"""Rounds after modules were imported in which what they make is set aside, not searched."""


class Collector(QObject):
    """Takes garbage collection over until `close`. One for a process."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        gc.freeze()
        self._modules, self._settling = len(sys.modules), 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._collect)
        self._timer.start(INTERVAL_MS)

    def close(self) -> None:
        """Give it back to Python."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def _collect(self) -> None:
        if self._modules != len(sys.modules):
            self._modules, self._settling = len(sys.modules), SETTLING
        if self._settling:
            self._settling -= 1
            gc.freeze()
            return
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                started = time.perf_counter()
                gc.collect(generation)
                if generation == 2 and time.perf_counter() - started > SLOW:
                    gc.freeze()
                return
