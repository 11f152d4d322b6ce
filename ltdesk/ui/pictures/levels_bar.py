"""The row under a picture: the levels as numbers to type, the histogram between them."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent
from PyQt5.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from ltdesk.ui.look import style
from ltdesk.ui.pictures.histogram_strip import HistogramStrip, figures_width
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.readout import MINUS, NARROW_SPACE, SUPERSCRIPTS, number_text

PLAIN = {superscript: digit for digit, superscript in SUPERSCRIPTS.items()}


LEAST_STRIP = 120
QUIET = """
QLineEdit { border: 1px solid transparent; background: transparent; padding: 0; }
QLineEdit:hover { border-color: palette(mid); }
QLineEdit:focus { border-color: palette(highlight); background: palette(base); }
"""
"""A field looks like what is written in it until somebody wants to write."""


class _LevelField(QLineEdit):
    """Esc gives up what was typed here, before it stops anything else.

    Signals
    -------
    given_up : ()
    """

    given_up = pyqtSignal()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.ShortcutOverride and self._is_escape(event):
            event.accept()
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._is_escape(event):
            self.setModified(False)
            self.given_up.emit()
        else:
            super().keyPressEvent(event)

    def _is_escape(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key_Escape and self.isModified()


class LevelsBar(QWidget):
    """Lowest and highest level with the histogram between them.

    Signals
    -------
    levels_changed : (low, high) at each step of a drag, or when a number was typed
    dragging : (bool)
    auto_wanted : ()
    """

    levels_changed = pyqtSignal(float, float)
    dragging = pyqtSignal(bool)
    auto_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.strip = HistogramStrip()
        self.low = self._field(
            "Darkest level", "The value drawn darkest, and those below it. Empty: automatic", Qt.AlignRight
        )
        self.high = self._field(
            "Brightest level", "The value drawn brightest, and those above it. Empty: automatic", Qt.AlignLeft
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(style.GRID // 2)
        for widget, stretch in ((self.low, 0), (self.strip, 1), (self.high, 0)):
            row.addWidget(widget, stretch)
        self.strip.levels_changed.connect(self.levels_changed)
        self.strip.dragging.connect(self.dragging)
        self.strip.auto_wanted.connect(self.auto_wanted)

    def minimumSizeHint(self) -> QSize:
        return self.strip.minimumSize()

    def resizeEvent(self, event) -> None:
        """A narrow view has room for the histogram alone; its tool tips tell the levels too."""
        super().resizeEvent(event)
        room = self.width() - self.low.width() - self.high.width() - 2 * style.GRID
        for field in (self.low, self.high):
            field.setVisible(room >= LEAST_STRIP)

    def show_prepared(self, prepared: Prepared | None) -> None:
        """Show a picture's histogram and levels."""
        self.strip.show_prepared(prepared)
        self._show_levels()

    def _show_levels(self) -> None:
        levels = self.strip.levels
        for field, level in zip((self.low, self.high), levels or (None, None), strict=True):
            field.setEnabled(level is not None)
            if not (field.hasFocus() and field.isModified()):
                field.setText("" if level is None else number_text(level, 4))
                field.setCursorPosition(0)

    def _field(self, name: str, tip: str, beside: Qt.AlignmentFlag) -> _LevelField:
        field = _LevelField()
        field.setAccessibleName(name)
        field.setToolTip(f"{tip}. Empty: automatic")
        field.setStyleSheet(QUIET)
        field.setAlignment(Qt.AlignVCenter | beside)
        field.setFixedWidth(figures_width(field))
        field.editingFinished.connect(self._typed)
        field.given_up.connect(self._show_levels)
        return field

    def _typed(self) -> None:
        modified = [field.isModified() for field in (self.low, self.high)]
        levels = self.strip.levels
        if levels is None or not any(modified):
            return
        for field in (self.low, self.high):
            field.setModified(False)
        texts = [field.text().strip() for field in (self.low, self.high)]
        if not all(texts):
            self.auto_wanted.emit()
            return
        # What was not touched stays as it is, not as it is rounded in its field.
        low, high = (number_from(t) if m else v for t, m, v in zip(texts, modified, levels, strict=True))
        if low is not None and high is not None and low < high:
            self.levels_changed.emit(low, high)
        else:
            self._show_levels()  # what makes no sense goes back to what is shown


def number_from(text: str) -> float | None:
    """The number that a user typed or `number_text` wrote, else None."""
    plain = text.replace(MINUS, "-").replace(NARROW_SPACE, "").replace(" ", "").replace(",", ".")
    mantissa, times, power = plain.partition("×10")
    exponent = power.translate(PLAIN)
    try:
        value = float(f"{mantissa}e{exponent}" if times else plain)
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
