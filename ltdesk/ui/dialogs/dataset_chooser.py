"""Which of the datasets inside a file to open."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ltdesk.engine.formats.format import DatasetEntry
from ltdesk.ui.look import style
from ltdesk.ui.look.sizes import dtype_words, shape_words, size_text

HEADERS = ("Dataset", "Shape", "Pixels", "Size", "Storage")


class DatasetChooser(QDialog):
    """A table of datasets; the first is chosen at the start.

    Signals
    -------
    chosen : (DatasetEntry) the user pressed Open
    """

    chosen = pyqtSignal(object)

    def __init__(self, entries: Sequence[DatasetEntry], parent: QWidget | None = None, name: str = "") -> None:
        """`name`: of the file, for the title."""
        super().__init__(parent)
        self._entries = tuple(entries)
        self.setWindowTitle(f"Choose a dataset in {name}" if name else "Choose a dataset")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.table = self._make_table()
        self.buttons = QDialogButtonBox(QDialogButtonBox.Open | QDialogButtonBox.Cancel, self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(lambda: self.chosen.emit(self.entry()))
        self._lay_out()
        self.table.selectRow(0)
        self.table.setFocus()

    def entry(self) -> DatasetEntry:
        """The chosen dataset."""
        return self._entries[max(0, self.table.currentRow())]

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(len(self._entries), len(HEADERS), self)
        table.setHorizontalHeaderLabels(list(HEADERS))
        table.setAccessibleName("Datasets in the file")
        table.setSelectionBehavior(QAbstractItemView.SelectRows)
        table.setSelectionMode(QAbstractItemView.SingleSelection)
        table.setEditTriggers(QAbstractItemView.NoEditTriggers)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.ElideMiddle)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + style.GRID + 4)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignLeft)
        header.setSectionResizeMode(QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.Interactive)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        for row, entry in enumerate(self._entries):
            for column, text in enumerate(_entry_words(entry)):
                item = QTableWidgetItem(text)
                item.setToolTip(entry.detail or text)
                table.setItem(row, column, item)
        longest = max(table.fontMetrics().horizontalAdvance(entry.path) for entry in self._entries) + 3 * style.GRID
        header.resizeSection(0, max(15 * style.GRID, min(longest, 50 * style.GRID)))
        table.itemDoubleClicked.connect(lambda _: self.accept())
        return table

    def _lay_out(self) -> None:
        words = QLabel(f"The file holds {len(self._entries)} datasets of frames.", self)
        words.setProperty("rank", "dim")
        column = QVBoxLayout(self)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        for widget in (words, self.table, self.buttons):
            column.addWidget(widget)
        self.resize(116 * style.GRID, 44 * style.GRID)


def _entry_words(entry: DatasetEntry) -> tuple[str, ...]:
    storage = f"chunks {shape_words(entry.chunks)}" if entry.chunks else "contiguous"
    storage = f"{entry.compression}, {storage}" if entry.compression else storage
    storage = f"{storage}; {entry.detail}" if entry.detail else storage
    return entry.path, shape_words(entry.shape), dtype_words(entry.dtype), size_text(entry.nbytes), storage
