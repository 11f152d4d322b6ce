"""A spin box for numbers with units, with the steps that arrows have everywhere in the window."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QLocale, Qt, pyqtSignal
from PyQt5.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PyQt5.QtWidgets import QDoubleSpinBox, QWidget

from ltdesk.ui.look import style

STEPS = {Qt.Key_Up: 1, Qt.Key_Down: -1, Qt.Key_PageUp: 10, Qt.Key_PageDown: -10}


class NumberBox(QDoubleSpinBox):
    """Arrows and wheel step by 1, with Shift by 10, with Ctrl by 0.1. A dot is the decimal point in every country,
    as in the shapes' texts, files and scripts.

    Signals
    -------
    edited : (float) the user, not the program, changed the number; once a keystroke or step
    left : the user is done with this number (Return, Tab, a click elsewhere)
    """

    edited = pyqtSignal(float)
    left = pyqtSignal()

    def __init__(self, name: str, unit: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLocale(QLocale.c())
        self.setAccessibleName(f"{name}, in {unit}" if unit else name)
        self.setRange(-1e6, 1e6)
        self.setDecimals(2)
        self.setSuffix({"": "", "°": "°"}.get(unit, f" {unit}"))
        self.setAlignment(Qt.AlignRight)
        self.setFocusPolicy(Qt.StrongFocus)  # the wheel scrolls the panel unless the box was clicked
        self.setFont(style.figures_font(self.font()))
        self.valueChanged.connect(self.edited)
        self.editingFinished.connect(self.left)

    def show_value(self, value: float) -> None:
        """Show a number that the program knows; not an edit. What is being typed is left alone where it means that."""
        if round(value, self.decimals()) != self.value():
            blocked = self.blockSignals(True)
            self.setValue(value)
            self.blockSignals(blocked)

    def textFromValue(self, value: float) -> str:
        text = f"{value:.{self.decimals()}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in STEPS:
            self._step(STEPS[event.key()], event.modifiers())
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() or event.angleDelta().x()  # Alt turns it sideways
        if self.hasFocus() and turned:
            self._step(1 if turned > 0 else -1, event.modifiers())
            event.accept()
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() != Qt.MouseFocusReason:
            self.selectAll()

    def event(self, event: QEvent) -> bool:
        # Shift+arrow and Ctrl+arrow nudge detectors elsewhere; in here they step this number.
        if event.type() == QEvent.ShortcutOverride and event.key() in STEPS:
            event.accept()
            return True
        return bool(super().event(event))

    def _step(self, steps: int, modifiers: Qt.KeyboardModifiers) -> None:
        size = 10.0 if modifiers & Qt.ShiftModifier else 0.1 if modifiers & Qt.ControlModifier else 1.0
        self.setValue(self.value() + steps * size * self.singleStep())
        self.selectAll()
