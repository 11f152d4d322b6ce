"""Where to compute and where scans are kept: two addresses, each tried while it is typed."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt5.QtCore import Qt, QTimer, pyqtSignal
from PyQt5.QtGui import QPixmap
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from ltdesk.ui.cluster.trial import Trial
from ltdesk.ui.cluster.trying import Tried, try_scheduler, try_storage
from ltdesk.ui.dialogs.fit import fit_height
from ltdesk.ui.look import icons, style
from ltdesk.ui.look.breaks import breakable

PAUSE_MS = 400
"""An address is tried once nothing was typed for so long."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """What the user connects to: a scheduler that answers, or none; a storage that answers, or none."""

    scheduler: Tried | None
    storage: Tried | None


class ConnectDialog(QDialog):
    """Asks for the addresses, and says of each at once what answers there.

    Signals
    -------
    chosen : (Chosen) the user pressed Connect; the connection is the receiver's
    """

    chosen = pyqtSignal(object)

    def __init__(self, scheduler: str = "", storage: str = "", parent: QWidget | None = None) -> None:
        """`scheduler`, `storage`: what was connected last; it is tried at once."""
        super().__init__(parent)
        self.setWindowTitle("Connect to a cluster")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.scheduler = _AddressRow(
            "Scheduler", "tcp://host:8786", "Who computes: the address that dask scheduler says when it starts.",
            Trial(try_scheduler, self), self,
        )  # fmt: skip
        self.storage = _AddressRow(
            "Storage", "webhdfs://namenode:9870/scans or file:///folder",
            "Where scans are kept: a folder in HDFS, or one that all machines share.",
            Trial(try_storage, self), self,
        )  # fmt: skip
        self.rows = (self.scheduler, self.storage)
        self._hurried = False
        self.buttons = QDialogButtonBox(QDialogButtonBox.Cancel, self)
        self.connect_button = self.buttons.addButton("Connect", QDialogButtonBox.AcceptRole)
        self.connect_button.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(lambda _: self._let_go())
        self._lay_out()
        for row, address in zip(self.rows, (scheduler, storage), strict=True):
            row.changed.connect(self._update)
            row.address.returnPressed.connect(self._hurry)
            row.set_address(address)
        self._update()
        self.scheduler.address.setFocus()
        self.scheduler.address.selectAll()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(2 * style.GRID)
        for row in self.rows:
            column.addWidget(row)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.setMinimumWidth(80 * style.GRID)
        fit_height(self)

    def _update(self) -> None:
        """Connect what answers: one of the two is enough, but not beside one that doesn't."""
        given = [row for row in self.rows if row.given]
        ready = [row for row in given if row.trial.result is not None and row.trial.result.error is None]
        self.connect_button.setEnabled(bool(ready) and len(ready) == len(given))
        fit_height(self, self.width())
        if any(row.trial.result is not None and row.trial.result.error is not None for row in given):
            self._hurried = False
        if self._hurried and self.connect_button.isEnabled():
            self.accept()

    def _hurry(self) -> None:
        """Enter: connect, as soon as what is being tried has answered."""
        self._hurried = True
        self._update()

    def accept(self) -> None:
        """Connect: the connection goes to whoever listens."""
        self.chosen.emit(Chosen(self.scheduler.trial.take(), self.storage.trial.take()))
        super().accept()

    def _let_go(self) -> None:
        for row in self.rows:
            row.close()


class _AddressRow(QWidget):
    """A named address, what it is for, and what answers there."""

    changed = pyqtSignal()

    def __init__(self, name: str, example: str, purpose: str, trial: Trial, parent: QWidget) -> None:
        super().__init__(parent)
        self.trial = trial
        self.heading = QLabel(name, self)
        self.heading.setFont(style.heading_font(self.font()))
        self.purpose = QLabel(purpose, self)
        self.purpose.setProperty("rank", "dim")
        self.purpose.setWordWrap(True)
        self.address = QLineEdit(self)
        self.address.setPlaceholderText(example)
        self.address.setAccessibleName(f"{name} address")
        self.address.setToolTip(purpose)
        self.address.setClearButtonEnabled(True)
        self.mark = QLabel(self)
        self.mark.setFixedSize(icons.SIZE, icons.SIZE)
        self.words = QLabel(self)
        self.words.setAccessibleName(f"What answers at the {name.lower()} address")
        self.words.setTextFormat(Qt.PlainText)
        self.words.setWordWrap(True)
        self.words.setMinimumHeight(2 * self.fontMetrics().lineSpacing())
        self.words.setAlignment(Qt.AlignTop)
        self._lay_out()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self._try)
        self.address.textChanged.connect(self._edited)
        self.address.editingFinished.connect(self._hurry)
        trial.ended.connect(self._show)

    @property
    def given(self) -> str:
        """The address that is typed; empty: none."""
        return self.address.text().strip()

    def set_address(self, address: str) -> None:
        """Put an address in, and try it now."""
        self.address.setText(address)
        self._try()

    def close(self) -> bool:
        """Try no more."""
        self._pause.stop()
        self.trial.close()
        return super().close()

    def _lay_out(self) -> None:
        column, row = QVBoxLayout(self), QHBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.GRID // 2)
        row.addWidget(self.mark, 0, Qt.AlignTop)
        row.addWidget(self.words, 1)
        for widget in (self.heading, self.purpose, self.address):
            column.addWidget(widget)
        column.addLayout(row)

    def _edited(self) -> None:
        self.trial.ask("")  # what is known is about another address
        self._say("", "")
        self._pause.start()

    def _hurry(self) -> None:
        """Enter, or another field: try now."""
        if self._pause.isActive():
            self._try()

    def _try(self) -> None:
        self._pause.stop()
        self.trial.ask(self.given)
        self._say("dim", f"trying {self.given}…" if self.given else "")

    def _show(self, tried: Tried) -> None:
        if tried.error is not None:
            self._say("bad", str(tried.error))
        else:
            self._say("good", tried.words)

    def _say(self, rank: str, words: str) -> None:
        marks = {"good": "good", "bad": "error"}
        name = marks.get(rank)
        self.mark.setPixmap(icons.icon(name, rank).pixmap(icons.SIZE) if name else QPixmap())
        self.words.setText(breakable(words))
        self.words.setProperty("rank", rank if rank != "good" else "dim")
        self.words.style().polish(self.words)
        self.layout().activate()  # so that the dialog hears of the new height now
        self.updateGeometry()
        self.changed.emit()
