"""Find any action by typing (Ctrl+K), from the actions themselves."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt5.QtCore import QEvent, QObject, QRect, QSize, Qt
from PyQt5.QtGui import QIcon, QPainter, QPalette
from PyQt5.QtWidgets import (
    QAction,
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ltdesk.ui.commands import fuzzy
from ltdesk.ui.commands.action_words import ActionWords, named_actions
from ltdesk.ui.look import icons, style

ROWS = 12
WORDS_ROLE = Qt.UserRole


class CommandPalette(QDialog):
    """A line to type in above the actions that fit, the best first. Return does the action; Esc closes."""

    def __init__(self, actions: Iterable[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.Popup if parent is not None else Qt.Dialog)
        self.setWindowTitle("Find an action")
        self.setAttribute(Qt.WA_DeleteOnClose)
        self._words = named_actions(actions)
        self.line = QLineEdit(self)
        self.line.setPlaceholderText("Find an action")
        self.line.setAccessibleName("Find an action by typing")
        self.line.addAction(icons.icon("search"), QLineEdit.LeadingPosition)
        self.line.textChanged.connect(self._search)
        self.line.installEventFilter(self)
        self.list = self._make_list()
        self._lay_out(parent)
        self._search("")
        self.line.setFocus()

    def shown(self) -> list[str]:
        """The texts of the actions that are listed, the best first."""
        return [self.list.item(row).data(WORDS_ROLE).text for row in range(self.list.count())]

    def _make_list(self) -> QListWidget:
        found = QListWidget(self)
        found.setItemDelegate(_ActionDelegate(found))
        found.setAccessibleName("Actions found")
        found.setUniformItemSizes(True)
        found.setFocusPolicy(Qt.NoFocus)
        found.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        found.itemClicked.connect(self._do)
        return found

    def _lay_out(self, parent: QWidget | None) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(*[style.GRID] * 4)
        column.setSpacing(style.GRID)
        column.addWidget(self.line)
        column.addWidget(self.list)
        row = _row_height(self)
        self.resize(70 * style.GRID, ROWS * row + self.line.sizeHint().height() + 3 * style.GRID)
        if parent is not None:
            window = parent.window()
            corner = window.mapToGlobal(window.rect().topLeft())
            self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + 8 * style.GRID)

    def _search(self, text: str) -> None:
        scored = [(self._score(text, words), -place, words) for place, words in enumerate(self._words)]
        found = sorted((one for one in scored if one[0] is not None), key=lambda one: one[:2], reverse=True)
        self.list.clear()
        for _, _, words in found:
            item = QListWidgetItem(words.text, self.list)
            item.setData(WORDS_ROLE, words)
            item.setToolTip(words.tip)
            item.setData(Qt.AccessibleTextRole, ", ".join([words.text, words.section, *words.keys]))
            if not words.action.isEnabled():
                item.setFlags(Qt.NoItemFlags)
        self._choose_first()

    def _score(self, text: str, words: ActionWords) -> tuple[int, int] | None:
        """Enabled ones first; the section's words find an action too, but count less."""
        own, all_words = fuzzy.score(text, words.text), fuzzy.score(text, f"{words.text} {words.section}")
        if own is None and all_words is None:
            return None
        best = max(own if own is not None else -1000, (all_words or 0) // 2 if all_words is not None else -1000)
        return int(words.action.isEnabled()), best

    def _choose_first(self) -> None:
        rows = (row for row in range(self.list.count()) if self.list.item(row).flags() & Qt.ItemIsEnabled)
        self.list.setCurrentRow(next(rows, -1))

    def _do(self, item: QListWidgetItem | None) -> None:
        if item is None or not item.flags() & Qt.ItemIsEnabled:
            return
        action: QAction = item.data(WORDS_ROLE).action
        self.accept()  # first: the action may open something of its own
        action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Arrows in the line move in the list."""
        if watched is self.line and event.type() == QEvent.KeyPress:
            if event.key() in (Qt.Key_Return, Qt.Key_Enter):
                self._do(self.list.currentItem())
                return True
            steps = {Qt.Key_Down: 1, Qt.Key_Up: -1, Qt.Key_PageDown: ROWS - 1, Qt.Key_PageUp: 1 - ROWS}
            if event.key() in steps:
                self._move(steps[event.key()])
                return True
        return bool(super().eventFilter(watched, event))

    def _move(self, steps: int) -> None:
        enabled = [row for row in range(self.list.count()) if self.list.item(row).flags() & Qt.ItemIsEnabled]
        if self.list.currentRow() in enabled:
            place = enabled.index(self.list.currentRow()) + steps
            self.list.setCurrentRow(enabled[max(0, min(place, len(enabled) - 1))])


class _ActionDelegate(QStyledItemDelegate):
    """Icon and text on the left, section in grey behind, keys on the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index) -> QSize:
        return QSize(200, _row_height(option.widget))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index) -> None:
        empty = QStyleOptionViewItem(option)
        self.initStyleOption(empty, index)
        empty.text = ""
        empty.state &= ~QStyle.State_HasFocus
        option.widget.style().drawControl(QStyle.CE_ItemViewItem, empty, painter, option.widget)
        words: ActionWords = index.data(WORDS_ROLE)
        group = QPalette.Active if option.state & QStyle.State_Enabled else QPalette.Disabled
        box = option.rect.adjusted(style.GRID, 0, -style.GRID, 0)
        painter.save()
        self._paint_icon(painter, words, box, bool(option.state & QStyle.State_Enabled))
        box.setLeft(box.left() + icons.SIZE + style.GRID)
        painter.setPen(option.palette.color(group, QPalette.Text))
        painter.drawText(box, int(Qt.AlignVCenter), words.text)
        box.setLeft(box.left() + option.fontMetrics.horizontalAdvance(words.text) + style.GRID + 4)
        grey = QPalette.PlaceholderText if group == QPalette.Active else QPalette.Text
        painter.setPen(option.palette.color(group, grey))
        painter.drawText(box, int(Qt.AlignVCenter), words.section)
        painter.drawText(box, int(Qt.AlignVCenter | Qt.AlignRight), "  ".join(words.keys[:1]))
        painter.restore()

    def _paint_icon(self, painter: QPainter, words: ActionWords, box: QRect, enabled: bool) -> None:
        place = QRect(box.left(), box.center().y() - icons.SIZE // 2, icons.SIZE, icons.SIZE)
        words.action.icon().paint(painter, place, Qt.AlignCenter, QIcon.Normal if enabled else QIcon.Disabled)


def _row_height(widget: QWidget) -> int:
    return int(max(icons.SIZE, widget.fontMetrics().height()) + style.GRID)
