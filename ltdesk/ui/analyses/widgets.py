"""The widgets that parameters are edited with. Each has what pyqtgraph's parameter trees need: value, setValue,
sigChanged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PyQt5.QtCore import QSize, pyqtSignal
from PyQt5.QtGui import QIcon
from PyQt5.QtWidgets import QAbstractSpinBox, QCheckBox, QComboBox, QLineEdit, QWidget

from ltdesk.parameters import ParameterField
from ltdesk.ui.look import style
from ltdesk.ui.panels.number_box import NumberBox

AUTOMATIC = "automatic"
FARTHEST = 1e6
DECIMALS = 4


class NumberField(NumberBox):
    """A number; where the parameter may be left to the analysis, one step below the least is ``automatic``: None."""

    sigChanged = pyqtSignal(object)

    def __init__(self, field: ParameterField) -> None:
        super().__init__(field.label, field.unit)
        self._field = field
        whole = field.kind == "integer"
        self.setDecimals(0 if whole else DECIMALS)
        least = -FARTHEST if field.least is None else field.least
        smallest = 1.0 if whole else 10.0**-DECIMALS
        self._lowest = least + smallest if field.above else least
        self._has_automatic = field.optional and field.least is not None
        self.setRange(self._lowest - 1 if self._has_automatic else self._lowest, field.most or FARTHEST)
        if self._has_automatic:
            self.setSpecialValueText(AUTOMATIC)
        self.setButtonSymbols(QAbstractSpinBox.NoButtons)
        self.setMinimumWidth(6 * style.GRID)
        self.edited.connect(lambda _: self.sigChanged.emit(self))
        self.editingFinished.connect(lambda: self.setValue(self.value()))

    def value(self) -> Any:
        value = super().value()
        if self._has_automatic and value < self._lowest:
            return None
        return round(value) if self._field.kind == "integer" else value

    def setValue(self, value: Any) -> None:
        below = value is None or (self._has_automatic and value < self._lowest)
        super().setValue(self.minimum() if below else value)

    def textFromValue(self, value: float) -> str:
        return super().textFromValue(value)

    def _step(self, steps: int, modifiers: Any) -> None:
        if self.value() is None:  # from "automatic" to the first number
            super().setValue(self._lowest) if steps > 0 else None
            return
        super()._step(steps, modifiers)


class Flag(QCheckBox):
    """On or off."""

    sigChanged = pyqtSignal(object)

    def __init__(self, field: ParameterField) -> None:
        super().__init__()
        self.setAccessibleName(field.label)
        self.toggled.connect(lambda _: self.sigChanged.emit(self))

    def value(self) -> bool:
        return self.isChecked()

    def setValue(self, value: Any) -> None:
        self.setChecked(bool(value))


class Choice(QComboBox):
    """One of several; `set_options` may change what there is to choose from."""

    sigChanged = pyqtSignal(object)
    left = pyqtSignal()

    def __init__(self, field: ParameterField) -> None:
        super().__init__()
        self.setAccessibleName(field.label)
        self.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setIconSize(QSize(12, 12))
        self.set_options([(option, option, QIcon()) for option in field.options])
        self.activated.connect(lambda _: self._chosen())

    def set_options(self, options: Sequence[tuple[Any, str, QIcon]]) -> None:
        """What there is to choose from: value, words, icon."""
        now = [(self.itemData(row), self.itemText(row)) for row in range(self.count())]
        if now == [(value, words) for value, words, _ in options]:
            return
        chosen = self.value()
        self.clear()
        for value, words, icon in options:
            self.addItem(icon, words, value)
        self.setValue(chosen)

    def value(self) -> Any:
        return self.currentData()

    def setValue(self, value: Any) -> None:
        self.setCurrentIndex(self.findData(value))

    def wheelEvent(self, event: Any) -> None:
        event.ignore()  # the wheel scrolls the panel

    def _chosen(self) -> None:
        self.sigChanged.emit(self)
        self.left.emit()


class Line(QLineEdit):
    """Text, or a list of numbers; told once it is complete (Return, Tab, a click elsewhere)."""

    sigChanged = pyqtSignal(object)
    left = pyqtSignal()

    def __init__(self, field: ParameterField) -> None:
        super().__init__()
        self.setAccessibleName(f"{field.label}, in {field.unit}" if field.unit else field.label)
        self._field = field
        self._known: Any = None
        if field.optional:
            self.setPlaceholderText(AUTOMATIC if field.kind != "numbers" or field.name != "descan" else "none")
        if field.kind in ("numbers", "integers"):
            self.setFont(style.figures_font(self.font()))
        self.editingFinished.connect(self._finish)

    def value(self) -> Any:
        return self._known

    def setValue(self, value: Any) -> None:
        self._known = value
        self.setText(_text(value))

    def _finish(self) -> None:
        if self.text().strip() != _text(self._known):
            text = self.text().strip()
            self._known = None if not text and self._field.optional else self._read(text)
            self.sigChanged.emit(self)
        self.left.emit()

    def _read(self, text: str) -> Any:
        """A list as its items, for the spec to say what is wrong with one."""
        if self._field.kind in ("numbers", "integers", "choices"):
            return tuple(item for item in text.replace(";", " ").replace(",", " ").split() if item)
        return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple | list):
        return ", ".join(f"{item:.7g}" if isinstance(item, float) else str(item) for item in value)
    return str(value)


WIDGETS: dict[str, Callable[[ParameterField], QWidget]] = {
    "number": NumberField,
    "integer": NumberField,
    "flag": Flag,
    "choice": Choice,
    "shape": Choice,
}


def widget_for(field: ParameterField) -> Any:
    """The widget that edits a parameter."""
    return WIDGETS.get(field.kind, Line)(field)
