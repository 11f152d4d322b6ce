"""The outline of the scan region: exactly the edges of the pixels that take part."""

from __future__ import annotations

import itertools

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPainterPath, QPen

from ltdesk.geometry import AnyShape, Rectangle

HALO = QColor(0, 0, 0, 170)
INK = QColor("#ffffff")
DASHES = [5.0, 4.0]


class RegionOutline(pg.GraphicsObject):
    """A dashed outline about scan positions, 2 px on the screen with a dark halo."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptedMouseButtons(Qt.NoButton)
        self._path = QPainterPath()
        self._shown: tuple[AnyShape | None, tuple[int, int]] = (None, (0, 0))

    def show_shape(self, shape: AnyShape | None, size: tuple[int, int]) -> None:
        """Outline the positions of a scan of `size` ``(sy, sx)`` that `shape` selects; None: nothing."""
        if (shape, size) == self._shown:
            return
        self._shown = shape, size
        self.prepareGeometryChange()
        self._path = outline(shape, size) if shape is not None else QPainterPath()
        self.update()

    def boundingRect(self) -> QRectF:
        if self._path.isEmpty():
            return QRectF()
        return self._path.boundingRect().adjusted(-2, -2, 2, 2)

    def paint(self, painter: QPainter, option, widget=None) -> None:
        painter.setRenderHint(QPainter.Antialiasing)
        for colour, width, dashes in ((HALO, 3.5, None), (INK, 1.6, DASHES)):
            pen = QPen(colour, width * painter.device().devicePixelRatioF())  # cosmetic: Qt counts device pixels
            pen.setCosmetic(True)
            if dashes:
                pen.setDashPattern(dashes)
            painter.setPen(pen)
            painter.drawPath(self._path)


def outline(shape: AnyShape, size: tuple[int, int]) -> QPainterPath:
    """The edges between pixels inside and outside `shape`, in data coordinates."""
    if isinstance(shape, Rectangle):
        return _rectangle_outline(shape, size)
    return mask_outline(shape.mask(size))


def mask_outline(mask: NDArray[np.bool_]) -> QPainterPath:
    """The edges between True and False pixels; each straight run of edges is one line."""
    padded = np.pad(mask, 1).astype(np.int8)
    path = QPainterPath()
    for y, x0, x1 in _runs(np.diff(padded, axis=0)[:, 1:-1]):
        _line(path, x0 - 0.5, y - 0.5, x1 - 0.5, y - 0.5)
    for x, y0, y1 in _runs(np.diff(padded, axis=1)[1:-1].T):
        _line(path, x - 0.5, y0 - 0.5, x - 0.5, y1 - 0.5)
    return path


def _runs(steps: NDArray[np.int8]) -> list[tuple[int, int, int]]:
    """(row, first, past the last) of each run of equal steps that are not zero."""
    edges = np.diff(np.pad(steps, ((0, 0), (1, 1))), axis=1) != 0
    found = []
    for row in np.flatnonzero(edges.any(axis=1)):
        at = np.flatnonzero(edges[row])
        found += [(int(row), int(a), int(b)) for a, b in itertools.pairwise(at) if steps[row, a]]
    return found


def _rectangle_outline(shape: Rectangle, size: tuple[int, int]) -> QPainterPath:
    rows = np.flatnonzero(_between(size[0], shape.y0, shape.y1))
    columns = np.flatnonzero(_between(size[1], shape.x0, shape.x1))
    path = QPainterPath()
    if rows.size and columns.size:
        top, left = rows[0] - 0.5, columns[0] - 0.5
        path.addRect(QRectF(left, top, columns[-1] + 0.5 - left, rows[-1] + 0.5 - top))
    return path


def _between(count: int, first: float, stop: float) -> NDArray[np.bool_]:
    places = np.arange(count)
    inside: NDArray[np.bool_] = (first <= places) & (places < stop)
    return inside


def _line(path: QPainterPath, x0: float, y0: float, x1: float, y1: float) -> None:
    path.moveTo(QPointF(x0, y0))
    path.lineTo(QPointF(x1, y1))
