"""What the window shows while a scan is being opened: its name, what is being read, a way to stop."""

from __future__ import annotations

import os

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from ltdesk.ui.look import style
from ltdesk.ui.look.sizes import size_text

WIDTH = 60 * style.GRID


class OpeningPage(QWidget):
    """A quiet page in the middle of the window.

    Signals
    -------
    cancel_wanted : () the user does not want to wait
    """

    cancel_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLabel(self)
        self.name.setFont(style.heading_font(self.font(), 1.4))
        self.name.setTextFormat(Qt.PlainText)
        self.place = self._dim("Where it is")
        self.stage = self._dim("What is being read")
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(style.GRID)
        self.bar.setAccessibleName("Opening")
        self.cancel_button = QPushButton("Cancel", self)
        self.cancel_button.setToolTip("Stop opening (Esc)")
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self._lay_out()

    def show_file(self, uri: str) -> None:
        """A file or URI is being opened from now on."""
        folder, name = os.path.split(uri)
        self._show(self.name, name or uri)
        self._show(self.place, " · ".join(part for part in (folder, _size(uri)) if part))
        self.stage.setText("")

    def show_stage(self, text: str) -> None:
        """What is being read now."""
        self.stage.setText(text)

    def _show(self, label: QLabel, text: str) -> None:
        """One line, cut in its middle where it is too long; whole in the tool tip."""
        label.setAccessibleDescription(text)
        cut = label.fontMetrics().elidedText(text, Qt.ElideMiddle, WIDTH - 2 * style.GRID)
        label.setText(cut)
        label.setToolTip(text if cut != text else "")

    def _dim(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setAccessibleName(name)
        label.setTextFormat(Qt.PlainText)
        label.setProperty("rank", "dim")
        return label

    def _lay_out(self) -> None:
        holder = QWidget(self)
        holder.setFixedWidth(WIDTH)
        inner = QVBoxLayout(holder)
        inner.setSpacing(style.GRID)
        for widget in (self.name, self.place, self.bar, self.stage):
            inner.addWidget(widget)
        inner.addWidget(self.cancel_button, 0, Qt.AlignLeft)
        column = QVBoxLayout(self)
        column.addStretch(2)
        column.addWidget(holder, 0, Qt.AlignHCenter)
        column.addStretch(3)


def _size(uri: str) -> str:
    try:
        return size_text(os.stat(uri).st_size)
    except (OSError, ValueError):
        return ""
