"""What a headerless file looks like with given shapes: one frame, and a coarse image of the scan. In threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QHBoxLayout, QWidget

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.open import open_ref
from ltdesk.errors import DamagedFileError, LtdeskError
from ltdesk.job import DatasetRef
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.look import style
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.thumbnail import FRAME, IMAGE, Thumbnail, thumbnail_of

MOST_SIDE = 48
"""Positions of the coarse image, down and across: some thousand frames are read for it."""


class RawPreview(QWidget):
    """Two thumbnails that follow the shapes: wrong ones show as stripes in the frame, or as a sheared scan."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.frame = Thumbnail("Middle frame", parent=self)
        self.scan = Thumbnail("Scan", parent=self)
        self.frame_reader, self.scan_reader = LatestAnswer(self, "raw frame"), LatestAnswer(self, "raw scan")
        self._number = 0
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * style.GRID)
        for thumbnail, reader in ((self.frame, self.frame_reader), (self.scan, self.scan_reader)):
            row.addWidget(thumbnail, 1)
            _connect(reader, thumbnail)

    def show_ref(self, ref: DatasetRef) -> None:
        """Read with these shapes; what is still being read for others is dropped."""
        self._number += 1
        number = self._number
        for thumbnail in (self.frame, self.scan):
            if thumbnail.picture is None:  # words are about the shapes before; a picture is better than none
                thumbnail.show_words("Reading…")
        self.frame_reader.ask(lambda: read_frame(ref))
        self.scan_reader.ask(lambda: read_scan(ref, lambda: number == self._number))

    def show_nothing(self, words: str) -> None:
        """Nothing can be read with these shapes."""
        self._number += 1
        for thumbnail, reader in ((self.frame, self.frame_reader), (self.scan, self.scan_reader)):
            reader.forget()
            thumbnail.show_words(words)

    def wait(self) -> None:
        """Wait for both previews, for tests."""
        self.frame_reader.wait()
        self.scan_reader.wait()

    def close_threads(self) -> None:
        """End the threads; nothing more is read."""
        self._number += 1
        self.frame_reader.close()
        self.scan_reader.close()


def read_frame(ref: DatasetRef) -> tuple[Prepared, str]:
    """The frame in the middle of the scan, or the last good one before it. Raises LtdeskError."""
    with open_ref(ref) as dataset:
        sy, sx = dataset.scan_shape
        y, x = sy // 2, sx // 2
        try:
            values = dataset.frame(y, x)
        except DamagedFileError:
            y, x = 0, 0
            values = dataset.frame(y, x)
        return thumbnail_of(values, FRAME), f"({y}, {x})"


def read_scan(ref: DatasetRef, wanted: Callable[[], bool]) -> tuple[Prepared, str]:
    """The sums of some frames, evenly spread, as a coarse image of the scan. Raises LtdeskError."""
    with open_ref(ref) as dataset:
        rows, columns = (np.linspace(0, side - 1, min(side, MOST_SIDE)).astype(int) for side in dataset.scan_shape)
        image = np.full((len(rows), len(columns)), np.nan)
        for place, y in enumerate(rows):
            if not wanted():
                break
            image[place] = [_sum(dataset, int(y), int(x)) for x in columns]
        return thumbnail_of(image, IMAGE), f"{len(rows)} × {len(columns)} positions"


def _sum(dataset: Dataset, y: int, x: int) -> float:
    try:
        return float(dataset.frame(y, x).sum(dtype=np.float64))
    except DamagedFileError:
        return np.nan


def _connect(reader: QObject, thumbnail: Thumbnail) -> None:
    def failed(error: Exception) -> None:
        if not isinstance(error, LtdeskError):
            raise error  # a bug: the hook reports it
        thumbnail.show_words(error.what)

    reader.answered.connect(lambda answer: thumbnail.show_picture(*answer))
    reader.failed.connect(failed)
