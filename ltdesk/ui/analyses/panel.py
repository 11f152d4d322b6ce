"""The panel of analyses: the list, what can be added, and the parameters of the one that is selected."""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import QEvent, QPoint, QSize, Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ltdesk.analysis import Analysis
from ltdesk.errors import LtdeskError
from ltdesk.parameters import summary_of
from ltdesk.plugins import analysis_specs
from ltdesk.session import Session
from ltdesk.ui.analyses import edits
from ltdesk.ui.analyses.form import AnalysisForm
from ltdesk.ui.analyses.kinds import GROUPS, kind_of_result, kind_of_spec, title_of
from ltdesk.ui.look import icons, style
from ltdesk.ui.panels.tool_button import tool_button
from ltdesk.ui.pictures.picture_header import ElidedLabel
from ltdesk.ui.session_model import SessionModel

EMPTY = "No analyses yet. Press + to add a centre of mass, a deviation of frames, a radial profile, …"
ICONS = {"image": "image", "frame": "frame", "profile": "profile", "numbers": "settings"}
LEFT_OUT = ("virtual_detector",)
"""Detectors have a panel of their own."""


class AnalysisList(QListWidget):
    """The analyses by name. Delete removes the selected one.

    Signals
    -------
    remove_wanted : ()
    """

    remove_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Analyses")
        self.setIconSize(QSize(icons.SIZE, icons.SIZE))
        self.setTextElideMode(Qt.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.ShortcutOverride and event.key() in (Qt.Key_Delete, Qt.Key_Up, Qt.Key_Down):
            event.accept()  # in here these are the list's
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key_Delete:
            self.remove_wanted.emit()
        else:
            super().keyPressEvent(event)


class AnalysisPanel(QWidget):
    """Shows the session's analyses and edits them.

    Attributes
    ----------
    add_menu : what can be added, in groups
    buttons_row : the layout under the parameters, for what helps to find them
    """

    def __init__(self, model: SessionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._showing = False
        self.list = AnalysisList(self)
        self.form = AnalysisForm(model)
        self.message = QLabel(self)
        self.message.setWordWrap(True)
        self.add_menu = self._make_add_menu()
        self._make_buttons()
        self._lay_out()
        self.list.currentRowChanged.connect(self._select)
        self.list.itemClicked.connect(lambda item: self._select(self.list.row(item)))
        self.list.remove_wanted.connect(self.remove)
        model.changed.connect(self._follow)
        self._show(model.session)

    def add(self, spec: type[Analysis]) -> None:
        """Add an analysis and show it."""
        try:
            session = edits.added(self._model.session, spec, **self.form.beam_centre(spec))
        except LtdeskError as error:
            self.tell(str(error), "warning")
            return
        self._model.edit(f"Add {title_of(spec).lower()}", session)

    def remove(self) -> None:
        """Remove the selected analysis."""
        name = self._model.session.selected_analysis
        if self._model.session.analysis(name) is not None and name is not None:
            self._model.edit(f"Remove {name}", edits.removed(self._model.session, name))

    def step(self, by: int) -> None:
        """Select and show the next analysis, or the one before."""
        count = self.list.count()
        if count:
            row = self.list.currentRow()
            self.list.setCurrentRow((row + by) % count if row >= 0 else 0)

    def pop_up_add_menu(self) -> None:
        """Open the menu of what can be added."""
        self.add_menu.popup(self.add_button.mapToGlobal(QPoint(0, self.add_button.height())))

    def tell(self, text: str, rank: str = "dim") -> None:
        """Words under the list; empty: none."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        self.message.setProperty("rank", rank)
        self.message.style().polish(self.message)

    def _make_add_menu(self) -> QMenu:
        menu = QMenu("A&dd an Analysis", self)
        menu.setToolTipsVisible(True)
        specs = [spec for kind, spec in analysis_specs().items() if kind not in LEFT_OUT]
        for group, heading in GROUPS.items():
            members = [spec for spec in specs if kind_of_spec(spec) == group]
            if members:
                menu.addSection(heading)
            for spec in members:
                action = menu.addAction(icons.icon(ICONS[group]), title_of(spec), partial(self.add, spec))
                action.setObjectName(f"add_{spec.model_fields['kind'].default}")
                action.setProperty("section", "Add an analysis")
                action.setToolTip(summary_of(spec))
                action.setStatusTip(summary_of(spec))
        return menu

    def _make_buttons(self) -> None:
        self.add_button = tool_button(self, "add", "Add an analysis", "Add an analysis: choose which")
        self.add_button.setPopupMode(QToolButton.InstantPopup)
        self.add_button.setMenu(self.add_menu)
        remove = "Remove the selected analysis"
        self.remove_button = tool_button(self, "delete", "Remove the analysis", remove, self.remove)

    def _lay_out(self) -> None:
        heading = QLabel("Analyses", self)
        heading.setFont(style.heading_font(self.font()))
        top = QHBoxLayout()
        top.setSpacing(2)
        top.addWidget(heading)
        top.addStretch(1)
        top.addWidget(self.add_button)
        top.addWidget(self.remove_button)
        above = QWidget(self)
        column = QVBoxLayout(above)
        column.setContentsMargins(style.GRID, style.GRID // 2, style.GRID, style.GRID // 2)
        column.setSpacing(style.GRID // 2)
        column.addLayout(top)
        column.addWidget(self.list, 1)
        column.addWidget(self.message)
        below = QWidget(self)
        lower = QVBoxLayout(below)
        lower.setContentsMargins(style.GRID, style.GRID // 2, style.GRID, style.GRID // 2)
        lower.setSpacing(style.GRID // 2)
        self.heading = ElidedLabel()
        self.heading.setFont(style.heading_font(self.font()))
        lower.addWidget(self.heading)
        lower.addWidget(self.form, 1)
        self.buttons_row = QVBoxLayout()
        self.buttons_row.setSpacing(style.GRID // 2)
        lower.addLayout(self.buttons_row)
        parts = QSplitter(Qt.Vertical, self)
        parts.setHandleWidth(style.GRID)
        parts.setChildrenCollapsible(False)
        parts.addWidget(above)
        parts.addWidget(below)
        parts.setSizes([190, 410])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(parts)

    def _follow(self, old: Session, new: Session) -> None:
        if any(getattr(old, name) != getattr(new, name) for name in ("analyses", "selected_analysis", "dataset")):
            self._show(new)

    def _show(self, session: Session) -> None:
        self._showing = True
        names = [analysis.name for analysis in session.analyses]
        if [self.list.item(row).data(Qt.UserRole) for row in range(self.list.count())] != names:
            self.list.clear()
            for analysis in session.analyses:
                self.list.addItem(self._item(analysis))
        selected = session.analysis(session.selected_analysis)
        self.list.setCurrentRow(names.index(selected.name) if selected is not None else -1)
        self._showing = False
        self.heading.set_text(title_of(type(selected)) if selected is not None else "")
        for part in (self.add_button, self.add_menu, *self.add_menu.actions()):
            part.setEnabled(session.dataset is not None)
        self.remove_button.setEnabled(selected is not None)
        self.tell("" if names else EMPTY)

    def _item(self, analysis: Analysis) -> QListWidgetItem:
        title = title_of(type(analysis))
        item = QListWidgetItem(icons.icon(ICONS[kind_of_result(analysis)]), f"{analysis.name} · {title}")
        item.setData(Qt.UserRole, analysis.name)
        item.setToolTip(f"{title}: {summary_of(type(analysis))}\nClick to see its result and parameters")
        return item

    def _select(self, row: int) -> None:
        if not self._showing and row >= 0:
            session = edits.looking_at(self._model.session, self.list.item(row).data(Qt.UserRole))
            names = ("selected_analysis", "shown", "shown_slice", "frame_source")
            self._model.look(**{name: getattr(session, name) for name in names})
