"""The whole picture as an image for papers and slides: every pixel equally large, a scale bar, hatches as on screen."""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, QSize
from PyQt5.QtGui import QFont, QFontMetricsF, QImage, QPainter

from ltdesk.ui.pictures.picture_item import paint_picture
from ltdesk.ui.pictures.plates import paint_wheel
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.readout import PixelScale
from ltdesk.ui.pictures.scale_bar import bar_for, paint_bar, plate_size
from ltdesk.ui.pictures.vectors import wheel_picture

USUAL = 1024
"""The longer side that a small picture is enlarged to, about."""
BAR_SHARE = 0.25


def picture_image(
    prepared: Prepared, size: QSize | None = None, scale: PixelScale | None = None, bar: bool = True
) -> QImage:
    """The picture enlarged by a whole number (never made smaller), as large as `size` (None: about 1000) allows.

    The scale bar is left out where it would cover more than half of the width.
    """
    factor = _factor(prepared.shape, size)
    height, width = (side * factor for side in prepared.shape)
    image = QImage(width, height, QImage.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.save()
    painter.scale(factor, factor)
    painter.translate(0.5, 0.5)
    paint_picture(painter, prepared)
    painter.restore()
    if bar:
        _paint_scale_bar(painter, image.size(), factor, scale)
    if prepared.wheel:
        _paint_wheel(painter, image.size(), prepared.display.colour_map)
    painter.end()
    return image.convertToFormat(QImage.Format_RGB32)


def _factor(shape: tuple[int, int], size: QSize | None) -> int:
    limit = (size.height(), size.width()) if size is not None else (USUAL, USUAL)
    return max(1, min(limit[0] // shape[0], limit[1] // shape[1]))


def _paint_wheel(painter: QPainter, size: QSize, colour_map: str) -> None:
    side = min(size.width(), size.height()) / 6
    place = QRectF(size.width() - 1.15 * side, 0.15 * side, side, side)
    paint_wheel(painter, place, wheel_picture(round(side), colour_map).image)


def _paint_scale_bar(painter: QPainter, size: QSize, factor: int, scale: PixelScale | None) -> None:
    bar = bar_for(factor, scale, size.width() * BAR_SHARE)
    if bar is None:
        return
    text = max(11.0, min(size.width(), size.height()) / 26)
    font = QFont(painter.font())
    font.setPixelSize(round(text))
    painter.setFont(font)
    grid = text * 0.55
    plate = plate_size(bar, QFontMetricsF(font), grid)
    if plate.width() < size.width() / 2 and plate.height() < size.height() / 2:
        paint_bar(painter, QPointF(grid, size.height() - grid), bar, grid)
