"""Reads the frame under the cursor in a thread; while the hand moves on, only the newest position is read."""

from __future__ import annotations

import time
from typing import Any

from numpy.typing import NDArray
from PyQt5.QtCore import QObject, QTimer, pyqtSignal

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui.live.latest_worker import LatestWorker
from ltdesk.ui.live.mailbox import Mailbox

Position = tuple[int, int]
SLOW_MS = 500
"""After so long without an answer, and then again and again, it is told that one is waited for."""


class FrameReader(QObject):
    """Frame picks. What arrives belongs to the present dataset and is never older than what arrived before.

    Signals
    -------
    picked : (frame, position) a frame ``(ky, kx)`` in native byte order, and its ``(y, x)``
    failed : (position, LtdeskError) the frame is missing or cannot be read
    waiting : (position, seconds) it takes long: a storage doesn't answer
    """

    picked = pyqtSignal(object, object)
    failed = pyqtSignal(object, object)
    waiting = pyqtSignal(object, float)

    def __init__(self, mailbox: Mailbox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mailbox = mailbox
        self._worker = LatestWorker("ltdesk-frames")
        self._dataset: Dataset | None = None
        self._wanted: Position | None = None
        self._missed: Position | None = None
        self._since = 0.0
        self._slow = QTimer(self)
        self._slow.setInterval(SLOW_MS)
        self._slow.timeout.connect(self._tell_waiting)

    def set_dataset(self, dataset: Dataset | None) -> None:
        """Read from here; answers about another dataset are dropped."""
        self._dataset = dataset
        self._wanted = self._missed = None
        self._slow.stop()

    def pick(self, position: Position) -> None:
        """Read this frame next."""
        dataset = self._dataset
        if dataset is None:
            return
        if self._wanted is None:
            self._since = time.monotonic()
            self._slow.start()
        self._wanted, self._missed = position, None
        self._worker.submit(lambda: self._read(dataset, position))

    def retry(self) -> None:
        """Read the frame again that could not be read."""
        if self._missed is not None:
            self.pick(self._missed)

    def forget(self) -> None:
        """No frame is waited for any more."""
        self._wanted = self._missed = None
        self._slow.stop()

    def _tell_waiting(self) -> None:
        seconds = time.monotonic() - self._since
        if self._wanted is not None and seconds >= SLOW_MS / 1000:
            self.waiting.emit(self._wanted, seconds)

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until nothing is read; True if so."""
        return self._worker.wait_idle(timeout)

    def close(self) -> None:
        """Wait for the read under way and take no more."""
        self._worker.close()

    def _read(self, dataset: Dataset, position: Position) -> None:
        try:
            frame = dataset.frame(*position)
        except LtdeskError as error:
            self._mailbox.put("frame", lambda error=error: self._give(dataset, position, error))
        else:
            self._mailbox.put("frame", lambda: self._give(dataset, position, frame))

    def _give(self, dataset: Dataset, position: Position, found: NDArray[Any] | LtdeskError) -> None:
        if dataset is not self._dataset:
            return
        self._since = time.monotonic()  # while answers come, nobody waits
        if position == self._wanted:
            self._wanted = None
            self._slow.stop()
        if isinstance(found, LtdeskError):
            self._missed = position
            self.failed.emit(position, found)
        else:
            self.picked.emit(found, position)
