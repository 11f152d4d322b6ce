"""Reads the frame under the cursor in a thread; while the hand moves on, only the newest position is read."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PyQt5.QtCore import QObject, pyqtSignal

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui.live.latest_worker import LatestWorker
from ltdesk.ui.live.mailbox import Mailbox

Position = tuple[int, int]


class FrameReader(QObject):
    """Frame picks. What arrives belongs to the present dataset and is never older than what arrived before.

    Signals
    -------
    picked : (frame, position) a frame ``(ky, kx)`` in native byte order, and its ``(y, x)``
    failed : (position, LtdeskError) the frame is missing or cannot be read
    """

    picked = pyqtSignal(object, object)
    failed = pyqtSignal(object, object)

    def __init__(self, mailbox: Mailbox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mailbox = mailbox
        self._worker = LatestWorker("ltdesk-frames")
        self._dataset: Dataset | None = None

    def set_dataset(self, dataset: Dataset | None) -> None:
        """Read from here; answers about another dataset are dropped."""
        self._dataset = dataset

    def pick(self, position: Position) -> None:
        """Read this frame next."""
        dataset = self._dataset
        if dataset is not None:
            self._worker.submit(lambda: self._read(dataset, position))

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
        if isinstance(found, LtdeskError):
            self.failed.emit(position, found)
        else:
            self.picked.emit(found, position)
