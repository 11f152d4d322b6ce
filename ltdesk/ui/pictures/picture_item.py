"""The picture in the scene: painted colours, and under them the hatch of what has no value.

pyqtgraph's ImageItem maps levels, colours and size in the GUI thread and knows no positions without a value; here
all of that is ready (`prepare`), and painting is Qt's drawing of a QImage.
"""

from __future__ import annotations

import pyqtgraph as pg
from PyQt5.QtCore import QPointF, QRectF
from PyQt5.QtGui import QPainter

from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.raster import Raster
from ltdesk.ui.pictures.validity_overlay import paint_no_value


class PictureItem(pg.GraphicsObject):
    """A prepared picture; pixel (y, x) covers y ± 0.5, x ± 0.5."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(self.ItemUsesExtendedStyleOption)
        self._prepared: Prepared | None = None

    def show_prepared(self, prepared: Prepared | None) -> None:
        """Paint this from now on; None: nothing."""
        if self._prepared is None or prepared is None or prepared.shape != self._prepared.shape:
            self.prepareGeometryChange()
        self._prepared = prepared
        self.update()

    def boundingRect(self) -> QRectF:
        return extent(self._prepared.shape) if self._prepared is not None else QRectF()

    def paint(self, painter: QPainter, option, widget=None) -> None:
        if self._prepared is not None:
            paint_picture(painter, self._prepared, option.exposedRect)


def extent(shape: tuple[int, int]) -> QRectF:
    """What a picture (h, w) covers, in data coordinates: whole pixels about their centres."""
    height, width = shape
    return QRectF(-0.5, -0.5, width, height)


def paint_picture(painter: QPainter, prepared: Prepared, exposed: QRectF | None = None) -> None:
    """Paint in data coordinates, hatches included; only the `exposed` part is needed."""
    place = extent(prepared.shape)
    exposed = place if exposed is None else exposed.intersected(place)
    paint_no_value(painter, prepared, place, exposed)
    raster, shrinks = _fitting(prepared.rasters, painter)
    painter.save()
    painter.setRenderHint(QPainter.SmoothPixmapTransform, shrinks)
    painter.drawImage(place, raster.image)
    painter.restore()


def _fitting(rasters: tuple[Raster, ...], painter: QPainter) -> tuple[Raster, bool]:
    """The smallest copy that has a pixel for each of the screen, and whether even that must shrink."""
    transform = painter.deviceTransform()
    origin = transform.map(QPointF(0, 0))
    wide = (transform.map(QPointF(1, 0)) - origin).manhattanLength()
    high = (transform.map(QPointF(0, 1)) - origin).manhattanLength()
    height, width = rasters[0].pixels.shape
    best, shrinks = rasters[0], _shrinks(rasters[0], high * height, wide * width)
    for raster in rasters[1:]:
        if not shrinks:
            break
        best, shrinks = raster, _shrinks(raster, high * height, wide * width)
    return best, shrinks


def _shrinks(raster: Raster, high: float, wide: float) -> bool:
    """Whether it has more pixels, along one side, than the `high` and `wide` of the screen that it fills."""
    return raster.pixels.shape[0] > high + 0.5 or raster.pixels.shape[1] > wide + 0.5
