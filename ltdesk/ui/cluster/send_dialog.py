"""Where to send the scan that is open, how far that is, and what came of it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.ui.cluster.connect_dialog import PAUSE_MS
from ltdesk.ui.cluster.sender import Sender
from ltdesk.ui.cluster.trial import Trial
from ltdesk.ui.cluster.trying import Tried, plural, try_storage
from ltdesk.ui.dialogs.fit import fit_height
from ltdesk.ui.files.opening import file_title
from ltdesk.ui.look import figures, style
from ltdesk.ui.look.breaks import breakable
from ltdesk.ui.look.sizes import size_text

if TYPE_CHECKING:
    from ltdesk.engine.ingest import Ingested
    from ltdesk.engine.ingest_progress import Progress

STEPS = 1000


class SendDialog(QDialog):
    """Asks for folder and name, and then shows the sending. It may be closed meanwhile: sending goes on.

    Signals
    -------
    open_wanted : (str) open the copy at this URI
    hidden : () it was closed while a scan is being sent
    """

    open_wanted = pyqtSignal(str)
    hidden = pyqtSignal()

    def __init__(self, dataset: Dataset, folder: str, sender: Sender, parent: QWidget | None = None) -> None:
        """`folder`: of a storage, where scans went the last time."""
        super().__init__(parent)
        self.setWindowTitle("Send to the cluster")
        self._ref, self._sender, self._sent = dataset.ref, sender, ""
        title = file_title(dataset.ref.uri)
        self.what = QLabel(
            f"{title}   {figures.shape_text(dataset)}   {plural(len(dataset.plan()), 'partition')}", self
        )
        self.what.setFont(style.heading_font(self.font()))
        self.folder = self._field("Folder", folder, "A folder of the storage: webhdfs://namenode:9870/scans")
        self.folder.setPlaceholderText("webhdfs://namenode:9870/scans or file:///folder")
        self.name = self._field("Name", posixpath.splitext(title)[0], "What the scan is called there")
        self.room = self._label("What answers there")
        self.bar = QProgressBar(self)
        self.bar.setRange(0, STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(style.GRID)
        self.bar.setAccessibleName("Progress of sending")
        self.words = self._label("How far it is")
        self._make_buttons()
        self._lay_out()
        self._trial = Trial(try_storage, self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._wire()
        self._trial.ask(self.folder.text())
        self._show_state("ask", "dim", "Every partition is compared after it is sent; HDFS keeps two copies of each.")
        self.name.setFocus()
        self.name.selectAll()

    def reject(self) -> None:
        """Close; what is being sent goes on."""
        super().reject()
        if self._sender.busy:
            self.hidden.emit()

    def release(self) -> None:
        """The last that is asked of it: let go of threads."""
        self._pause.stop()
        self._trial.close()
        self.deleteLater()

    def _field(self, name: str, text: str, tip: str) -> QLineEdit:
        field = QLineEdit(text, self)
        field.setAccessibleName(name)
        field.setToolTip(tip)
        return field

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setAccessibleName(name)
        label.setTextFormat(Qt.PlainText)
        label.setWordWrap(True)
        label.setAlignment(Qt.AlignTop)
        label.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        label.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Minimum)
        return label

    def _make_buttons(self) -> None:
        self.buttons = QDialogButtonBox(self)
        self.close_button = self.buttons.addButton("Cancel", QDialogButtonBox.RejectRole)
        self.stop_button = self.buttons.addButton("Stop", QDialogButtonBox.ActionRole)
        self.send_button = self.buttons.addButton("Send", QDialogButtonBox.ActionRole)
        self.open_button = self.buttons.addButton("Open the copy", QDialogButtonBox.ActionRole)
        self.stop_button.setToolTip("Stop sending; what was sent stays, so that it can go on from there")
        for button in (self.close_button, self.stop_button, self.open_button):
            button.setAutoDefault(False)
        self.send_button.setDefault(True)

    def _lay_out(self) -> None:
        column, grid = QVBoxLayout(self), QGridLayout()
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(style.GRID)
        for row, (text, widget) in enumerate((("Folder", self.folder), ("", self.room), ("Name", self.name))):
            grid.addWidget(QLabel(text, self), row, 0, Qt.AlignTop if widget is self.room else Qt.AlignVCenter)
            grid.addWidget(widget, row, 1)
        column.addWidget(self.what)
        column.addLayout(grid)
        column.addWidget(self.bar)
        column.addWidget(self.words)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.setMinimumWidth(76 * style.GRID)

    def _wire(self) -> None:
        self.close_button.clicked.connect(self.reject)
        self.stop_button.clicked.connect(self._stop)
        self.send_button.clicked.connect(self._send)
        self.open_button.clicked.connect(self._open)
        self.folder.textChanged.connect(self._folder_edited)
        self._pause.timeout.connect(lambda: self._trial.ask(self.folder.text().strip()))
        for field in (self.folder, self.name):
            field.textChanged.connect(lambda _: self._update())
        self._trial.ended.connect(self._show_room)
        self._sender.progressed.connect(self._show_progress)
        self._sender.sent.connect(self._show_sent)
        self._sender.stopped.connect(self._show_stopped)
        self._sender.failed.connect(self._show_failed)

    # --- what the user does ----------------------------------------------------------------------------------

    def _folder_edited(self) -> None:
        self._trial.ask("")  # what is known is about another folder
        self._say(self.room, "dim", "")
        self._pause.start()

    def _send(self) -> None:
        self._sender.send(self._ref, self.folder.text().strip(), self.name.text().strip())
        self._show_state("sending", "dim", "Looking what is there already…")

    def _stop(self) -> None:
        self._sender.stop()
        self.stop_button.setEnabled(False)
        self._say(self.words, "dim", "Stopping…")

    def _open(self) -> None:
        self.accept()
        self.open_wanted.emit(self._sent)

    # --- what is heard ---------------------------------------------------------------------------------------

    def _show_room(self, tried: Tried) -> None:
        if tried.error is not None:
            self._say(self.room, "bad", str(tried.error))
        else:
            self._say(self.room, "dim", tried.words)

    def _show_progress(self, progress: Progress) -> None:
        self.bar.setValue(round(STEPS * progress.bytes_done / progress.bytes_total) if progress.bytes_total else 0)
        if self.stop_button.isEnabled():
            self._say(self.words, "dim", progress_words(progress))

    def _show_sent(self, done: Ingested) -> None:
        self._sent = done.uri
        self.bar.setValue(STEPS)
        words = f"It is there: {done.uri}" if done.bytes_sent else f"It was there already: {done.uri}"
        self._show_state("sent", "good", words)
        self.open_button.setFocus()

    def _show_stopped(self) -> None:
        self._show_state("stopped", "warning", "Stopped. What was sent stays there: Go on sends the rest.")

    def _show_failed(self, error: LtdeskError) -> None:
        self._show_state("failed", "bad", str(error))

    def _show_state(self, state: str, rank: str, words: str) -> None:
        self._state = state
        for field in (self.folder, self.name):
            field.setEnabled(state in ("ask", "stopped", "failed"))
        self.bar.setVisible(state != "ask")
        self.stop_button.setVisible(state == "sending")
        self.stop_button.setEnabled(True)
        self.send_button.setVisible(state in ("ask", "stopped", "failed"))
        self.send_button.setText({"stopped": "Go on", "failed": "Try again"}.get(state, "Send"))
        self.open_button.setVisible(state == "sent")
        self.close_button.setText({"ask": "Cancel", "sending": "Hide"}.get(state, "Close"))
        self._say(self.words, rank, words)
        self._update()

    def _update(self) -> None:
        name = self.name.text().strip()
        wrong = "/" in name or "\\" in name or name in (".", "..")
        self.name.setProperty("wrong", wrong)
        self.name.style().polish(self.name)
        self.send_button.setEnabled(bool(self.folder.text().strip() and name) and not wrong)

    def _say(self, label: QLabel, rank: str, words: str) -> None:
        label.setText(breakable(words))
        label.setProperty("rank", rank)
        label.style().polish(label)
        fit_height(self, self.width())


def progress_words(progress: Progress) -> str:
    """``1.2 GB of 2.1 GB · 38 of 64 partitions · 120 MB/s · 8 s left``"""
    parts = [
        f"{size_text(progress.bytes_done)} of {size_text(progress.bytes_total)}",
        f"{progress.partitions_done} of {plural(progress.partitions_total, 'partition')}",
    ]
    if progress.bytes_before:
        parts.append(f"{size_text(progress.bytes_before)} was there")
    if progress.rate > 0:
        parts.append(figures.rate_text(progress.rate))
    if progress.time_left is not None and progress.bytes_done < progress.bytes_total:
        parts.append(f"{figures.time_text(progress.time_left)} left")
    return " · ".join(parts)
