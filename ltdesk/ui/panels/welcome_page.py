"""What the window shows while nothing is open: open, recent, demo, and a place to drop a file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PyQt5.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from ltdesk.ui.look import icons, style
from ltdesk.ui.settings import Settings

if TYPE_CHECKING:  # the page does not wait for it
    from ltdesk.ui.files.autosave import LeftBehind

WIDTH = 76 * style.GRID
SHOWN_RECENT, SHOWN_OFFERS = 6, 2


class WelcomePage(QWidget):
    """A quiet page in the middle of the window.

    Signals
    -------
    open_requested : choose a file
    demo_requested : open the small demo scan
    connect_requested : connect to a cluster, or see the scans in the storage of the one that is connected
    recent_chosen : (str) a recent file or URI
    files_dropped : (list of str) paths or URLs that were dropped here
    restore_chosen : (LeftBehind) go on with what a crash left behind, or what was closed
    restore_dismissed : (LeftBehind) it is not wanted
    """

    open_requested = pyqtSignal()
    demo_requested = pyqtSignal()
    connect_requested = pyqtSignal()
    recent_chosen = pyqtSignal(str)
    files_dropped = pyqtSignal(list)
    restore_chosen = pyqtSignal(object)
    restore_dismissed = pyqtSignal(object)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._dragged_over = False
        self.setAcceptDrops(True)
        self.open_button = self._button("open", "Open a scan…", "Open a scan (Ctrl+O)", self.open_requested.emit)
        self.demo_button = self._button(
            "demo", "Open the demo", "Make and open the small demo scan", self.demo_requested.emit
        )
        self.connect_button = self._button(
            "connect", "Connect…", "Connect to a cluster (Ctrl+Shift+N)", self.connect_requested.emit
        )
        self.open_button.setDefault(True)
        self.recent_buttons: list[QPushButton] = []
        self.offers: list[QFrame] = []
        self._waiting: list[LeftBehind] = []
        self._lay_out()
        self.refresh()

    def refresh(self) -> None:
        """Read the recent files again."""
        for button in self.recent_buttons:
            button.setParent(None)
            button.deleteLater()
        recent = self._settings.recent()[:SHOWN_RECENT]
        self.recent_buttons = [self._recent_button(uri) for uri in recent]
        for button in self.recent_buttons:
            self._recent.addWidget(button)
        self.recent_heading.setVisible(bool(recent))

    def offer_restore(self, sessions: Sequence[LeftBehind]) -> None:
        """Offer sessions that a crash left behind, or that were closed unsaved."""
        self._waiting += sessions
        self._show_offers()

    def show_connected(self, storage: str) -> None:
        """Which storage is connected; empty: none."""
        text, tip = "Connect…", "Connect to a cluster (Ctrl+Shift+N)"
        if storage:
            text, tip = "Scans in the storage…", f"The scans in {storage} (Ctrl+Shift+B)"
        self.connect_button.setText(f"  {text}")
        self.connect_button.setIcon(icons.icon("stored" if storage else "connect"))
        self.connect_button.setToolTip(tip)
        self.connect_button.setAccessibleName(text.rstrip("…"))

    def _lay_out(self) -> None:
        title = QLabel("ltdesk", self)
        title.setFont(style.heading_font(self.font(), 2.2))
        purpose = self._dim("Draw virtual detectors on a diffraction frame and see their images, live.")
        self.recent_heading = self._dim("Recent")
        buttons = QHBoxLayout()
        buttons.setSpacing(style.GRID)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.demo_button)
        buttons.addWidget(self.connect_button)
        buttons.addStretch(1)
        self._recent, self._offers, inner = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        self._recent.setSpacing(0)
        for part in (title, purpose, style.GRID, self._offers, self._others(), style.GRID, buttons, style.GRID * 2):
            _add(inner, part)
        for part in (self.recent_heading, self._recent, style.GRID * 2, self._dim("Or drop a file anywhere.")):
            _add(inner, part)
        self._centre(inner)

    def _others(self) -> QFrame:
        """How many sessions are left behind beyond those that are shown."""
        self.others = QFrame(self)
        self._how_many = self._dim("")
        discard = QPushButton("Discard all", self.others)
        discard.setFlat(True)
        discard.setAccessibleName("Discard all sessions that were left behind")
        discard.setToolTip("Discard all sessions that were left behind, the ones above too")
        discard.clicked.connect(self._discard_all)
        row = QHBoxLayout(self.others)
        row.setContentsMargins(style.GRID + 4, 0, style.GRID + 4, 0)
        row.addWidget(self._how_many, 1)
        row.addWidget(discard)
        self.others.hide()
        return self.others

    def _centre(self, inner: QVBoxLayout) -> None:
        """In the middle, and scrolled where the window is smaller."""
        inside, area = QWidget(self), QScrollArea(self)
        holder = QWidget(inside)
        holder.setFixedWidth(WIDTH)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(style.GRID)
        holder.setLayout(inner)
        column = QVBoxLayout(inside)
        row = QHBoxLayout()  # an alignment would take the words' height for one that they have on wider lines
        row.addStretch(1)
        row.addWidget(holder)
        row.addStretch(1)
        column.addStretch(2)
        column.addLayout(row)
        column.addStretch(3)
        area.setWidget(inside)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.NoFrame)
        area.setFocusPolicy(Qt.NoFocus)
        for ground in (inside, area.viewport()):
            ground.setAutoFillBackground(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)

    def _dim(self, text: str) -> QLabel:
        label = QLabel(text, self)
        label.setProperty("rank", "dim")
        label.setWordWrap(True)
        return label

    def _button(self, icon: str, text: str, tip: str, do: Callable[[], None]) -> QPushButton:
        button = QPushButton(icons.icon(icon, "on_accent" if icon == "open" else ""), f"  {text}", self)
        button.setIconSize(QSize(icons.SIZE, icons.SIZE))
        button.setAccessibleName(text.rstrip("…"))
        button.setToolTip(tip)
        button.clicked.connect(lambda: do())
        return button

    def _recent_button(self, uri: str) -> QPushButton:
        folder, name = os.path.split(uri)
        button = _RecentButton(name or uri, folder, self)
        button.setToolTip(uri)
        button.setAccessibleName(f"Open {uri}")
        button.clicked.connect(partial(self.recent_chosen.emit, uri))
        return button

    def _offer(self, left: LeftBehind) -> QFrame:
        offer = QFrame(self)
        offer.setProperty("surface", "panel")
        why = "Closed unsaved." if left.path is None else "ltdesk ended unexpectedly."
        words = QLabel(f"{why} {_what_was_open(left)}", offer)
        words.setTextFormat(Qt.PlainText)
        words.setWordWrap(True)
        restore, dismiss = QPushButton("Restore", offer), QPushButton("Discard", offer)
        restore.setAccessibleName("Restore the session")
        dismiss.setAccessibleName("Discard the session")
        dismiss.setObjectName("discard")
        restore.clicked.connect(lambda: self._answer(offer, left, self.restore_chosen))
        dismiss.clicked.connect(lambda: self._answer(offer, left, self.restore_dismissed))
        row = QHBoxLayout(offer)
        row.setContentsMargins(*[style.GRID + 4] * 4)
        row.addWidget(words, 1)
        row.addWidget(restore)
        row.addWidget(dismiss)
        return offer

    def _show_offers(self) -> None:
        while self._waiting and len(self.offers) < SHOWN_OFFERS:
            offer = self._offer(self._waiting.pop(0))
            self.offers.append(offer)
            self._offers.addWidget(offer)
        number = len(self._waiting)
        self._how_many.setText(f"{number} older session{'' if number == 1 else 's'} left behind")
        self.others.setVisible(number > 0)

    def _discard_all(self) -> None:
        while self.offers:  # the next takes its place
            self.offers[0].findChild(QPushButton, "discard").click()

    def _answer(self, offer: QFrame, left: LeftBehind, signal) -> None:
        self.offers.remove(offer)
        offer.hide()
        offer.deleteLater()
        signal.emit(left)
        self._show_offers()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            self._mark(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        urls = event.mimeData().urls()
        self.files_dropped.emit([url.toLocalFile() or url.toString() for url in urls])
        event.acceptProposedAction()

    def _mark(self, on: bool) -> None:
        self._dragged_over = on
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._dragged_over:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.Antialiasing)
            painter.setPen(QPen(QColor(style.current().accent), 2, Qt.DashLine))
            edge = 2 * style.GRID
            painter.drawRoundedRect(self.rect().adjusted(edge, edge, -edge, -edge), style.GRID, style.GRID)


class _RecentButton(QPushButton):
    """A file's name with its folder behind it in grey, cut in the middle where there is no room."""

    def __init__(self, name: str, folder: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._name, self._folder = name, folder
        self.setFlat(True)
        self.setCursor(Qt.PointingHandCursor)
        self.setFixedHeight(self.fontMetrics().height() + 2 * style.GRID)
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter, metrics = QPainter(self), self.fontMetrics()
        box = self.rect().adjusted(style.GRID, 0, -style.GRID, 0)
        name = metrics.elidedText(self._name, Qt.ElideMiddle, box.width() * 2 // 3)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(box, int(Qt.AlignVCenter), name)
        box.setLeft(box.left() + metrics.horizontalAdvance(name) + 2 * style.GRID)
        painter.setPen(QColor(style.current().dim))
        painter.drawText(box, int(Qt.AlignVCenter), metrics.elidedText(self._folder, Qt.ElideMiddle, box.width()))


def _add(column: QVBoxLayout, part: QWidget | QVBoxLayout | QHBoxLayout | int) -> None:
    if isinstance(part, int):
        column.addSpacing(part)
    elif isinstance(part, QWidget):
        column.addWidget(part)
    else:
        column.addLayout(part)


def _what_was_open(left: LeftBehind) -> str:
    session = left.session
    name = os.path.basename(session.dataset.uri) if session.dataset else "No file"
    number = len(session.detectors)
    when = time.strftime("%d %B, %H:%M", time.localtime(left.saved_at)).lstrip("0")
    return f"{name} with {number} detector{'' if number == 1 else 's'} was open ({when})."
