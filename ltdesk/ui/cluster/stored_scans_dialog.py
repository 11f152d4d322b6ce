"""The scans in a storage: which there are, how they are, opening, verifying and deleting them."""

from __future__ import annotations

import posixpath

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QShortcut,
    QStackedLayout,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ltdesk.errors import LtdeskError
from ltdesk.ui.cluster.stored_scans_reader import Known, StoredScansReader
from ltdesk.ui.cluster.stored_scans_table import HEADERS, FilteredScans, StoredScansTable, health_of
from ltdesk.ui.cluster.trying import plural
from ltdesk.ui.look import icons, style
from ltdesk.ui.look.breaks import breakable
from ltdesk.ui.look.sizes import size_text

EMPTY = "There is no scan here yet. Send one with Cluster ▸ Send to Cluster…, or by ltdesk ingest."
NO_MATCH = "No scan has these words."
WIDTHS = {"Name": 26, "Scan": 11, "Frames": 12, "Pixels": 18, "Size": 10, "Copies": 9, "Health": 15}
"""Of columns, in grid units; the last takes what is left."""


class StoredScansDialog(QDialog):
    """Stays open beside the window until it is closed.

    Signals
    -------
    open_wanted : (str) open the scan at this URI
    """

    open_wanted = pyqtSignal(str)

    def __init__(self, uri: str, parent: QWidget | None = None) -> None:
        """`uri`: the folder to begin with; there is no way up from it."""
        super().__init__(parent)
        self.setWindowTitle("Scans in the cluster's storage")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._root, self._folder = uri.rstrip("/"), uri.rstrip("/")
        self._error: LtdeskError | None = None
        self._before: set[str] = set()
        self.reader = StoredScansReader(self)
        self.model = StoredScansTable(self)
        self.rows = FilteredScans(self)
        self.rows.setSourceModel(self.model)
        self._make_head()
        self._make_table()
        self._make_foot()
        self._lay_out()
        self._wire()
        self.look()
        self.table.setFocus()

    def look(self, folder: str = "") -> None:
        """List the folder again, or another one."""
        if folder and folder != self._folder:
            self._folder = folder
            self.model.clear()
        self.reader.look(self._folder)

    def selected(self) -> Known | None:
        """The row that is chosen."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.known(self.rows.mapToSource(rows[0]).row()) if rows else None

    def select(self, uri: str) -> None:
        """Choose the row of a scan."""
        for row in range(self.rows.rowCount()):
            if self.model.known(self.rows.mapToSource(self.rows.index(row, 0)).row()).stored.uri == uri:
                self.table.selectRow(row)

    def open_selected(self) -> None:
        """Open the scan that is chosen, or go into the folder."""
        known = self.selected()
        if known is None:
            return
        if known.stored.state == "folder":
            self.look(known.stored.uri)
        elif known.stored.sidecar is not None:
            self.open_wanted.emit(known.stored.uri)
        else:
            self._say("warning", health_of(known).sentence)

    def go_up(self) -> None:
        """To the folder that holds this one."""
        if self._folder != self._root:
            self.look(posixpath.dirname(self._folder))

    def verify_selected(self) -> None:
        """Read every byte of the scan that is chosen; pressed again, stop."""
        known = self.selected()
        if known is None or known.stored.sidecar is None:
            return
        if known.verifying is not None:
            self.reader.stop_verifying(known.stored.uri)
        else:
            self.reader.verify(known)

    def delete_selected(self) -> None:
        """Delete the scan that is chosen, once the user has confirmed it."""
        known = self.selected()
        if known is None or known.stored.state == "folder":
            return
        stored = known.stored
        size = f" ({size_text(stored.nbytes)})" if stored.nbytes else ""
        box = QMessageBox(QMessageBox.Warning, "Delete a scan", f"Delete {stored.name}{size}?", parent=self)
        box.setInformativeText(breakable(f"{stored.uri}\nIt is removed from the storage for everyone, for good."))
        delete = box.addButton("Delete", QMessageBox.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.Cancel))
        box.setAttribute(Qt.WA_DeleteOnClose)
        box.buttonClicked.connect(lambda button: self.reader.remove(stored.uri) if button is delete else None)
        box.open()

    # --- what it is made of ----------------------------------------------------------------------------------

    def _make_head(self) -> None:
        self.up_button = self._tool("up", "The folder above (Backspace)", self.go_up)
        self.place = QLabel(self)
        self.place.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.place.setAccessibleName("Folder")
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText("Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter the scans")
        self.filter.setToolTip("Show only scans with these words (Ctrl+F)")
        self.filter.setFixedWidth(26 * style.GRID)
        self.refresh_button = self._tool("retry", "Look again (F5)", self.look)

    def _make_table(self) -> None:
        table = self.table = QTableView(self)
        table.setModel(self.rows)
        table.setAccessibleName("Scans in the storage")
        table.setSelectionBehavior(QAbstractItemView.SelectRows)
        table.setSelectionMode(QAbstractItemView.SingleSelection)
        table.setEditTriggers(QAbstractItemView.NoEditTriggers)
        table.setTabKeyNavigation(False)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.ElideMiddle)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.AscendingOrder)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + style.GRID + 4)
        header = table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignLeft | Qt.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.Interactive)
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        for column, name in enumerate(HEADERS[:-1]):
            header.resizeSection(column, WIDTHS[name] * style.GRID)
        self.nothing = QLabel(self)
        self.nothing.setAlignment(Qt.AlignCenter)
        self.nothing.setWordWrap(True)
        self.nothing.setTextFormat(Qt.PlainText)
        self.nothing.setAccessibleName("Why there is nothing to see")

    def _make_foot(self) -> None:
        self.words = QLabel(self)
        self.words.setAccessibleName("About the scan")
        self.words.setTextFormat(Qt.PlainText)
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.words.setAlignment(Qt.AlignTop)
        self.open_button = self._button("Open", "Open the scan (Enter)", self.open_selected)
        self.verify_button = self._button("Verify", "Read every byte and compare checksums", self.verify_selected)
        self.delete_button = self._button("Delete…", "Delete the scan from the storage (Del)", self.delete_selected)
        self.close_button = self._button("Close", "Close this list (Esc)", self.close)
        self.open_button.setDefault(True)

    def _tool(self, icon: str, tip: str, do) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icons.icon(icon))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.clicked.connect(lambda: do())
        return button

    def _button(self, text: str, tip: str, do) -> QPushButton:
        button = QPushButton(text, self)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        button.clicked.connect(lambda: do())
        return button

    def _lay_out(self) -> None:
        column, head, foot, self._pages = QVBoxLayout(self), QHBoxLayout(), QHBoxLayout(), QStackedLayout()
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        head.addWidget(self.up_button)
        head.addWidget(self.place, 1)
        head.addWidget(self.filter)
        head.addWidget(self.refresh_button)
        self._pages.addWidget(self.table)
        self._pages.addWidget(self.nothing)
        for button in (self.verify_button, self.delete_button):
            foot.addWidget(button)
        foot.addStretch(1)
        for button in (self.close_button, self.open_button):
            foot.addWidget(button)
        column.addLayout(head)
        column.addLayout(self._pages, 1)
        column.addWidget(self.words)
        column.addLayout(foot)
        self.resize(132 * style.GRID, 60 * style.GRID)

    def _wire(self) -> None:
        self.table.doubleClicked.connect(lambda _: self.open_selected())
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._update())
        self.filter.textChanged.connect(self._filter)
        reader = self.reader
        reader.began.connect(self._began)
        reader.found.connect(self._found)
        reader.ended.connect(self._ended)
        reader.failed.connect(lambda _uri, error: self._say("bad", str(error)))
        reader.removed.connect(self._removed)
        self.finished.connect(lambda _: reader.close())
        for keys, do in (
            ("Return", self.open_selected), ("Enter", self.open_selected), ("Backspace", self.go_up),
            ("Delete", self.delete_selected),
        ):  # fmt: skip
            QShortcut(QKeySequence(keys), self.table, do, context=Qt.WidgetShortcut)
        QShortcut(QKeySequence("F5"), self, self.look)
        QShortcut(QKeySequence("Ctrl+F"), self, self.filter.setFocus)

    # --- what is heard of the storage ------------------------------------------------------------------------

    def _began(self, uri: str) -> None:
        self._error, self._before = None, self.model.uris()
        self.place.setText(breakable(uri))
        self.up_button.setEnabled(self._folder != self._root)
        self.refresh_button.setEnabled(False)
        self._show_page("Looking…")
        self._update()

    def _found(self, known: Known) -> None:
        self._before.discard(known.stored.uri)
        chosen = self.selected()
        self.model.put(known)
        if chosen is None and self.rows.rowCount():
            self.table.selectRow(0)
        self._show_page("Looking…")
        self._update()

    def _ended(self, error: LtdeskError | None) -> None:
        self._error = error
        self.refresh_button.setEnabled(True)
        for uri in self._before if error is None else ():  # they are not there any more
            self.model.remove(uri)
        self._show_page(EMPTY)
        self._update()

    def _removed(self, uri: str) -> None:
        self.model.remove(uri)
        self._show_page(EMPTY)
        self._update()
        self._say("dim", f"{uri} is deleted.")

    def _filter(self, text: str) -> None:
        self.rows.set_words(text)
        if self.selected() is None and self.rows.rowCount():
            self.table.selectRow(0)
        self._show_page(EMPTY)
        self._update()

    def _show_page(self, nothing: str) -> None:
        """The table, or why it is empty."""
        if self._error is not None and not self.model.rowCount():
            nothing = str(self._error)
        elif self.model.rowCount():
            nothing = NO_MATCH
        self.nothing.setText(breakable(nothing))
        rank = "bad" if self._error is not None else "dim"
        self.nothing.setProperty("rank", rank)
        self.nothing.style().polish(self.nothing)
        self._pages.setCurrentWidget(self.table if self.rows.rowCount() else self.nothing)

    def _update(self) -> None:
        known = self.selected()
        is_scan = known is not None and known.stored.state != "folder"
        self.open_button.setEnabled(known is not None and (known.stored.sidecar is not None or not is_scan))
        self.verify_button.setEnabled(known is not None and known.stored.sidecar is not None)
        self.verify_button.setText("Stop" if known is not None and known.verifying is not None else "Verify")
        self.delete_button.setEnabled(is_scan)
        if self._error is not None and self.model.rowCount():
            self._say("bad", str(self._error))
        elif known is None:
            self._say("dim", "")
        else:
            health = health_of(known)
            self._say(health.rank if health.rank != "good" else "dim", self._about(known, health.sentence))

    def _about(self, known: Known, sentence: str) -> str:
        sidecar = known.stored.sidecar
        if sidecar is None:
            return sentence
        frames = "" if sidecar.frames_good == sidecar.frames_expected else (
            f"{sidecar.frames_good:,} of {sidecar.frames_expected:,} frames. "
        )  # fmt: skip
        return f"{frames}{sentence} {plural(len(sidecar.partitions), 'partition')}, from {sidecar.source_format}."

    def _say(self, rank: str, words: str) -> None:
        self.words.setText(breakable(words))
        self.words.setProperty("rank", rank)
        self.words.style().polish(self.words)
