"""Prepares what a picture view shows: at once where that is quick, else in a thread; the newest is shown last."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.session import Display
from ltdesk.ui.live.latest_worker import LatestWorker
from ltdesk.ui.live.mailbox import Mailbox
from ltdesk.ui.pictures.content import Content, cost_of, prepare_content, prepared_again
from ltdesk.ui.pictures.prepare import Prepared, Status

AT_ONCE = 512 * 512
"""Pictures up to this many pixels are prepared in the GUI thread (4 ms measured), larger ones in a thread."""


class Preparer(QObject):
    """Of several contents in a row the latest is sure to be told; an older one never after a newer one.

    Signals
    -------
    prepared : (Prepared) what is to be shown now
    """

    prepared = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked = self._told = 0
        self._shown: Prepared | None = None
        self._display = Display()
        self._worker = worker = LatestWorker("picture")
        self._mailbox = mailbox = Mailbox(self)
        mailbox.hurry(True)

        def close() -> None:  # without self: it is gone by then
            with suppress(RuntimeError):
                mailbox.close()
            worker.close(0)

        self.destroyed.connect(close)

    def prepare(self, content: Content, display: Display, unit: str, status: Status) -> None:
        """Prepare `content` to be drawn in this way."""
        self._asked += 1
        self._display = display
        again = prepared_again(self._shown, content, display)
        if again is not None:
            self._tell(self._asked, again)
        elif cost_of(content) <= AT_ONCE:
            self._tell(self._asked, prepare_content(content, display, unit, status))
        else:
            self._worker.submit(self._task(self._asked, content, display, unit, status))

    def drop(self, shown: Prepared | None) -> None:
        """What is being prepared comes too late: this is shown now, or nothing."""
        self._asked += 1
        self._told, self._shown = self._asked, shown
        self._display = self._display if shown is None else shown.display

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the thread, and tell what it made; False where that takes longer."""
        done = self._worker.wait_idle(timeout)
        self._mailbox.deliver()
        return done

    def stop(self) -> None:
        """End the thread, now; without it, it ends with this object."""
        self._mailbox.close()
        self._worker.close()

    def _task(self, number: int, content: Content, display: Display, unit: str, status: Status) -> Callable[[], None]:
        mailbox = self._mailbox

        def task() -> None:
            prepared = prepare_content(content, display, unit, status)
            mailbox.put("prepared", lambda: self._tell_if(number, prepared))

        return task

    def _tell_if(self, number: int, prepared: Prepared) -> None:
        """A stale picture is told too while a newer one is on its way, if that will look like it: or a quick stream of
        large pictures would show none."""
        before = self._shown
        alike = before is not None and before.shape == prepared.shape and prepared.display == self._display
        if number == self._asked or (alike and number > self._told):
            self._tell(number, prepared)

    def _tell(self, number: int, prepared: Prepared) -> None:
        self._told, self._shown = number, prepared
        self.prepared.emit(prepared)
