"""Two regions of the scan, to find the detector that tells them apart."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ltdesk.geometry import AnyShape
from ltdesk.session import Session
from ltdesk.shape_text import shape_text
from ltdesk.ui.dialogs.fit import fit_height, let_return_press
from ltdesk.ui.look import style
from ltdesk.ui.session_model import SessionModel

HINT = (
    "The detector's image will be bright in the first region and dark in the second: each pixel is weighted by how "
    "well it tells them apart, given how much it varies (Fisher's discriminant). Ctrl and a drag on the image mark a "
    "region; this dialog may stay open meanwhile."
)
NO_REGION = "none yet: mark one by Ctrl and a drag on the image"


class SuggestDialog(QDialog):
    """Stays open while regions are marked. The region that is marked at the start is the first.

    Signals
    -------
    wanted : (bright, dark) the regions; dark None: all that is not bright
    """

    wanted = pyqtSignal(object, object)

    def __init__(self, model: SessionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.Dialog)
        self.setWindowTitle("Suggest a detector")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._model = model
        self._bright: AnyShape | None = model.session.region
        self._dark: AnyShape | None = None
        self.bright_words, self.dark_words = QLabel(self), QLabel(self)
        self.take_bright = self._button("Take the region", "The region marked now is where the image shall be bright")
        self.take_dark = self._button("Take the region", "The region marked now is where the image shall be dark")
        self.rest = self._button("The rest", "The image shall be dark wherever it is not bright")
        self.buttons = QDialogButtonBox(QDialogButtonBox.Cancel, self)
        self.suggest = self.buttons.addButton("Suggest", QDialogButtonBox.AcceptRole)
        let_return_press(self.suggest, self.buttons)
        self.take_bright.setAccessibleName("Bright where the region is")
        self.take_dark.setAccessibleName("Dark where the region is")
        self._connect()
        self._lay_out()
        self._update()

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        return button

    def _connect(self) -> None:
        self.take_bright.clicked.connect(lambda: self._take(bright=self._model.session.region, dark=self._dark))
        self.take_dark.clicked.connect(lambda: self._take(bright=self._bright, dark=self._model.session.region))
        self.rest.clicked.connect(lambda: self._take(bright=self._bright, dark=None))
        self.buttons.rejected.connect(self.reject)
        self.buttons.accepted.connect(self.accept)
        self.accepted.connect(lambda: self.wanted.emit(self._bright, self._dark))
        self._model.changed.connect(self._follow)

    def _lay_out(self) -> None:
        hint = QLabel(HINT, self)
        hint.setWordWrap(True)
        hint.setProperty("rank", "dim")
        grid = QGridLayout()
        grid.setHorizontalSpacing(style.GRID)
        grid.setVerticalSpacing(style.GRID)
        rows = ((("bright in", self.bright_words), (self.take_bright,)), (("dark in", self.dark_words), ()))
        for row, ((name, words), buttons) in enumerate(rows):
            label = QLabel(name, self)
            label.setFont(style.heading_font(self.font()))
            grid.addWidget(label, row, 0)
            words.setMinimumWidth(28 * style.GRID)
            words.setWordWrap(True)
            grid.addWidget(words, row, 1)
            for button in buttons:
                grid.addWidget(button, row, 2)
        grid.addWidget(self.take_dark, 1, 2)
        grid.addWidget(self.rest, 1, 3)
        grid.setColumnStretch(1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[2 * style.GRID] * 4)
        column.setSpacing(2 * style.GRID)
        column.addWidget(hint)
        column.addLayout(grid)
        column.addWidget(self.buttons)
        self.setMinimumWidth(84 * style.GRID)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        fit_height(self)

    def _take(self, bright: AnyShape | None, dark: AnyShape | None) -> None:
        self._bright, self._dark = bright, dark
        self._update()

    def _follow(self, old: Session, new: Session) -> None:
        if old.dataset != new.dataset:
            self.reject()
        elif old.region != new.region:
            self._update()

    def _update(self) -> None:
        marked = self._model.session.region is not None
        self.take_bright.setEnabled(marked)
        self.take_dark.setEnabled(marked)
        self.rest.setEnabled(self._dark is not None)
        self.bright_words.setText(NO_REGION if self._bright is None else _words(self._bright))
        self.dark_words.setText("the rest of the scan" if self._dark is None else _words(self._dark))
        self.suggest.setEnabled(self._bright is not None and self._bright != self._dark)
        if self.isVisible():
            fit_height(self)


def _words(region: AnyShape) -> str:
    text = shape_text(region)
    kind, _, numbers = text.partition(":")
    if kind == "rect":
        y0, x0, y1, x1 = numbers.split(",")
        return f"rows {y0} to {y1}, columns {x0} to {x1}"
    return text[:80]
