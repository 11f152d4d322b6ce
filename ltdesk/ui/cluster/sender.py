"""Sending a scan to a storage, in a thread: what the dialog shows and the window can stop."""

from __future__ import annotations

import posixpath
import sys
import threading
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.errors import JobCancelled, LtdeskError
from ltdesk.job import DatasetRef
from ltdesk.ui.live.mailbox import Mailbox

if TYPE_CHECKING:  # HTTP takes its time to load
    from ltdesk.engine.ingest import Ingested
    from ltdesk.engine.ingest_progress import Progress


class Sender(QObject):
    """One scan at a time. What was stored stays: sending the same again goes on from there.

    Signals
    -------
    progressed : (Progress) about ten times a second
    sent : (Ingested) it is there, whole and checked
    stopped : () as was asked for
    failed : (LtdeskError)
    """

    progressed = pyqtSignal(object)
    sent = pyqtSignal(object)
    stopped = pyqtSignal()
    failed = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mailbox = Mailbox(self)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._busy = False

    @property
    def busy(self) -> bool:
        """Is a scan being sent? Until its end was told."""
        return self._busy

    def send(self, ref: DatasetRef, folder: str, name: str) -> None:
        """Copy the scan that `ref` names to `name` in a folder of a storage. It is opened anew: the window may close
        it meanwhile."""
        assert not self._busy
        self._busy = True
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, args=(ref, folder, name), name="ltdesk-sending", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send no more; `stopped` tells when that is so."""
        self._stop.set()

    def close(self, timeout: float = 5.0) -> None:
        """Stop, and wait for the thread."""
        self._mailbox.close()
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)

    def _work(self, ref: DatasetRef, folder: str, name: str) -> None:
        try:
            done = self._send(ref, folder, name)
        except JobCancelled:
            self._end(self.stopped.emit)
        except LtdeskError as error:
            self._end(lambda error=error: self.failed.emit(error))
        except Exception as error:
            self._end(lambda error=error: sys.excepthook(type(error), error, error.__traceback__))
        else:
            self._end(lambda: self.sent.emit(done))

    def _send(self, ref: DatasetRef, folder: str, name: str) -> Ingested:
        from ltdesk.engine.ingest import ingest
        from ltdesk.engine.open import open_ref

        with open_ref(ref) as dataset:
            return ingest(dataset, uri_in(folder, name), progress=self._tell, cancelled=self._stop.is_set)

    def _tell(self, progress: Progress) -> None:
        self._mailbox.put("progress", lambda: self.progressed.emit(progress))

    def _end(self, tell) -> None:
        self._mailbox.put("end", lambda: self._give(tell))

    def _give(self, tell) -> None:
        self._busy = False
        tell()


def uri_in(folder: str, name: str) -> str:
    """The URI of something in a folder of a storage. Asks nothing. Raises UsageError for what is no storage."""
    from ltdesk.engine.storage import open_storage

    storage, path = open_storage(folder)
    with storage:
        return storage.uri(posixpath.join(path, name))
