"""The outline of the scan region: exactly the edges of the pixels that take part."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtCore import QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPainterPath, QPen

from ltdesk.geometry import AnyShape, Rectangle
from ltdesk.ui.shapes.shape_paths import pixel_edges

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
    return pixel_edges(shape.mask(size))


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
