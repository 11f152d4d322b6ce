"""Shapes of a headerless file: by hand or from a list of candidates, with the sizes compared and a preview."""

from __future__ import annotations

import math
import os

import numpy as np
from PyQt5.QtCore import QLocale, Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ltdesk.engine.formats.guess import ShapeGuess, fit, guess_shapes
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef
from ltdesk.ui.dialogs.raw_preview import RawPreview
from ltdesk.ui.files.raw_judge import best_looking
from ltdesk.ui.live.latest_answer import LatestAnswer
from ltdesk.ui.look import style
from ltdesk.ui.look.breaks import breakable
from ltdesk.ui.look.sizes import dtype_words, grouped, shape_words, size_text

DTYPES = ("|u1", "<u2", "<u4", "|i1", "<i2", "<i4", "<f4", "<f8", ">u2", ">u4", ">i2", ">i4", ">f4", ">f8")
NO_GUESS = "No usual shapes fill this file: give them above. Frames that the file lacks stay empty."
SHOWN_ROWS = 5
FITS = 3


class RawOpenDialog(QDialog):
    """Asks how to read the file at `path`; `ref()` says it.

    Signals
    -------
    chosen : (DatasetRef) the user pressed Open
    """

    chosen = pyqtSignal(object)

    def __init__(self, path: str, parent: QWidget | None = None, known: DatasetRef | None = None) -> None:
        """`known`: shapes to begin with, as those that did not fit; by default the likeliest guess."""
        super().__init__(parent)
        self.setWindowTitle(f"Open {os.path.basename(path)}")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._path = path
        self._size = _file_size(path)
        self._guesses = _guesses(path)
        self._make_fields()
        self._make_status()
        self.preview = RawPreview(self)
        self.candidates = self._make_candidates()
        self._lay_out()
        self._touched = known is not None
        self._start(known)
        self.judge = LatestAnswer(self, "raw guesses")
        self.judge.answered.connect(self._take_judgement)
        self.judge.ask(lambda: _best_looking(path, self._guesses))
        self.finished.connect(self._close_threads)
        self.accepted.connect(lambda: self.chosen.emit(self.ref()))

    def ref(self) -> DatasetRef:
        """The file with the shapes as they are set."""
        return DatasetRef(
            uri=self._path,
            scan_shape=self.scan_shape,
            frame_shape=self.frame_shape,
            dtype=self.dtype.currentData(),
            offset=self.offset.value(),
            sync_offset=self.sync_offset.value(),
        )

    @property
    def scan_shape(self) -> Size2D:
        """(sy, sx)"""
        return self.scan_y.value(), self.scan_x.value()

    @property
    def frame_shape(self) -> Size2D:
        """(ky, kx)"""
        return self.frame_y.value(), self.frame_x.value()

    def _make_fields(self) -> None:
        self.frame_y, self.frame_x = self._side("Frame height, ky"), self._side("Frame width, kx")
        self.scan_y, self.scan_x = self._side("Scan rows, sy"), self._side("Scan columns, sx")
        self.offset = self._number("Offset: bytes before the first frame", 0, 2**31 - 1, " bytes")
        self.sync_offset = self._number(
            "Frames to skip before the scan (negative: frames missing there)", -(2**30), 2**30, " frames"
        )
        self.dtype = QComboBox(self)
        self.dtype.setAccessibleName("Type of the pixels")
        self.dtype.setToolTip("Type of the pixels")
        for dtype in DTYPES:
            self.dtype.addItem(f"{dtype_words(dtype)}  ({dtype})", dtype)
        self.dtype.currentIndexChanged.connect(self._update)

    def _side(self, name: str) -> QSpinBox:
        return self._number(name, 1, 2**20, "")

    def _number(self, name: str, least: int, most: int, suffix: str) -> QSpinBox:
        box = QSpinBox(self)
        box.setLocale(QLocale.c())
        box.setRange(least, most)
        box.setSuffix(suffix)
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.setAlignment(Qt.AlignRight)
        box.setMinimumWidth(11 * style.GRID)
        box.valueChanged.connect(self._update)
        return box

    def _make_status(self) -> None:
        self.sizes, self.status = QLabel(self), QLabel(self)
        self.sizes.setFont(style.figures_font(self.font()))
        for label, name in ((self.sizes, "Sizes"), (self.status, "Whether the sizes fit")):
            label.setAccessibleName(name)
            label.setWordWrap(True)
        self.status.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.status.setAlignment(Qt.AlignTop)
        self.buttons = QDialogButtonBox(QDialogButtonBox.Open | QDialogButtonBox.Cancel, self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)

    def _make_candidates(self) -> QTableWidget:
        table = QTableWidget(len(self._guesses), 4, self)
        table.setHorizontalHeaderLabels(["Scan", "Frame", "Pixels", "Fits"])
        table.setAccessibleName("Likely shapes")
        table.setToolTip("Shapes that this file could have, the likeliest first: click one to try it")
        table.setSelectionBehavior(QAbstractItemView.SelectRows)
        table.setSelectionMode(QAbstractItemView.SingleSelection)
        table.setEditTriggers(QAbstractItemView.NoEditTriggers)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + style.GRID)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(FITS, QHeaderView.Stretch)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignLeft)
        table.horizontalHeader().setHighlightSections(False)
        for row, guess in enumerate(self._guesses):
            for column, text in enumerate(_guess_words(guess)):
                table.setItem(row, column, QTableWidgetItem(text))
        header = table.horizontalHeader().sizeHint().height()
        table.setMinimumHeight(header + SHOWN_ROWS * table.verticalHeader().defaultSectionSize())
        if not self._guesses:
            self._say_no_guess(table)
        table.itemSelectionChanged.connect(self._take_candidate)
        table.itemDoubleClicked.connect(lambda _: self._accept_if_possible())
        return table

    def _say_no_guess(self, table: QTableWidget) -> None:
        table.setAccessibleDescription(NO_GUESS)
        words = QLabel(NO_GUESS, table)
        words.setProperty("rank", "dim")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignCenter)
        row = QVBoxLayout(table.viewport())
        row.addWidget(words)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(style.GRID)
        form.setVerticalSpacing(style.GRID)
        form.addRow("Scan", _pair(self.scan_y, self.scan_x))
        form.addRow("Frame", _pair(self.frame_y, self.frame_x))
        form.addRow("Pixels", self.dtype)
        form.addRow("Offset", self.offset)
        form.addRow("Skip", self.sync_offset)
        left, top, column = QVBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        left.setSpacing(style.GRID)
        left.addLayout(form)
        left.addWidget(self.sizes)
        left.addWidget(self.status)
        left.addStretch(1)
        top.setSpacing(3 * style.GRID)
        top.addLayout(left, 0)
        top.addWidget(self.preview, 1)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        intro = QLabel(breakable(f"{self._path} does not say its shapes."), self)
        intro.setProperty("rank", "dim")
        intro.setWordWrap(True)
        column.addWidget(intro)
        column.addLayout(top)
        column.addWidget(self.candidates, 1)
        column.addWidget(self.buttons)
        self.resize(100 * style.GRID, 72 * style.GRID)

    def _start(self, known: DatasetRef | None) -> None:
        if known is not None and known.frame_shape and known.dtype:
            self._set(known.scan_shape or (1, 1), known.frame_shape, known.dtype, known.offset)
            self.sync_offset.setValue(known.sync_offset)
        elif self._guesses:
            self._mark_row(0)
        else:
            self._set((1, 1), (256, 256), "<u2", 0)

    def _take_judgement(self, best: int | None) -> None:
        """Mark the guess that looks like frames, and take it unless the user has begun to choose."""
        if best is None:
            return
        fits = self.candidates.item(best, FITS)
        fits.setText(f"{fits.text()}, and looks like frames")
        if not self._touched:
            self._mark_row(best)

    def _mark_row(self, row: int) -> None:
        self.candidates.selectRow(row)
        self._touched = False

    def _close_threads(self) -> None:
        self.preview.close_threads()
        self.judge.close()

    def _take_candidate(self) -> None:
        self._touched = True
        rows = self.candidates.selectionModel().selectedRows()
        if rows:
            guess = self._guesses[rows[0].row()]
            self._set(guess.scan_shape, guess.frame_shape, guess.dtype, guess.offset)

    def _set(self, scan: Size2D, frame: Size2D, dtype: str, offset: int) -> None:
        fields = (self.scan_y, self.scan_x, self.frame_y, self.frame_x, self.offset, self.dtype)
        for field in fields:
            field.blockSignals(True)
        for box, value in zip(fields[:5], (*scan, *frame, offset), strict=True):
            box.setValue(value)
        self.dtype.setCurrentIndex(max(0, self.dtype.findData(np.dtype(dtype).str)))
        for field in fields:
            field.blockSignals(False)
        self._show_fit()

    def _update(self) -> None:
        self._touched = True
        self._show_fit()

    def _show_fit(self) -> None:
        """Say whether the sizes fit, and preview."""
        dtype, offset = self.dtype.currentData(), self.offset.value()
        frame_bytes = math.prod(self.frame_shape) * np.dtype(dtype).itemsize
        needed = offset + math.prod(self.scan_shape) * frame_bytes
        frames, left_over = fit(self._size, self.scan_shape, self.frame_shape, dtype, offset)
        self.sizes.setText(f"File  {grouped(self._size)} bytes\nNeeds {grouped(needed)} bytes")
        rank, text = _verdict(frames, left_over, frame_bytes, math.prod(self.scan_shape))
        self.status.setText(text)
        self.status.setProperty("rank", rank)
        self.status.style().polish(self.status)
        self.buttons.button(QDialogButtonBox.Open).setEnabled(frames > 0)
        if frames > 0:
            self.preview.show_ref(self.ref())
        else:
            self.preview.show_nothing("Not one frame fits")

    def _accept_if_possible(self) -> None:
        if self.buttons.button(QDialogButtonBox.Open).isEnabled():
            self.accept()


def _verdict(frames: int, left_over: int, frame_bytes: int, positions: int) -> tuple[str, str]:
    """How the sizes fit, as a rank (good, warning, bad) and in words."""
    if frames < 1:
        return "bad", "✗ The file is too small for one frame."
    if left_over == 0:
        return "good", "✓ The sizes fit exactly."
    if left_over > 0:
        whole, rest = divmod(left_over, frame_bytes)
        parts = [f"{grouped(whole)} frames"] * bool(whole) + [f"{grouped(rest)} bytes"] * bool(rest)
        return "warning", f"{' and '.join(parts)} at the end are left over."
    return (
        "bad",
        f"✗ The file has {grouped(frames)} of the scan's {grouped(positions)} frames: the rest stays empty.",
    )


def _guess_words(guess: ShapeGuess) -> tuple[str, str, str, str]:
    offset = f", after {guess.offset} bytes" if guess.offset else ""
    if guess.left_over == 0:
        fits = "exactly"
    else:
        fits = f"{size_text(abs(guess.left_over))} {'left over' if guess.left_over > 0 else 'missing'}"
    pixels = f"{dtype_words(guess.dtype)}{offset}"
    return shape_words(guess.scan_shape), shape_words(guess.frame_shape), pixels, fits


def _pair(first: QSpinBox, second: QSpinBox) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(first, 1)
    row.addWidget(QLabel("×"))
    row.addWidget(second, 1)
    return row


def _file_size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _best_looking(path: str, guesses: list[ShapeGuess]) -> int | None:
    try:
        return best_looking(path, guesses)
    except OSError:  # said again, and better, when it is opened
        return None


def _guesses(path: str) -> list[ShapeGuess]:
    try:
        return guess_shapes(path)
    except OpenError:  # said again, and better, when it is opened
        return []
