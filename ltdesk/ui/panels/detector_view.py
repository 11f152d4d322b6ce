"""The list of detectors on the screen: how rows are drawn, edited in place, chosen and dragged."""

from __future__ import annotations

from PyQt5.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPoint, QPointF, QRect, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QValidator
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QTreeView,
    QWidget,
)

from ltdesk.ui.look import icons, style
from ltdesk.ui.look.breaks import fitting
from ltdesk.ui.panels.detector_list import COLOUR, NAME, SHAPE_ROLE, VISIBLE, WEIGHT, DetectorList
from ltdesk.ui.panels.number_box import NumberBox
from ltdesk.ui.panels.swatch import paint_swatch
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes import detector_edits as edits

EMPTY = "No detectors yet.\nDraw one on the frame, or press Add."
WIDTHS = {VISIBLE: 30, COLOUR: 24, WEIGHT: 52}


class NameValidator(QValidator):
    """Keeps the editor open while the name makes no sense, and says why beside it."""

    def __init__(self, editor: QLineEdit, model: SessionModel, id: str) -> None:
        super().__init__(editor)
        self._model, self._id = model, id
        editor.textEdited.connect(lambda text: self._tell(editor, text))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        wrong = bool(edits.name_problem(self._model.session, self._id, text))
        return QValidator.Intermediate if wrong else QValidator.Acceptable, text, position

    def _tell(self, editor: QLineEdit, text: str) -> None:
        problem = edits.name_problem(self._model.session, self._id, text)
        editor.setProperty("wrong", bool(problem))
        editor.style().polish(editor)
        editor.setAccessibleDescription(problem)
        if problem:
            QToolTip.showText(editor.mapToGlobal(editor.rect().bottomLeft()), problem, editor)
        else:
            QToolTip.hideText()


class DetectorDelegate(QStyledItemDelegate):
    """Draws swatch, and name above shape; edits names and weights in place."""

    def __init__(self, model: SessionModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(WIDTHS.get(index.column(), 80), 2 * option.fontMetrics.height() + style.GRID)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        self._paint_background(painter, option, index)
        paint = (self._paint_eye, self._paint_swatch, self._paint_words, self._paint_weight)
        paint[index.column()](painter, option, index)

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        super().initStyleOption(option, index)
        option.state &= ~QStyle.State_HasFocus  # Fusion washes the cell with blue; a bar shows the row instead

    def editorEvent(
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: QModelIndex,
    ) -> bool:
        """The whole cell toggles, not the small square in it."""
        if index.column() != VISIBLE:
            return bool(super().editorEvent(event, model, option, index))
        if event.type() == QEvent.MouseButtonRelease and event.button() == Qt.LeftButton:
            shown = index.data(Qt.CheckStateRole) == Qt.Checked
            return model.setData(index, Qt.Unchecked if shown else Qt.Checked, Qt.CheckStateRole)
        return event.type() == QEvent.MouseButtonDblClick

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        detector = index.model().detector(index)
        if index.column() == WEIGHT:
            box = NumberBox(f"Weight of {detector.name}", parent=parent)
            box.setDecimals(4)
            return box
        editor = QLineEdit(parent)
        editor.setAccessibleName(f"Name of {detector.name}")
        editor.setValidator(NameValidator(editor, self._model, detector.id))
        return editor

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:
        value = index.data(Qt.EditRole)
        editor.show_value(value) if isinstance(editor, NumberBox) else editor.setText(value)
        editor.selectAll()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: QModelIndex) -> None:
        if isinstance(editor, NumberBox):
            editor.interpretText()
            if editor.value() != round(index.data(Qt.EditRole), editor.decimals()):
                model.setData(index, editor.value())
        elif editor.text() != index.data(Qt.EditRole):
            model.setData(index, editor.text())

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        height = editor.sizeHint().height()
        wide = option.rect.adjusted(-40 if index.column() == WEIGHT else 0, 0, 0, 0)
        editor.setGeometry(QRect(wide.x(), wide.center().y() - height // 2, wide.width(), height))

    def _paint_background(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        empty = QStyleOptionViewItem(option)
        self.initStyleOption(empty, index)
        empty.text, empty.features = "", QStyleOptionViewItem.None_
        empty.widget.style().drawControl(QStyle.CE_ItemViewItem, empty, painter, empty.widget)

    def _paint_eye(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if option.state & QStyle.State_Selected:
            bar = QRect(option.rect.left(), option.rect.top(), 2, option.rect.height())
            painter.fillRect(bar, option.palette.color(QPalette.Highlight))
        shown = index.data(Qt.CheckStateRole) == Qt.Checked
        eye = icons.icon("visible") if shown else icons.icon("hidden", "faint")
        box = QRect(0, 0, icons.SIZE, icons.SIZE)
        box.moveCenter(option.rect.center() + QPoint(1, 0))
        eye.paint(painter, box)

    def _paint_swatch(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        hidden = index.siblingAtColumn(VISIBLE).data(Qt.CheckStateRole) != Qt.Checked
        paint_swatch(painter, QPointF(option.rect.center()), index.data(Qt.DecorationRole), hidden)

    def _paint_words(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        upper, _ = _lines(option.rect)
        painter.save()
        painter.setPen(option.palette.color(QPalette.Text))
        text = option.fontMetrics.elidedText(index.data(), Qt.ElideRight, upper.width())
        painter.drawText(upper, Qt.AlignVCenter, text)
        painter.setClipRect(option.rect)
        self._paint_shape(painter, option, index)
        painter.restore()

    def _paint_weight(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        painter.save()
        painter.setPen(option.palette.color(QPalette.Text))
        painter.drawText(_lines(option.rect)[0], Qt.AlignVCenter | Qt.AlignRight, index.data())
        painter.setClipRect(option.rect)
        self._paint_shape(painter, option, index.siblingAtColumn(NAME))
        painter.restore()

    def _paint_shape(self, painter: QPainter, option: QStyleOptionViewItem, name: QModelIndex) -> None:
        """The second line runs on below the weight: each of the two cells paints it, as cells paint over others."""
        whole = option.widget.visualRect(name) | option.widget.visualRect(name.siblingAtColumn(WEIGHT))
        _, lower = _lines(whole)
        painter.setPen(option.palette.color(QPalette.PlaceholderText))
        painter.drawText(lower, Qt.AlignVCenter, fitting(name.data(SHAPE_ROLE), option.fontMetrics, lower.width()))


def _lines(cell: QRect) -> tuple[QRect, QRect]:
    """The upper and the lower line of a cell."""
    edge = style.GRID // 2
    box = cell.adjusted(edge, edge, -edge, -edge)
    middle = box.center().y()
    upper = QRect(box.left(), box.top(), box.width(), middle - box.top() + 1)
    return upper, QRect(box.left(), middle + 1, box.width(), box.bottom() - middle)


class DetectorView(QTreeView):
    """The rows of a `DetectorList`.

    Signals
    -------
    colour_wanted : (QModelIndex) a swatch was clicked
    """

    colour_wanted = pyqtSignal(QModelIndex)

    def __init__(self, rows: DetectorList, model: SessionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModel(rows)
        self.setItemDelegate(DetectorDelegate(model, self))
        self.setAccessibleName("Detectors")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setHeaderHidden(True)
        self.setSelectionMode(QAbstractItemView.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.DoubleClicked | QAbstractItemView.EditKeyPressed)
        self.setDragDropMode(QAbstractItemView.InternalMove)
        self.setDragDropOverwriteMode(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollPerPixel)
        self._lay_out_columns()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.pos())
        if index.isValid() and index.column() == COLOUR and event.button() == Qt.LeftButton:
            self.colour_wanted.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self.currentIndex()
        if event.key() == Qt.Key_Space and current.isValid():
            cell = current.siblingAtColumn(VISIBLE)
            checked = cell.data(Qt.CheckStateRole) == Qt.Checked
            self.model().setData(cell, Qt.Unchecked if checked else Qt.Checked, Qt.CheckStateRole)
        elif event.key() == Qt.Key_F2 and current.isValid():
            self.edit(current.siblingAtColumn(NAME))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # Space shows the picture without overlays elsewhere; in the list it shows and hides the detector.
        if event.type() == QEvent.ShortcutOverride and event.key() == Qt.Key_Space:
            event.accept()
            return True
        return bool(super().event(event))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.model().rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.PlaceholderText))
            box = self.viewport().rect().adjusted(style.GRID, style.GRID, -style.GRID, -style.GRID)
            painter.drawText(box, int(Qt.AlignCenter | Qt.TextWordWrap), EMPTY)

    def _lay_out_columns(self) -> None:
        header = self.header()
        header.setMinimumSectionSize(WIDTHS[COLOUR])
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.Stretch)
        for column, width in WIDTHS.items():
            header.setSectionResizeMode(column, QHeaderView.Fixed)
            header.resizeSection(column, width)
