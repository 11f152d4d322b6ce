"""A question asked again and again while the user works: thought about in a thread, only the newest answer counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.ui.live.latest_worker import LatestWorker
from ltdesk.ui.live.mailbox import Mailbox


class LatestAnswer(QObject):
    """Runs questions (functions without arguments) in a thread of its own, which ends with `parent`.

    Signals
    -------
    answered : (object) what the newest question gave
    failed : (Exception) what the newest question raised
    """

    answered = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(self, parent: QObject, name: str) -> None:
        super().__init__(parent)
        self._asked = 0
        self._mailbox = mailbox = Mailbox(self)
        self._worker = worker = LatestWorker(name)
        parent.destroyed.connect(mailbox.close)
        parent.destroyed.connect(lambda: worker.close(timeout=0))

    def ask(self, question: Callable[[], Any]) -> None:
        """Think about `question` next; the answers to those before it are not wanted any more."""
        self._asked += 1
        number, mailbox = self._asked, self._mailbox

        def work() -> None:
            try:
                answer, failed = question(), False
            except Exception as error:
                answer, failed = error, True
            # Signals are looked up where they are sent: by now the dialog may be closed, and this object gone.
            mailbox.put("answer", lambda: self._deliver(number, failed, answer))

        self._worker.submit(work)

    def forget(self) -> None:
        """No answer to what was asked so far is wanted."""
        self._asked += 1

    def wait(self, timeout: float = 60.0) -> bool:
        """Wait until nothing is thought about, and deliver. For tests and for the end of the program."""
        idle = self._worker.wait_idle(timeout)
        self._mailbox.deliver()
        return idle

    def close(self) -> None:
        """End the thread now."""
        self._mailbox.close()
        self._worker.close()

    def _deliver(self, number: int, failed: bool, answer: Any) -> None:
        if number == self._asked:
            (self.failed if failed else self.answered).emit(answer)
