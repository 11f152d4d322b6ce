"""What the window says of scans in a storage, one a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from PyQt5.QtGui import QColor

from ltdesk.ui.cluster.stored_scans_reader import Known
from ltdesk.ui.cluster.trying import plural
from ltdesk.ui.look import icons, style
from ltdesk.ui.look.sizes import dtype_words, shape_words, size_text

HEADERS = ("Name", "Scan", "Frames", "Pixels", "Size", "Copies", "Health", "Ingested from")
ROOT = QModelIndex()
SORT_ROLE = Qt.UserRole + 1


@dataclass(frozen=True)
class Health:
    """How a scan is, in a word, and in a sentence; `rank` is its colour."""

    word: str
    rank: str
    sentence: str


def health_of(known: Known) -> Health:
    """The worst that is known goes first."""
    stored = known.stored
    if stored.state == "folder":
        return Health("", "bad" if stored.problem else "dim", stored.problem)
    if known.verifying is not None:
        return Health(f"verifying, {round(100 * known.verifying)} %", "dim", "Every byte is being read and compared.")
    if stored.state == "unfinished":
        return Health(
            "unfinished", "warning", "Its ingest was stopped: sending the same scan again goes on from there."
        )
    if stored.state == "damaged":
        return Health("damaged", "bad", stored.problem)
    if known.verified:
        return Health("damaged", "bad", "\n".join(known.verified[:10]))
    if known.copies is not None and known.copies.few:
        few, total = plural(len(known.copies.few), "file"), len(stored.sidecar.partitions)
        least = f"{known.copies.fewest} of {known.copies.wanted} copies"
        return Health("under-replicated", "warning", f"{few} of {total} has fewer copies than it should: {least}.")
    if known.verified is not None:
        return Health("verified", "good", "Every byte was read and has the checksum that it was ingested with.")
    return Health(
        "whole", "good", "All its files are there, as large as they should be. Verify reads their bytes, too."
    )


def copies_text(known: Known) -> str:
    """``2 of 2``; how many are asked for where it isn't known how many there are."""
    if known.stored.sidecar is None:
        return ""
    if known.copies is None:
        return "–" if known.stored.uri.startswith("file:") else f"… of {known.stored.sidecar.replication}"
    return f"{known.copies.fewest} of {known.copies.wanted}"


def texts(known: Known) -> tuple[str, ...]:
    """A row's words."""
    stored, sidecar = known.stored, known.stored.sidecar
    health = health_of(known).word
    if sidecar is None:
        return (stored.name, "", "", "", "", "", health or "folder", "")
    return (
        stored.name,
        shape_words(sidecar.scan_shape),
        shape_words(sidecar.frame_shape),
        dtype_words(sidecar.dtype),
        size_text(sidecar.nbytes),
        copies_text(known),
        health,
        sidecar.source.identity.path,
    )


class StoredScansTable(QAbstractTableModel):
    """Rows in the order in which they were found; one that is known better changes in its place."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._rows: list[Known] = []
        self._texts: list[tuple[str, ...]] = []
        self._place: dict[str, int] = {}

    def known(self, row: int) -> Known:
        return self._rows[row]

    def texts(self, row: int) -> tuple[str, ...]:
        """A row's words, worked out once: sorting, filtering and painting ask for them again and again."""
        return self._texts[row]

    def uris(self) -> set[str]:
        return set(self._place)

    def put(self, known: Known) -> None:
        """Add a row, or say more in it."""
        row = self._place.get(known.stored.uri)
        if row is None:
            row = len(self._rows)
            self.beginInsertRows(QModelIndex(), row, row)
            self._rows.append(known)
            self._texts.append(texts(known))
            self._place[known.stored.uri] = row
            self.endInsertRows()
        elif self._rows[row] != known:
            self._rows[row], self._texts[row] = known, texts(known)
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(HEADERS) - 1))

    def remove(self, uri: str) -> None:
        """Drop a row, where there is one."""
        row = self._place.get(uri)
        if row is None:
            return
        self.beginRemoveRows(QModelIndex(), row, row)
        del self._rows[row], self._texts[row]
        self._place = {known.stored.uri: place for place, known in enumerate(self._rows)}
        self.endRemoveRows()

    def clear(self) -> None:
        """No rows."""
        self.beginResetModel()
        self._rows, self._texts, self._place = [], [], {}
        self.endResetModel()

    def rowCount(self, parent=ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent=ROOT) -> int:
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: int, role: int = Qt.DisplayRole) -> Any:
        if orientation != Qt.Horizontal:
            return None
        return {Qt.DisplayRole: HEADERS[section], Qt.TextAlignmentRole: _alignment(section)}.get(role)

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        known, column = self._rows[index.row()], index.column()
        words = self._texts[index.row()][column]
        if role == Qt.DisplayRole:
            return words
        if role == Qt.ToolTipRole:
            return health_of(known).sentence if HEADERS[column] == "Health" else words
        if role == Qt.DecorationRole and column == 0:
            return icons.icon("folder" if known.stored.state == "folder" else "dataset")
        if role == Qt.ForegroundRole and HEADERS[column] in ("Health", "Copies"):
            return QColor(getattr(style.current(), health_of(known).rank))
        if role == Qt.TextAlignmentRole:
            return _alignment(column)
        if role == SORT_ROLE:
            order = _order(known, column)
            return words if order is None else order
        return None


class FilteredScans(QSortFilterProxyModel):
    """The rows whose name, shapes or source hold all the words typed; folders first, whatever the order."""

    def __init__(self, parent=None) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self.setSortRole(SORT_ROLE)
        self.setSortCaseSensitivity(Qt.CaseInsensitive)

    def set_words(self, text: str) -> None:
        """Show only rows with these words."""
        self._words = text.casefold().split()
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        text = " ".join(self.sourceModel().texts(row)).casefold()
        return all(word in text for word in self._words)


def _alignment(column: int) -> int:
    """Of a column's cells and its header: numbers by their last digit, and what follows them apart from them."""
    side = {"Size": Qt.AlignRight, "Copies": Qt.AlignHCenter}.get(HEADERS[column], Qt.AlignLeft)
    return int(side | Qt.AlignVCenter)


def _order(known: Known, column: int) -> float | None:
    """What rows are sorted by where that are numbers."""
    sidecar = known.stored.sidecar
    if HEADERS[column] == "Size":
        return float(sidecar.nbytes) if sidecar is not None else -1.0
    if HEADERS[column] in ("Scan", "Frames"):
        shape = (
            (0, 0) if sidecar is None else (sidecar.scan_shape if HEADERS[column] == "Scan" else sidecar.frame_shape)
        )
        return float(shape[0] * shape[1])
    return None
