"""Hatches for positions without a value: not done yet, failed, or without a frame or number. Never drawn as zeros.

The lines belong to the screen: they keep their distance at any zoom and stay with the picture when it is moved.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from PyQt5.QtCore import QLineF, QPointF, QRectF, Qt
from PyQt5.QtGui import QBrush, QColor, QImage, QPainter, QPen, QTransform

from ltdesk.ui.look import style
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.raster import Raster

PERIOD = 8.0
CELL = 6.0


class Hatch(NamedTuple):
    """A hatch: its ground, its lines, and whether they rise or fall."""

    ground: str
    line: str
    rising: bool = True
    width: float = 1.5


WAITING = {True: Hatch("#232528", "#5b6168"), False: Hatch("#dcdee1", "#a3a8af")}
FAILED = {True: Hatch("#3b2012", "#d55e00", False), False: Hatch("#fbe3d4", "#d55e00", False)}
NO_VALUE = {True: ("#2a2c30", "#41454b"), False: ("#eceef0", "#cdd0d5")}


def paint_no_value(painter: QPainter, prepared: Prepared, place: QRectF, exposed: QRectF) -> None:
    """Paint the hatches of `prepared` at `place`, in data coordinates; only the `exposed` part is needed."""
    dark = style.current().is_dark
    # An estimate is painted half transparent over the hatch: dimmed by a dark one, brightened by a light one.
    waiting = WAITING[dark or prepared.picture.estimated]
    world = painter.worldTransform()
    area, origin = world.mapRect(exposed), world.mapRect(place).topLeft()
    area = QRectF(area.toAlignedRect())
    if area.isEmpty():
        return
    if prepared.waiting:
        painter.save()
        painter.setClipRect(exposed, Qt.IntersectClip)
        painter.setWorldTransform(QTransform())
        paint_hatch(painter, area, origin, waiting)
        painter.restore()
    if prepared.failed is not None:
        _through(painter, prepared.failed, place, area, lambda p: paint_hatch(p, area, origin, FAILED[dark]))
    if prepared.no_value is not None:
        colours = NO_VALUE[dark]
        _through(painter, prepared.no_value, place, area, lambda p: paint_checks(p, area, origin, *colours))


def paint_hatch(painter: QPainter, area: QRectF, origin: QPointF, hatch: Hatch) -> None:
    """Slanting lines over `area` in screen pixels, that start from `origin`."""
    _fill_with_tiles(painter, area, origin, _hatch_tile(hatch, painter.device().devicePixelRatioF()))


def paint_checks(painter: QPainter, area: QRectF, origin: QPointF, one: str, other: str) -> None:
    """A chequered ground over `area` in screen pixels, as image editors show what is transparent."""
    _fill_with_tiles(painter, area, origin, _check_tile(one, other, painter.device().devicePixelRatioF()))


def _fill_with_tiles(painter: QPainter, area: QRectF, origin: QPointF, tile: QBrush) -> None:
    painter.save()
    painter.setBrushOrigin(origin)
    painter.fillRect(area, tile)
    painter.restore()


@cache
def _hatch_tile(hatch: Hatch, ratio: float) -> QBrush:
    """One period of a hatch, repeated without a seam. Lines took 14 times as long to paint."""
    image = _tile(PERIOD, ratio, hatch.ground)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setPen(QPen(QColor(hatch.line), hatch.width * ratio))
    side, slant = image.width(), -1 if hatch.rising else 1
    for n in range(-2, 4):  # a line through (n * side, 0), far beyond the tile at both ends
        painter.drawLine(QLineF((n - slant) * side, -side, (n + 2 * slant) * side, 2 * side))
    painter.end()
    return _tiles(image, ratio)


@cache
def _check_tile(one: str, other: str, ratio: float) -> QBrush:
    image = _tile(2 * CELL, ratio, one)
    painter = QPainter(image)
    half = image.width() / 2
    for place in (0.0, half):
        painter.fillRect(QRectF(place, place, half, half), QColor(other))
    painter.end()
    return _tiles(image, ratio)


def _tile(side: float, ratio: float, ground: str) -> QImage:
    pixels = round(side * ratio)
    image = QImage(pixels, pixels, QImage.Format_RGB32)
    image.fill(QColor(ground))
    return image


def _tiles(image: QImage, ratio: float) -> QBrush:
    brush = QBrush(image)
    brush.setTransform(QTransform.fromScale(1 / ratio, 1 / ratio))
    return brush


def _through(painter: QPainter, raster: Raster, place: QRectF, area: QRectF, paint: Callable[[QPainter], None]) -> None:
    """Paint in screen pixels, but only where the stencil at `place` is set."""
    world = painter.worldTransform()
    ratio = painter.device().devicePixelRatioF()
    image = QImage(round(area.width() * ratio), round(area.height() * ratio), QImage.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.transparent)
    inner = QPainter(image)
    inner.translate(-area.topLeft())
    paint(inner)
    inner.setCompositionMode(QPainter.CompositionMode_DestinationIn)
    inner.setWorldTransform(world * QTransform.fromTranslate(-area.left(), -area.top()))
    _fill_with(inner, raster, place)
    inner.end()
    painter.save()
    painter.setClipRect(place, Qt.IntersectClip)
    painter.setWorldTransform(QTransform())
    painter.drawImage(area.topLeft(), image)
    painter.restore()


def _fill_with(painter: QPainter, raster: Raster, place: QRectF) -> None:
    painter.setRenderHint(QPainter.SmoothPixmapTransform, False)
    painter.setRenderHint(QPainter.Antialiasing, False)
    painter.drawImage(place, raster.image)
