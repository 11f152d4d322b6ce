"""A thread that does the newest of the tasks it is given."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable


class LatestWorker:
    """One thread and one place for a task: a new one takes the place of one that was not begun.

    A task catches the errors it knows; any other goes to `threading.excepthook` and the thread lives on.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changed = threading.Condition()
        self._task: Callable[[], None] | None = None
        self._busy = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, task: Callable[[], None]) -> None:
        """Do `task` next. Returns at once; nothing is done after `close`."""
        with self._changed:
            if self._closed:
                return
            self._task = task
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until there is nothing to do; True if so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._task is None and not self._busy, timeout)

    def close(self, timeout: float | None = 5.0) -> None:
        """Drop the waiting task and wait for the one under way."""
        with self._changed:
            self._closed = True
            self._task = None
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                task()
            except Exception:
                kind, error, trace = sys.exc_info()
                threading.excepthook(threading.ExceptHookArgs((kind, error, trace, threading.current_thread())))
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._task is not None)
            task, self._task = self._task, None
            self._busy = task is not None
            return task
