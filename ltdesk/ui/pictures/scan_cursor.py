"""The cross that marks the picked position on the scan, and the outline of its pixel where pixels are large."""

from __future__ import annotations

import pyqtgraph as pg
from PyQt5.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QPainter, QPen

INNER, OUTER = 5.0, 15.0
"""Where the arms of the cross begin and end, in screen pixels from its middle."""
GRIP = 16.0
"""How near the middle a press takes hold of the cross, in screen pixels."""
HALO = QColor(0, 0, 0, 170)
INK = QColor("#ffffff")
HELD = QColor("#ffd54a")


class ScanCursor(pg.GraphicsObject):
    """A cross of constant size on the screen at a scan position ``(y, x)``."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(self.ItemIgnoresTransformations)
        self.setAcceptedMouseButtons(Qt.NoButton)
        self._held = False
        self.position = (0, 0)

    def move_to(self, y: int, x: int) -> None:
        """Mark another position."""
        self.position = (y, x)
        self.setPos(QPointF(x, y))

    def set_held(self, held: bool) -> None:
        """Whether the mouse has hold of it."""
        self._held = held
        self.update()

    def boundingRect(self) -> QRectF:
        reach = OUTER + 4
        return QRectF(-reach, -reach, 2 * reach, 2 * reach)

    def paint(self, painter: QPainter, option, widget=None) -> None:
        arms = [QLineF(sx * INNER, sy * INNER, sx * OUTER, sy * OUTER) for sx, sy in DIRECTIONS]
        painter.setRenderHint(QPainter.Antialiasing)
        for colour, width in ((HALO, 4.5), (HELD if self._held else INK, 2.0)):
            painter.setPen(QPen(colour, width, Qt.SolidLine, Qt.RoundCap))
            painter.drawLines(arms)


DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1))


class PixelFrame(pg.GraphicsObject):
    """The outline of the picked pixel, once a pixel is large enough to have one."""

    SMALLEST = 12.0

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptedMouseButtons(Qt.NoButton)

    def move_to(self, y: int, x: int) -> None:
        """Outline another pixel."""
        self.setPos(QPointF(x, y))

    def boundingRect(self) -> QRectF:
        return QRectF(-1, -1, 2, 2)

    def paint(self, painter: QPainter, option, widget=None) -> None:
        transform = painter.worldTransform()
        if min(abs(transform.m11()), abs(transform.m22())) < self.SMALLEST:
            return
        for colour, width in ((HALO, 3.0), (INK, 1.2)):
            width *= painter.device().devicePixelRatioF()  # a cosmetic width counts in device pixels
            pen = QPen(colour, width, Qt.SolidLine, Qt.SquareCap, Qt.MiterJoin)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawRect(QRectF(-0.5, -0.5, 1, 1))
