"""The detectors as a Qt item model that follows the session, and how a row of it is drawn and edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from PyQt5.QtCore import QAbstractTableModel, QByteArray, QMimeData, QModelIndex, QObject, Qt, pyqtSignal

from ltdesk.session import Detector, Session
from ltdesk.shape_text import shape_text
from ltdesk.ui.panels.calm import Calm
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes import detector_edits as edits
from ltdesk.ui.shapes.shape_words import shorter_and_shorter
from ltdesk.validation import validation_text

VISIBLE, COLOUR, NAME, WEIGHT = range(4)
HEADERS = ("Shown", "Colour", "Detector", "Weight")
MIME = "application/x-ltdesk-detectors"
SHAPE_ROLE = Qt.UserRole + 1
"""Its words, the longest first: a narrow list shows fewer."""
TIPS = (
    "Show this detector on the frame and in the composite",
    "Colour: click to choose another",
    "Double click or F2 to rename; drag to reorder",
    "What the detector's sum is multiplied by: double click to change",
)


class DetectorList(QAbstractTableModel):
    """One row a detector; columns VISIBLE, COLOUR, NAME, WEIGHT. Edits go to the session model, each an undo step.

    Signals
    -------
    rejected : (str) an edit made no sense, and why
    """

    rejected = pyqtSignal(str)

    def __init__(self, model: SessionModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._shown = model.session.detectors
        self._stale: set[int] = set()
        self._calm = Calm(model, self._tell_stale, self)
        model.changed.connect(self._follow)

    def detector(self, index: QModelIndex) -> Detector:
        """The detector in this row."""
        return self._shown[index.row()]

    def row(self, id: str | None) -> int:
        """The row of this detector, or -1."""
        return next((row for row, d in enumerate(self._shown) if d.id == id), -1)

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008 (Qt's own default)
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.DisplayRole) -> Any:
        return HEADERS[section] if role == Qt.DisplayRole and orientation == Qt.Horizontal else None

    def data(self, index: QModelIndex, role: int = Qt.DisplayRole) -> Any:
        detector, column = self.detector(index), index.column()
        if role == Qt.CheckStateRole and column == VISIBLE:
            return Qt.Checked if detector.visible else Qt.Unchecked
        if role == Qt.DecorationRole and column == COLOUR:
            return detector.colour
        if role == SHAPE_ROLE:
            return shorter_and_shorter(detector.shape)
        if role in (Qt.DisplayRole, Qt.EditRole):
            return _value(detector, column, role)
        if role == Qt.AccessibleTextRole:
            return _spoken(detector, column)
        if role == Qt.ToolTipRole:
            return f"{shape_text(detector.shape)[:200]}\n{TIPS[column]}" if column == NAME else TIPS[column]
        if role == Qt.TextAlignmentRole and column == WEIGHT:
            return int(Qt.AlignRight | Qt.AlignVCenter)
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        base = Qt.ItemIsEnabled | Qt.ItemIsSelectable | Qt.ItemIsDragEnabled | Qt.ItemNeverHasChildren
        if not index.isValid():
            return Qt.ItemIsDropEnabled
        extra = {VISIBLE: Qt.ItemIsUserCheckable, NAME: Qt.ItemIsEditable, WEIGHT: Qt.ItemIsEditable}
        return base | extra.get(index.column(), Qt.NoItemFlags)

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.EditRole) -> bool:
        detector = self.detector(index)
        if role == Qt.CheckStateRole:
            visible = value == Qt.Checked
            return self._edit(f"{'Show' if visible else 'Hide'} {detector.name}", detector.id, visible=visible)
        if index.column() == WEIGHT:
            return self._edit(f"Weight of {detector.name}", detector.id, weight=value)
        if problem := edits.name_problem(self._model.session, detector.id, str(value)):
            self.rejected.emit(problem)
            return False
        return self._edit(f"Rename {detector.name} to {value}", detector.id, name=value)

    def set_colour(self, id: str, colour: str) -> None:
        """Give the detector a colour ``#rrggbb``."""
        self._edit("Change colour", id, colour=colour)

    def supportedDropActions(self) -> Qt.DropActions:
        return Qt.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        ids = dict.fromkeys(self.detector(index).id for index in indexes)
        data = QMimeData()
        data.setData(MIME, QByteArray(" ".join(ids).encode()))
        return data

    def dropMimeData(self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: QModelIndex) -> bool:
        if action != Qt.MoveAction or not data.hasFormat(MIME):
            return False
        at = row if row >= 0 else (parent.row() if parent.isValid() else len(self._shown))
        ids = bytes(data.data(MIME)).decode().split()
        self._model.edit("Reorder detectors", edits.reordered(self._model.session, ids, at))
        return False  # the session has moved the rows: the view must not remove any

    def _edit(self, text: str, id: str, **changes: object) -> bool:
        try:
            session = edits.changed(self._model.session, id, **changes)
        except ValidationError as error:
            self.rejected.emit(validation_text(error))
            return False
        self._model.edit(text, session)
        return True

    def _follow(self, old: Session, new: Session) -> None:
        if new.detectors is self._shown:
            return
        before, self._shown = self._shown, new.detectors
        if [d.id for d in before] != [d.id for d in new.detectors]:
            self._shown = before
            self.beginResetModel()
            self._shown, self._stale = new.detectors, set()
            self.endResetModel()
            return
        self._stale |= {row for row, (was, now) in enumerate(zip(before, new.detectors, strict=True)) if was != now}
        if self._stale:
            self._calm.ask()

    def _tell_stale(self) -> None:
        rows, self._stale = self._stale, set()
        for row in rows:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(HEADERS) - 1))


def weight_text(weight: float) -> str:
    """A weight as shown: ``×0.5``; nothing for 1."""
    return "" if weight == 1 else f"×{weight:g}".replace("-", "−")


def _value(detector: Detector, column: int, role: int) -> Any:
    if column == NAME:
        return detector.name
    if column == WEIGHT:
        return detector.weight if role == Qt.EditRole else weight_text(detector.weight)
    return None


def _spoken(detector: Detector, column: int) -> str:
    texts = {
        VISIBLE: f"{detector.name}, {'shown' if detector.visible else 'hidden'}",
        COLOUR: f"{detector.name}, colour {detector.colour}",
        NAME: f"{detector.name}, {shape_text(detector.shape)[:80]}",
        WEIGHT: f"{detector.name}, weight {detector.weight:g}",
    }
    return texts[column]
