"""The panel of detectors: the list, and buttons that add, duplicate, delete and combine."""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from ltdesk.geometry import Size2D, terms_of
from ltdesk.session import Detector, Session
from ltdesk.ui.look import icons, style
from ltdesk.ui.panels.detector_list import COLOUR, NAME, WEIGHT, DetectorList
from ltdesk.ui.panels.detector_view import DetectorView
from ltdesk.ui.panels.swatch import colour_menu
from ltdesk.ui.panels.tool_button import tool_button
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes import detector_edits as edits
from ltdesk.ui.shapes.shape_words import KIND_NAMES

OPERATORS: dict[edits.Operator, tuple[str, str, str]] = {
    "+": ("or", "Add", "all pixels of the chosen detectors"),
    "-": ("without", "Subtract", "the first chosen detector's pixels that are not in the others"),
    "&": ("and", "Intersect", "the pixels that all chosen detectors share"),
}


class DetectorPanel(QWidget):
    """Shows the session's detectors and edits them.

    Signals
    -------
    mask_wanted : the user asks for a pixel mask from a file
    """

    mask_wanted = pyqtSignal()

    def __init__(self, model: SessionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._frame_shape: Size2D | None = None
        self.rows = DetectorList(model, self)
        self.view = DetectorView(self.rows, model, self)
        self.message = QLabel(self)
        self.message.setProperty("rank", "warning")
        self.message.setWordWrap(True)
        self.message.hide()
        self._make_buttons()
        self._lay_out()
        self._connect()
        self._follow(model.session, model.session)

    def set_frame_shape(self, frame_shape: Size2D | None) -> None:
        """The frame's ``(ky, kx)``, so that new shapes get a handy size; None: nothing is open."""
        self._frame_shape = frame_shape
        self._update_buttons()

    def chosen(self) -> list[Detector]:
        """The detectors whose rows are chosen, from top to bottom."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows(NAME))
        return [self._model.session.detectors[row] for row in rows]

    def add(self, kind: str) -> None:
        """A new shape of this kind in the middle of the frame, or where the selected detector is."""
        if self._frame_shape is not None:
            session = edits.added_kind(self._model.session, kind, self._frame_shape)
            self._model.edit(f"Add {kind}", session)

    def duplicate(self) -> None:
        """A copy of the selected detector."""
        if detector := self._model.session.selected_detector:
            self._model.edit(f"Duplicate {detector.name}", edits.duplicated(self._model.session, detector.id))

    def delete(self) -> None:
        """Delete the chosen detectors."""
        chosen = self.chosen()
        if chosen:
            session = edits.removed(self._model.session, [d.id for d in chosen])
            self._model.edit(f"Delete {', '.join(d.name for d in chosen)}", session)

    def combine(self, operator: edits.Operator) -> None:
        """Combine the chosen detectors; with one chosen, ask in a menu which other to take."""
        chosen = self.chosen()
        if len(chosen) > 1:
            self._combine(operator, [d.id for d in chosen])
        elif chosen:
            button = self.combine_buttons[operator]
            self._partners(chosen[0], operator).popup(button.mapToGlobal(QPoint(0, button.height())))

    def split(self) -> None:
        """Take the selected combination apart."""
        if detector := self._model.session.selected_detector:
            self._model.edit(f"Split {detector.name}", edits.split(self._model.session, detector.id))

    def rename(self) -> None:
        """Edit the selected detector's name in place."""
        self._edit_in_place(NAME)

    def edit_weight(self) -> None:
        """Edit the selected detector's weight in place."""
        self._edit_in_place(WEIGHT)

    def _edit_in_place(self, column: int) -> None:
        if self.view.currentIndex().isValid():
            self.view.setFocus()
            self.view.edit(self.view.currentIndex().siblingAtColumn(column))

    def _make_buttons(self) -> None:
        self.add_button = tool_button(self, "add", "Add", "Add a detector: choose its shape", None)
        self.add_button.setPopupMode(QToolButton.InstantPopup)
        self.add_button.setMenu(self._add_menu())
        self.duplicate_button = tool_button(self, "duplicate", "Duplicate", "Duplicate the detector", self.duplicate)
        self.delete_button = tool_button(self, "delete", "Delete", "Delete the chosen detectors", self.delete)
        self.combine_buttons = {
            operator: tool_button(self, icon, name, f"{name}: {what} ({operator})", partial(self.combine, operator))
            for operator, (icon, name, what) in OPERATORS.items()
        }
        self.weight_button = tool_button(self, "weight", "Weight", "Weight: multiply the sum (×w)", self.edit_weight)
        self.split_button = tool_button(self, "split", "Split", "Take the combination apart", self.split)

    def _add_menu(self) -> QMenu:
        menu = QMenu("Add a detector", self)
        for kind in edits.NEW_KINDS:
            menu.addAction(icons.icon(kind), KIND_NAMES[kind], partial(self.add, kind))
        menu.addSeparator()
        menu.addAction(icons.icon("mask"), "Pixel mask from a file…", self.mask_wanted.emit)
        return menu

    def _lay_out(self) -> None:
        heading = QLabel("Detectors", self)
        heading.setFont(style.heading_font(self.font()))
        top, bottom = QHBoxLayout(), QHBoxLayout()
        top.addWidget(heading)
        top.addStretch(1)
        for button in (self.add_button, self.duplicate_button, self.delete_button):
            top.addWidget(button)
        for button in (*self.combine_buttons.values(), self.weight_button):
            bottom.addWidget(button)
        bottom.addStretch(1)
        bottom.addWidget(self.split_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(style.GRID, style.GRID // 2, style.GRID, style.GRID // 2)
        column.setSpacing(style.GRID // 2)
        for row in (top, bottom):
            row.setSpacing(2)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        column.addWidget(self.message)
        column.addLayout(bottom)

    def _connect(self) -> None:
        self._model.changed.connect(self._follow)
        self.rows.rejected.connect(self._tell)
        self.view.colour_wanted.connect(self._choose_colour)
        self.view.selectionModel().currentRowChanged.connect(self._selected)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._update_buttons())
        self.view.setContextMenuPolicy(Qt.CustomContextMenu)
        self.view.customContextMenuRequested.connect(self._show_menu)

    def _follow(self, old: Session, new: Session) -> None:
        row = self.rows.row(new.selected)
        if row != self.view.currentIndex().row():
            flags = QItemSelectionModel.ClearAndSelect | QItemSelectionModel.Rows
            self.view.selectionModel().setCurrentIndex(self.rows.index(row, NAME), flags)
        if old.detectors != new.detectors:
            self.message.hide()
        self._update_buttons()

    def _selected(self, current: QModelIndex) -> None:
        if current.isValid():
            self._model.look(selected=self.rows.detector(current).id)

    def _tell(self, problem: str) -> None:
        self.message.setText(problem)
        self.message.show()

    def _update_buttons(self) -> None:
        selected = self._model.session.selected_detector
        several = len(self._model.session.detectors) > 1
        self.add_button.setEnabled(self._frame_shape is not None)
        for button in (self.duplicate_button, self.delete_button, self.weight_button):
            button.setEnabled(selected is not None)
        for button in self.combine_buttons.values():
            button.setEnabled(selected is not None and several)
        self.split_button.setEnabled(selected is not None and len(terms_of(selected.shape)) > 1)

    def _combine(self, operator: edits.Operator, ids: list[str]) -> None:
        session = edits.combined(self._model.session, ids, operator)
        self._model.edit(f"{OPERATORS[operator][1]} detectors", session)

    def _partners(self, first: Detector, operator: edits.Operator) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        for other in self._model.session.detectors:
            if other.id != first.id:
                text = f"{first.name} {operator if operator != '&' else '&&'} {other.name}"
                menu.addAction(text.replace("-", "−"), partial(self._combine_two, operator, first.id, other.id))
        return menu

    def _combine_two(self, operator: edits.Operator, first: str, other: str) -> None:
        """The selected detector comes first, wherever the other stands in the list."""
        session = self._model.session
        rows = [d.id for d in session.detectors]
        if rows.index(other) < rows.index(first):
            session = edits.reordered(session, [other], rows.index(first) + 1)
        self._model.edit(f"{OPERATORS[operator][1]} detectors", edits.combined(session, [first, other], operator))

    def _choose_colour(self, index: QModelIndex) -> None:
        box = self.view.visualRect(index.siblingAtColumn(COLOUR))
        menu = self._colour_menu(self.rows.detector(index))
        menu.setAttribute(Qt.WA_DeleteOnClose)
        menu.popup(self.view.viewport().mapToGlobal(box.bottomLeft()))

    def _colour_menu(self, detector: Detector) -> QMenu:
        return colour_menu(self, detector.colour, partial(self.rows.set_colour, detector.id))

    def _show_menu(self, position: QPoint) -> None:
        index = self.view.indexAt(position)
        if not index.isValid():
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        menu.addAction("Rename", self.rename)
        colours = self._colour_menu(self.rows.detector(index))
        colours.setParent(menu, colours.windowFlags())
        menu.addMenu(colours)
        menu.addAction(icons.icon("weight"), "Weight…", self.edit_weight)
        menu.addSeparator()
        menu.addAction(icons.icon("duplicate"), "Duplicate", self.duplicate)
        menu.addAction(icons.icon("delete"), "Delete", self.delete)
        menu.popup(self.view.viewport().mapToGlobal(position))
