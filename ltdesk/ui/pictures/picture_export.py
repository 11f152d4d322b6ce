"""The whole picture as an image for papers and slides: every pixel equally large, a scale bar, hatches as on screen.

As on the screen, a line that one would see as a hair is stretched across, and says so.
"""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QFont, QFontMetricsF, QImage, QPainter

from ltdesk.ui.pictures.picture_box import LINE_ASPECT
from ltdesk.ui.pictures.picture_item import paint_picture
from ltdesk.ui.pictures.plates import paint_wheel
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.readout import PixelScale
from ltdesk.ui.pictures.scale_bar import INK, bar_for, paint_bar, paint_plate, plate_size
from ltdesk.ui.pictures.vectors import wheel_picture

USUAL = 1024
"""The longer side that a small picture is enlarged to, about."""
BAR_SHARE = 0.25
BAND = 8
"""A picture that is stretched is so many times as long as it is wide then."""


def picture_image(
    prepared: Prepared, size: QSize | None = None, scale: PixelScale | None = None, bar: bool = True
) -> QImage:
    """The picture enlarged by a whole number (never made smaller), as large as `size` (None: about 1000) allows.

    The scale bar is left out where it would cover more than half of the width, and of a picture stretched along x.
    """
    along_y, along_x = _factors(prepared.shape, size)
    image = QImage(prepared.shape[1] * along_x, prepared.shape[0] * along_y, QImage.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    painter.save()
    painter.scale(along_x, along_y)
    painter.translate(0.5, 0.5)
    paint_picture(painter, prepared)
    painter.restore()
    if bar:
        _paint_measure(painter, image.size(), (along_y, along_x), scale)
    if prepared.wheel:
        _paint_wheel(painter, image.size(), prepared.display.colour_map)
    painter.end()
    return image.convertToFormat(QImage.Format_RGB32)


def _factors(shape: tuple[int, int], size: QSize | None) -> tuple[int, int]:
    """How many times as large as the picture the image is along y and x."""
    limit = (size.height(), size.width()) if size is not None else (USUAL, USUAL)
    factor = max(1, min(limit[0] // shape[0], limit[1] // shape[1]))
    if max(shape) <= LINE_ASPECT * min(shape):
        return factor, factor
    across = max(factor, min(max(shape) * factor // BAND, min(limit)) // min(shape))
    return (across, factor) if shape[0] < shape[1] else (factor, across)


def _paint_wheel(painter: QPainter, size: QSize, colour_map: str) -> None:
    side = min(size.width(), size.height()) / 6
    place = QRectF(size.width() - 1.15 * side, 0.15 * side, side, side)
    paint_wheel(painter, place, wheel_picture(round(side), colour_map).image)


def _paint_measure(painter: QPainter, size: QSize, factors: tuple[int, int], scale: PixelScale | None) -> None:
    """The scale bar, and what is not to scale."""
    along_y, along_x = factors
    font = QFont(painter.font())
    font.setPixelSize(round(max(11.0, min(size.width(), size.height()) / 26)))
    painter.setFont(font)
    if along_x <= along_y:
        _paint_scale_bar(painter, size, along_x, scale)
    if along_x != along_y:
        _paint_note(painter, f"stretched along {'y' if along_y > along_x else 'x'}: not to scale")


def _grid(painter: QPainter) -> float:
    return painter.font().pixelSize() * 0.55


def _paint_scale_bar(painter: QPainter, size: QSize, factor: int, scale: PixelScale | None) -> None:
    bar = bar_for(factor, scale, size.width() * BAR_SHARE)
    if bar is None:
        return
    grid = _grid(painter)
    plate = plate_size(bar, QFontMetricsF(painter.font()), grid)
    if plate.width() < size.width() / 2 and plate.height() < size.height() / 2:
        paint_bar(painter, QPointF(grid, size.height() - grid), bar, grid)


def _paint_note(painter: QPainter, text: str) -> None:
    """In the upper left, broken into lines where the picture is too narrow for it."""
    grid, width = _grid(painter), painter.device().width()
    metrics = QFontMetricsF(painter.font())
    flags = int(Qt.AlignLeft | Qt.TextWordWrap)
    words = metrics.boundingRect(QRectF(2 * grid, 1.5 * grid, width - 4 * grid, 1e4), flags, text)
    painter.save()
    paint_plate(painter, words.adjusted(-grid, -grid / 2, grid, grid / 2), grid / 2)
    painter.setPen(INK)
    painter.drawText(words, flags, text)
    painter.restore()
