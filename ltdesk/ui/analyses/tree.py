"""A tree of parameters with the window's own widgets, and beside each what is wrong with its value."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import QHeaderView, QLabel, QPushButton, QTreeWidgetItem, QWidget
from pyqtgraph.parametertree import Parameter, ParameterTree, registerParameterType
from pyqtgraph.parametertree.parameterTypes import WidgetParameterItem

from ltdesk.parameters import ParameterField
from ltdesk.ui.analyses.widgets import widget_for
from ltdesk.ui.look import style

TYPE = "ltdesk"
LABEL_SHARE = 0.4


class FieldItem(WidgetParameterItem):
    """A row: label and widget; under it, where there is one, the problem."""

    def __init__(self, param: Parameter, depth: int) -> None:
        self.field: ParameterField = param.opts["field"]
        super().__init__(param, depth)
        self.hideWidget = False
        self.setToolTip(0, self.field.tip)
        self.setSizeHint(1, QSize(1, self.widget.sizeHint().height() + style.GRID // 2))
        self.problem = QLabel()
        self.problem.setProperty("rank", "bad")
        self.problem.setWordWrap(True)
        self._problem_row = QTreeWidgetItem()
        self._problem_row.setFlags(Qt.NoItemFlags)
        self.addChild(self._problem_row)

    def makeWidget(self) -> QWidget:
        widget = widget_for(self.field)
        widget.setToolTip(self.field.tip)
        return widget

    def makeDefaultButton(self) -> QPushButton:
        button = QPushButton()  # undo and the tip are enough: the panel is narrow
        button.setAccessibleName("Default")
        button.hide()
        return button

    def updateDefaultBtn(self) -> None:
        self.defaultBtn.hide()

    def treeWidgetChanged(self) -> None:
        super().treeWidgetChanged()
        tree = self.treeWidget()
        if tree is not None:
            self._problem_row.setFirstColumnSpanned(True)
            tree.setItemWidget(self._problem_row, 0, self.problem)
            self.setExpanded(True)
            self.show_problem("")
            self.widget.show()

    def show_problem(self, text: str) -> None:
        """Say under the value what is wrong with it; empty: nothing is."""
        self.problem.setText(text)
        self._problem_row.setHidden(not text)
        self.widget.setProperty("wrong", bool(text))
        self.widget.style().polish(self.widget)
        tree = self.treeWidget()
        if text and tree is not None:
            width = max(tree.viewport().width() - 3 * style.GRID, 10 * style.GRID)
            self._problem_row.setSizeHint(0, QSize(1, self.problem.heightForWidth(width) + style.GRID // 2))

    def selected(self, sel: bool) -> None:
        """The widget is always there: nothing changes with the selection."""

    def updateDisplayLabel(self, value: Any = None) -> None:
        self.displayLabel.hide()

    def showEditor(self) -> None:
        self.widget.setFocus(Qt.TabFocusReason)

    def hideEditor(self) -> None:
        """Never."""


class FieldParameter(Parameter):
    """A parameter that a `ParameterField` describes."""

    itemClass = FieldItem


registerParameterType(TYPE, FieldParameter, override=True)


class FieldTree(ParameterTree):
    """Rows of parameters, without pyqtgraph's header and stripes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, showHeader=False)
        self.setAlternatingRowColors(False)
        self.setSelectionMode(self.NoSelection)
        self.setFocusPolicy(Qt.NoFocus)
        self.setIndentation(0)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.setAccessibleName("Parameters of the analysis")
        header = self.header()
        header.setMinimumSectionSize(1)
        header.setSectionResizeMode(0, QHeaderView.Fixed)
        header.setSectionResizeMode(1, QHeaderView.Stretch)
        header.setStretchLastSection(True)

    def _updatePalette(self, palette: Any) -> None:
        """The window's palette is right as it is."""

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.header().resizeSection(0, round(LABEL_SHARE * self.viewport().width()))

    def item(self, parameter: Parameter) -> FieldItem:
        """The row of a parameter."""
        return next(iter(parameter.items))
