"""An address being tried while it is typed: the newest counts, and connections that nobody takes are closed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.ui.cluster.trying import Tried
from ltdesk.ui.live.mailbox import Mailbox


class Trial(QObject):
    """Tries addresses by `question`, each in a thread of its own: one that doesn't answer holds up no other.

    Signals
    -------
    began : (str) an address is being tried
    ended : (Tried) what came of the newest
    """

    began = pyqtSignal(str)
    ended = pyqtSignal(object)

    def __init__(self, question: Callable[[str], Tried], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._question = question
        self._mailbox = Mailbox(self)
        self._lock = threading.Lock()
        self._number = 0
        self._result: Tried | None = None
        self._threads: list[threading.Thread] = []

    @property
    def result(self) -> Tried | None:
        """What came of the newest address; None while it is tried, or where there is none."""
        return self._result

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def ask(self, address: str) -> None:
        """Try this address; empty: none. What came of the one before is let go."""
        self._drop()
        if not address:
            return
        number = self._number
        self.began.emit(address)
        self._spawn(lambda: self._try(address, number))

    def take(self) -> Tried | None:
        """What came of it, for good: the connection is the caller's from now on."""
        with self._lock:
            result, self._result = self._result, None
        return result

    def close(self, timeout: float | None = None) -> None:
        """Let go of what was not taken. Threads end by themselves; with a timeout they are waited for."""
        self._mailbox.close()
        self._drop()
        for thread in self._threads if timeout is not None else ():
            thread.join(timeout)

    def _drop(self) -> None:
        with self._lock:
            self._number += 1
            old, self._result = self._result, None
        if old is not None and old.executor is not None:
            self._spawn(old.close)

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="ltdesk-trying", daemon=True)
        self._threads = [*(t for t in self._threads if t.is_alive()), thread]
        thread.start()

    def _try(self, address: str, number: int) -> None:
        try:
            tried = self._question(address)
        except Exception as error:
            self._mailbox.put("fault", lambda error=error: _raise(error))
            return
        with self._lock:
            current = number == self._number
            if current:
                self._result = tried
        if current:
            self._mailbox.put("ended", self._tell)
        else:
            tried.close()

    def _tell(self) -> None:
        if self._result is not None:
            self.ended.emit(self._result)


def _raise(error: BaseException) -> None:
    sys.excepthook(type(error), error, error.__traceback__)
