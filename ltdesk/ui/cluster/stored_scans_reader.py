"""Looks into a storage in threads: which scans there are, how they are, and what is to be done to them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.errors import JobCancelled, LtdeskError
from ltdesk.ui.live.mailbox import Mailbox

if TYPE_CHECKING:  # HTTP takes its time to load
    from ltdesk.engine.storage import Storage
    from ltdesk.engine.stored_scans import Copies, Stored


@dataclass(frozen=True)
class Known:
    """All that is known of something in a storage.

    Attributes
    ----------
    stored : what it is
    copies : of its files; None: not known, or not counted by this storage
    verifying : the share of its bytes that was read so far; None: it isn't being read
    verified : what reading every byte has found; None: it was not read, empty: all is well
    """

    stored: Stored
    copies: Copies | None = None
    verifying: float | None = None
    verified: tuple[str, ...] | None = None


class StoredScansReader(QObject):
    """One folder at a time; a later look takes the place of an earlier one.

    Signals
    -------
    began : (str) a folder is being listed
    found : (Known) something is there, or is known better now
    ended : (LtdeskError or None) the folder is listed, or can't be
    failed : (str, LtdeskError) what was to be done to the scan at a URI did not work
    removed : (str) the scan at a URI is gone
    """

    began = pyqtSignal(str)
    found = pyqtSignal(object)
    ended = pyqtSignal(object)
    failed = pyqtSignal(str, object)
    removed = pyqtSignal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mailbox = Mailbox(self)
        self._number = 0
        self._closed = False
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._stopped: set[str] = set()
        self._threads: list[threading.Thread] = []

    def look(self, uri: str) -> None:
        """List what is in the folder at `uri`, and then count copies."""
        self._number += 1
        self.began.emit(uri)
        number = self._number
        self._spawn(lambda: self._list(uri, number))

    def verify(self, known: Known) -> None:
        """Read every byte of a scan and compare."""
        self._stopped.discard(known.stored.uri)
        self._change(known.stored.uri, verifying=0.0, verified=None)
        self._spawn(lambda: self._verify(known.stored.uri))

    def stop_verifying(self, uri: str) -> None:
        """Read no further."""
        self._stopped.add(uri)

    def remove(self, uri: str) -> None:
        """Remove a scan."""
        self._spawn(lambda: self._remove(uri))

    def wait(self, timeout: float = 5.0) -> None:
        """Wait for the threads. For the end of the window."""
        for thread in self._threads:
            thread.join(timeout)

    def close(self) -> None:
        """Look no further; threads end by themselves."""
        self._number += 1
        self._closed = True
        self._mailbox.close()

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._guarded, args=(work,), name="ltdesk-storage", daemon=True)
        self._threads = [*(t for t in self._threads if t.is_alive()), thread]
        thread.start()

    # --- in threads ------------------------------------------------------------------------------------------

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._mailbox.put("fault", lambda error=error: sys.excepthook(type(error), error, error.__traceback__))

    def _list(self, uri: str, number: int) -> None:
        from ltdesk.engine.storage import open_storage
        from ltdesk.engine.stored_scans import look_inside

        found: list[Stored] = []
        try:
            storage, path = open_storage(uri)
            with storage:
                for stored in look_inside(storage, path):
                    if number != self._number:
                        return
                    if stored.state != "file":
                        found.append(stored)
                        self._take(stored)
                self._end(number, None)
                self._count(storage, found, number)
        except LtdeskError as error:
            self._end(number, error)

    def _count(self, storage: Storage, found: list[Stored], number: int) -> None:
        from ltdesk.engine.storage import open_storage
        from ltdesk.engine.stored_scans import count_copies

        for stored in found if storage.is_remote else ():
            if stored.sidecar is None or number != self._number:
                continue
            try:
                path = open_storage(stored.uri)[1]
                copies = count_copies(storage, path, stored.sidecar, lambda: number != self._number)
            except LtdeskError:
                continue  # it went away meanwhile: the next look says so
            self._change(stored.uri, copies=copies)

    def _verify(self, uri: str) -> None:
        from ltdesk.engine.storage import open_storage
        from ltdesk.engine.stored_scans import verify

        def progress(done: int, total: int) -> None:
            if self._closed or uri in self._stopped:
                raise JobCancelled("stopped")
            self._change(uri, verifying=done / max(1, total))

        try:
            storage, path = open_storage(uri)
            with storage:
                problems = verify(storage, path, progress)
            self._change(uri, verifying=None, verified=tuple(problems))
        except JobCancelled:
            self._change(uri, verifying=None)
        except LtdeskError as error:
            self._change(uri, verifying=None)
            self._mailbox.put(("failed", uri), lambda error=error: self.failed.emit(uri, error))

    def _take(self, stored: Stored) -> None:
        """Something was found; what was known of the same scan before still holds."""
        with self._lock:
            known = self._known.get(stored.uri)
            same = known is not None and known.stored == stored
            self._known[stored.uri] = known if known is not None and same else Known(stored)
        self._change(stored.uri)

    def _change(self, uri: str, **changes: Any) -> None:
        """From any thread: this much more is known."""
        with self._lock:
            if uri not in self._known:
                return
            known = self._known[uri] = replace(self._known[uri], **changes)
        self._mailbox.put(("found", uri), lambda: self.found.emit(known))

    def _end(self, number: int, error: LtdeskError | None) -> None:
        self._mailbox.put("ended", lambda: self.ended.emit(error) if number == self._number else None)

    def _remove(self, uri: str) -> None:
        from ltdesk.engine.storage import open_storage
        from ltdesk.engine.stored_scans import remove

        try:
            storage, path = open_storage(uri)
            with storage:
                remove(storage, path)
        except LtdeskError as error:
            self._mailbox.put(("failed", uri), lambda error=error: self.failed.emit(uri, error))
        else:
            with self._lock:
                self._known.pop(uri, None)
            self._mailbox.put(("removed", uri), lambda: self.removed.emit(uri))
