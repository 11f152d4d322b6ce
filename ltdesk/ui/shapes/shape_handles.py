"""The grips of the selected detector, of one size on the screen whatever the zoom, and the cursors over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QCursor, QPainter, QPen
from PyQt5.QtWidgets import QGraphicsItem

from ltdesk.geometry import AnyShape, terms_of
from ltdesk.ui.shapes.shape_hits import TOLERANCE, Hit, Screen, movable
from ltdesk.ui.shapes.shape_moves import BODY, YX
from ltdesk.ui.shapes.shape_parts import Grip, grips

SIZE = 8.0
CROWDED = 40
"""Grips of one shape above which they are drawn small (the vertices of a freehand outline)."""


@dataclass(frozen=True)
class Mark:
    """A grip as drawn: where it is on the screen and where its stem starts, how large, lit up or not."""

    at: tuple[float, float]
    stem: tuple[float, float]
    round: bool
    size: float
    hot: bool


def marks(shape: AnyShape, term: int | None, hot: Hit | None, screen: Screen) -> list[Mark]:
    """The grips of a shape (of its one `term`, where one is picked out) as drawn."""
    made = []
    for index, one in enumerate(terms_of(shape)):
        if term in (None, index):
            of_term = grips(one.shape)
            small = len(of_term) > CROWDED
            made += [_mark(grip, hot, index, small, screen) for grip in of_term]
    return made


def _mark(grip: Grip, hot: Hit | None, index: int, small: bool, screen: Screen) -> Mark:
    is_hot = hot is not None and (hot.term, hot.part) == (index, grip.part)
    rounded = grip.part.startswith(("vertex", "deg")) or grip.part == BODY
    size = SIZE + 3 if is_hot else SIZE / 2 if small else SIZE
    return Mark(screen.grip(grip), screen.point(grip.at), rounded, size, is_hot)


def guide_marks(points: Sequence[YX], screen: Screen) -> list[Mark]:
    """The corners of an unfinished polygon, each with a stem to the one before; the pointer, the last, has no dot."""
    places = [screen.point(point) for point in points]
    closes = len(places) > 3 and math.dist(places[0], places[-1]) <= TOLERANCE
    corners = [Mark(at, before, True, SIZE, False) for before, at in pairwise(places[:-1])]
    first = Mark(places[0], places[0], True, SIZE + 3 if closes else SIZE, closes)
    return [Mark(places[-1], places[-2], True, 0.0, False), first, *corners]


class HandlesItem(QGraphicsItem):
    """Draws marks, in the coordinates of its parent. It takes no mouse: the layer does."""

    def __init__(self, parent: QGraphicsItem) -> None:
        super().__init__(parent)
        self.setAcceptedMouseButtons(Qt.NoButton)
        self._marks: Sequence[Mark] = ()
        self._colour = QColor(Qt.white)
        self._bounds = QRectF()

    @property
    def marks(self) -> Sequence[Mark]:
        return self._marks

    def show_marks(self, marks: Sequence[Mark], colour: str) -> None:
        """Draw these; the same marks again cost nothing."""
        if marks == self._marks and QColor(colour) == self._colour:
            return
        self.prepareGeometryChange()
        self._marks, self._colour = marks, QColor(colour)
        points = [QPointF(*place) for mark in marks for place in (mark.at, mark.stem)]
        self._bounds = _around(points, SIZE + 4)
        self.update()

    def boundingRect(self) -> QRectF:
        return self._bounds

    def paint(self, painter: QPainter, option: object, widget: object = None) -> None:
        painter.setRenderHint(QPainter.Antialiasing)
        for mark in self._marks:
            if mark.stem != mark.at:
                self._paint_stem(painter, mark)
        for mark in self._marks:
            self._paint_mark(painter, mark)

    def _paint_stem(self, painter: QPainter, mark: Mark) -> None:
        for colour, width in ((QColor(0, 0, 0, 170), 4.0), (self._colour, 1.5)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(QPointF(*mark.stem), QPointF(*mark.at))

    def _paint_mark(self, painter: QPainter, mark: Mark) -> None:
        if not mark.size:
            return
        box = QRectF(mark.at[0] - mark.size / 2, mark.at[1] - mark.size / 2, mark.size, mark.size)
        painter.setPen(QPen(QColor(0, 0, 0, 220), 1.5))
        painter.setBrush(self._colour if mark.hot else QColor(Qt.white))
        if mark.round:
            painter.drawEllipse(box)
        else:
            painter.drawRect(box)


def cursor(shape: AnyShape, hit: Hit, screen: Screen, selected: bool) -> QCursor:
    """What the hand would do there: move, pull in a direction, turn; or nothing, for a pixel mask."""
    if not movable(shape):
        return QCursor(Qt.ForbiddenCursor if selected else Qt.PointingHandCursor)
    if hit.part == BODY or hit.part.startswith("edge:"):
        return QCursor(Qt.SizeAllCursor)
    if hit.part.startswith("vertex"):
        return QCursor(Qt.CrossCursor)
    if hit.part == "deg":
        return QCursor(Qt.PointingHandCursor)
    return QCursor(_pull_cursor(hit, screen))


def _pull_cursor(hit: Hit, screen: Screen) -> Qt.CursorShape:
    if hit.pull is None:
        return Qt.SizeAllCursor
    dx, dy = screen.heading(hit.pull)
    if abs(dx) > 2.4 * abs(dy):
        return Qt.SizeHorCursor
    if abs(dy) > 2.4 * abs(dx):
        return Qt.SizeVerCursor
    return Qt.SizeFDiagCursor if dx * dy > 0 else Qt.SizeBDiagCursor


def _around(points: Sequence[QPointF], margin: float) -> QRectF:
    if not points:
        return QRectF()
    xs, ys = [p.x() for p in points], [p.y() for p in points]
    box = QRectF(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))
    return box.adjusted(-margin, -margin, margin, margin)
