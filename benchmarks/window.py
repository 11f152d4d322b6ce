"""The real window for a benchmark: drawn by Qt's offscreen platform in software, with settings of its own."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PyQt5.QtCore import QEventLoop, Qt, QTimer
from PyQt5.QtWidgets import QApplication

from ltdesk.ui.app import Desk
from ltdesk.ui.collector import Collector
from ltdesk.ui.look import style
from ltdesk.ui.start import set_attributes

LOOK_MS = 2
"""How often a condition is looked at. Asking Qt for its events again and again would keep a processor busy, and
Python's lock, which the engine's threads need."""


def work_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Let the window work until `condition()` holds, `seconds` at most; does it?"""
    loop, timer = QEventLoop(), QTimer()
    end = time.perf_counter() + seconds

    def look() -> None:
        if condition() or time.perf_counter() >= end:
            loop.quit()

    timer.setTimerType(Qt.PreciseTimer)
    timer.timeout.connect(look)
    timer.start(LOOK_MS)
    loop.exec_()
    timer.stop()
    return condition()


def work_for(seconds: float) -> None:
    """Let the window work for a while."""
    work_until(lambda: False, seconds)


def use_own_settings(folder: Path) -> None:
    """Neither the user's settings nor sessions that a crash left behind have a part in what is measured."""
    os.environ["LTDESK_CONFIG_DIR"], os.environ["LTDESK_STATE_DIR"] = str(folder / "config"), str(folder / "state")


@contextmanager
def shown_window() -> Iterator[Desk]:
    """A window of 1280x720 with all that works behind it, closed at the end."""
    with tempfile.TemporaryDirectory(prefix="ltdesk-window-", ignore_cleanup_errors=True) as folder:
        use_own_settings(Path(folder))
        set_attributes()
        application = QApplication.instance() or QApplication(sys.argv[:1])
        style.apply(application, "dark")
        desk = Desk()
        desk.window.resize(1280, 720)
        desk.show()
        collector = Collector(desk)
        try:
            yield desk
        finally:
            collector.close()
            desk.close()
            desk.window.deleteLater()
