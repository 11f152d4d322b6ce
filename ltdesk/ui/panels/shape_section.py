"""The numbers of one plain shape: a small grid of spin boxes, or a table of corners."""

from __future__ import annotations

from pydantic import ValidationError
from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ltdesk.geometry import AnyShape, PixelMask, Polygon
from ltdesk.ui.look import icons, style
from ltdesk.ui.panels.number_box import NumberBox
from ltdesk.ui.pictures.picture_header import ElidedLabel
from ltdesk.ui.shapes.shape_leaves import FIELDS, Field, Leaf
from ltdesk.validation import validation_text

OPERATOR_WORDS = {"+": "+  and also", "-": "−  without", "&": "&  only within"}
TABLE_ROWS = 5


class ShapeSection(QWidget):
    """Title, operator and numbers of one leaf.

    Signals
    -------
    edited : (shape, words) a number was changed; `words` name it for the undo list
    rejected : (str) the numbers make no sense together, and why
    left : the user is done with a number
    operator_edited : (str) one of ``+ - &``
    removal_wanted : the user wants this part gone
    """

    edited = pyqtSignal(object, str)
    rejected = pyqtSignal(str)
    left = pyqtSignal()
    operator_edited = pyqtSignal(str)
    removal_wanted = pyqtSignal()

    def __init__(self, leaf: Leaf, title: str, joined: bool, parent: QWidget | None = None) -> None:
        """`joined`: this part joins others, so that it can be removed; all but the first have an operator."""
        super().__init__(parent)
        self.path = leaf.path
        self._shape = leaf.shape
        self.boxes: dict[str, NumberBox] = {}
        self.table: QTableWidget | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.GRID // 2)
        column.addLayout(self._title_row(leaf, title, joined))
        column.addWidget(self._numbers())
        self.show_leaf(leaf)

    def show_leaf(self, leaf: Leaf) -> None:
        """Show another leaf that needs the same widgets."""
        self.path = leaf.path
        if self.operator is not None:
            self.operator.setCurrentIndex(self.operator.findData(leaf.op))
        self.show_shape(leaf.shape)

    def show_shape(self, shape: AnyShape) -> None:
        """Show another shape of the same kind."""
        self._shape = shape
        for name, box in self.boxes.items():
            box.show_value(getattr(shape, name))
        if self.table is not None and isinstance(shape, Polygon):
            self._fill_table(shape)
        if isinstance(shape, PixelMask):
            weighted = "weights" if shape.blob is not None else "0 and 1"
            self.about.setText(f"{shape.size[0]} × {shape.size[1]} pixels of {weighted}")

    def _title_row(self, leaf: Leaf, title: str, joined: bool) -> QHBoxLayout:
        row = QHBoxLayout()
        self.operator = self._operator_choice(leaf, title) if joined and leaf.path[-1] else None
        if self.operator is not None:
            row.addWidget(self.operator)
        says_unit = self._shape.kind in FIELDS and self.operator is None  # beside an operator there is little room
        name = ElidedLabel(f"{title}, in px" if says_unit else title)
        name.setProperty("rank", "dim")
        row.addWidget(name)
        row.addStretch(1)
        if joined:
            row.addWidget(self._remove_button(title))
        return row

    def _operator_choice(self, leaf: Leaf, title: str) -> QComboBox:
        choice = QComboBox(self)
        choice.setAccessibleName(f"How {title} joins what is above")
        choice.setToolTip("How this shape joins what is above")
        for op, words in OPERATOR_WORDS.items():
            choice.addItem(words, op)
        choice.setCurrentIndex(choice.findData(leaf.op))
        choice.activated.connect(lambda index: self.operator_edited.emit(choice.itemData(index)))
        return choice

    def _remove_button(self, title: str) -> QToolButton:
        self.remove = QToolButton(self)
        self.remove.setIcon(icons.icon("remove"))
        self.remove.setIconSize(QSize(16, 16))
        self.remove.setToolTip("Remove this shape from the combination")
        self.remove.setAccessibleName(f"Remove {title}")
        self.remove.clicked.connect(self.removal_wanted)
        return self.remove

    def _numbers(self) -> QWidget:
        if isinstance(self._shape, Polygon):
            return self._make_table()
        if isinstance(self._shape, PixelMask):
            self.about = QLabel(self)
            return self.about
        return self._make_grid(FIELDS[self._shape.kind])

    def _make_grid(self, fields: tuple[Field, ...]) -> QWidget:
        holder = QWidget(self)
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(style.GRID // 2)
        grid.setVerticalSpacing(style.GRID // 2)
        for place, field in enumerate(fields):
            row, side = divmod(place, 2)
            box = self._make_box(field, holder)
            label = QLabel(field.label, holder)
            label.setBuddy(box)
            grid.addWidget(label, row, 2 * side, Qt.AlignRight)
            grid.addWidget(box, row, 2 * side + 1)
            grid.setColumnStretch(2 * side + 1, 1)
        return holder

    def _make_box(self, field: Field, parent: QWidget) -> NumberBox:
        box = NumberBox(field.words, field.unit, parent)
        box.setMinimum(field.least)
        if field.unit == "px":
            box.setSuffix("")  # said once, in the title: the boxes are narrow
        box.setToolTip(f"{field.words}. Arrows: 1, with Shift 10, with Ctrl 0.1")
        box.setMinimumWidth(8 * style.GRID)
        box.setButtonSymbols(QAbstractSpinBox.NoButtons)  # the panel is narrow; arrows and the wheel step
        if field.unit == "°":
            box.setRange(-720, 720)
        box.edited.connect(lambda value: self._take(field, value))
        box.left.connect(self._finish)
        self.boxes[field.name] = box
        return box

    def _take(self, field: Field, value: float) -> None:
        try:
            shape = type(self._shape).model_validate({**dict(self._shape), field.name: value})
        except ValidationError as error:
            self.rejected.emit(_in_words(validation_text(error)))
            return
        self._shape = shape
        self.edited.emit(shape, field.words.split(",")[0].lower())

    def _finish(self) -> None:
        """What was refused while it was typed goes back to what counts."""
        self.show_shape(self._shape)
        self.left.emit()

    def _make_table(self) -> QTableWidget:
        self.table = QTableWidget(0, 2, self)
        self.table.setHorizontalHeaderLabels(["y (px)", "x (px)"])
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.Stretch)
        self.table.verticalHeader().hide()
        self.table.setAccessibleName("Corners of the polygon")
        self.table.setTabKeyNavigation(False)
        self.table.setToolTip("Corners: double click or F2 to change a number")
        self.table.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self.table.setShowGrid(False)
        height = self.table.horizontalHeader().sizeHint().height()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + style.GRID)
        self.table.setFixedHeight(height + TABLE_ROWS * self.table.verticalHeader().defaultSectionSize())
        self.table.itemChanged.connect(self._take_corner)
        return self.table

    def _fill_table(self, shape: Polygon) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(len(shape.points))
        for row, point in enumerate(shape.points):
            for column, value in enumerate(point):
                self._fill_cell(row, column, f"{value:.2f}".rstrip("0").rstrip("."))
        self.table.blockSignals(False)

    def _fill_cell(self, row: int, column: int, text: str) -> None:
        item = self.table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
            self.table.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)

    def _take_corner(self, item: QTableWidgetItem) -> None:
        points = [list(point) for point in self._shape.points]
        try:
            points[item.row()][item.column()] = float(item.text())
            shape = Polygon(points=tuple((y, x) for y, x in points))
        except (ValueError, ValidationError):
            self.rejected.emit(f"'{item.text()}' is not a number of pixels.")
            self.show_shape(self._shape)
            return
        self._shape = shape
        self.edited.emit(shape, "corner")
        self.left.emit()


def _in_words(problem: str) -> str:
    """A problem in the words that stand beside the boxes."""
    named = {field.name: field.words.split(",")[0].lower() for fields in FIELDS.values() for field in fields}
    text = " ".join(named.get(word, word) for word in problem.split())
    return f"The {text[0].lower()}{text[1:]}."
