"""A pixel mask from a file: what is in it, whether it fits the frame, and how to take it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from ltdesk.errors import LtdeskError
from ltdesk.geometry import PixelMask, Size2D
from ltdesk.ui.dialogs.fit import let_return_press
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.look import style
from ltdesk.ui.look.breaks import breakable
from ltdesk.ui.look.sizes import grouped, shape_words
from ltdesk.ui.pictures.thumbnail import IMAGE, Thumbnail, thumbnail_of
from ltdesk.ui.shapes.mask_file import is_zero_one, mask_name, mask_of, read_mask_values

BINARY, WEIGHTS = 0, 1


class MaskFileDialog(QDialog):
    """Reads `path` in a thread and shows the mask that it gives.

    Signals
    -------
    chosen : (PixelMask, str) the user pressed Add: the mask and a name after the file's
    """

    chosen = pyqtSignal(object, str)

    def __init__(self, path: str, frame_shape: Size2D, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Mask from a file")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._path, self._frame_shape = path, frame_shape
        self._values: NDArray[Any] | None = None
        self._make_widgets()
        self._lay_out()
        self.reader = LatestAnswer(self, "mask file")
        self.reader.answered.connect(self._show_values)
        self.reader.failed.connect(self._show_error)
        self.reader.ask(lambda: _read(path))
        self.finished.connect(lambda _: self.reader.close())
        self.accepted.connect(self._tell)

    def mask(self) -> PixelMask:
        """The mask as it is set. Only after it was read."""
        return mask_of(self._values, self.kind.currentIndex() == WEIGHTS, self.invert.isChecked())

    def _make_widgets(self) -> None:
        self.thumbnail = Thumbnail("Mask", 30 * style.GRID, self)
        self.thumbnail.show_words("Reading…")
        self.fit = self._label("Whether the mask fits the frame")
        self.count = self._label("Pixels inside")
        self.kind = QComboBox(self)
        self.kind.addItems(["Inside where not 0", "Values as weights"])
        self.kind.setAccessibleName("How to take the values")
        self.kind.currentIndexChanged.connect(self._show_mask)
        self.invert = QCheckBox("Swap inside and outside", self)
        self.invert.toggled.connect(self._show_mask)
        self.buttons = QDialogButtonBox(QDialogButtonBox.Cancel, self)
        self.add_button = self.buttons.addButton("Add", QDialogButtonBox.AcceptRole)
        let_return_press(self.add_button, self.buttons)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self._enable(False)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setWordWrap(True)
        label.setAccessibleName(name)
        return label

    def _lay_out(self) -> None:
        right, row, column = QVBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        for widget in (self.fit, self.count, self.kind, self.invert):
            right.addWidget(widget)
        right.addStretch(1)
        right.setSpacing(style.GRID)
        row.setSpacing(2 * style.GRID)
        row.addWidget(self.thumbnail, 1)
        row.addLayout(right, 1)
        name = QLabel(breakable(self._path), self)
        name.setProperty("rank", "dim")
        name.setWordWrap(True)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        column.addWidget(name)
        column.addLayout(row, 1)
        column.addWidget(self.buttons)
        self.resize(72 * style.GRID, 46 * style.GRID)

    def _show_values(self, values: NDArray[Any]) -> None:
        self._values = values
        fits = tuple(values.shape) == tuple(self._frame_shape)
        size, frame = shape_words(values.shape), shape_words(self._frame_shape)
        text = f"✓ {size}, as the frame." if fits else f"✗ The mask is {size}, the frame {frame}."
        self._rank(self.fit, text, "good" if fits else "bad")
        weighted = not is_zero_one(values)
        self.kind.blockSignals(True)
        self.kind.setCurrentIndex(WEIGHTS if weighted else BINARY)
        self.kind.blockSignals(False)
        self._enable(fits)
        self.kind.setEnabled(fits and weighted)
        self._show_mask()

    def _show_mask(self) -> None:
        as_weights = self.kind.currentIndex() == WEIGHTS
        self.invert.setEnabled(not as_weights and self.add_button.isEnabled())
        inverted = self.invert.isChecked() and not as_weights
        inside = (self._values == 0) if inverted else (self._values != 0)
        self.count.setText(f"{grouped(int(inside.sum()))} pixels inside")
        self.thumbnail.show_picture(thumbnail_of(self._values if as_weights else inside.astype(np.uint8), IMAGE))

    def _show_error(self, error: Exception) -> None:
        if not isinstance(error, LtdeskError):
            raise error  # a bug: the hook reports it
        self.thumbnail.show_words("No mask")
        self._rank(self.fit, f"✗ {breakable(str(error))}", "bad")

    def _rank(self, label: QLabel, text: str, rank: str) -> None:
        label.setText(text)
        label.setProperty("rank", rank)
        label.style().polish(label)

    def _enable(self, on: bool) -> None:
        for widget in (self.add_button, self.kind, self.invert):
            widget.setEnabled(on)

    def _tell(self) -> None:
        self.chosen.emit(self.mask(), mask_name(self._path))


def _read(path: str) -> NDArray[Any]:
    return read_mask_values(path)
