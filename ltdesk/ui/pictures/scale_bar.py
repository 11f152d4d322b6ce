"""A scale bar of a round length (1, 2 or 5 times a power of ten) on a plate that reads on black and on white."""

from __future__ import annotations

from math import floor, log10
from typing import NamedTuple

from PyQt5.QtCore import QPointF, QRectF, QSizeF, Qt
from PyQt5.QtGui import QColor, QFontMetricsF, QPainter

from ltdesk.ui.pictures.readout import PixelScale, short_text

PLATE = QColor(16, 17, 19, 205)
INK = QColor(255, 255, 255)
LARGER = {"nm": (1e3, "µm"), "µm": (1e3, "mm"), "pm": (1e3, "nm"), "Å": (1e4, "µm"), "mrad": (1e3, "rad")}


class Bar(NamedTuple):
    """A scale bar: its length on the screen and what it stands for."""

    pixels: float
    text: str


def bar_for(screen_per_pixel: float, scale: PixelScale | None, longest: float) -> Bar | None:
    """The longest round bar of at most `longest` screen pixels; whole pixels where there is no scale.

    None where not even one pixel of the picture would fit.
    """
    size, unit = (scale.size, scale.unit) if scale is not None else (1.0, "px")
    if screen_per_pixel <= 0 or size <= 0 or longest <= 0:
        return None
    length = round_length(longest / screen_per_pixel * size)
    if scale is None and length < 1:
        return None
    return Bar(length / size * screen_per_pixel, length_text(length, unit))


def round_length(at_most: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not more than `at_most` (> 0)."""
    power = 10.0 ** floor(log10(at_most))
    for factor in (10, 5, 2):  # 10: where the logarithm was rounded down
        if factor * power <= at_most * (1 + 1e-9):
            return factor * power
    return power


def length_text(length: float, unit: str) -> str:
    """``500 nm``, ``2 µm``: in the larger unit from a thousand on."""
    factor, larger = LARGER.get(unit, (0.0, ""))
    if factor and length >= factor * (1 - 1e-9):
        length, unit = length / factor, larger
    return f"{short_text(length)} {unit}"


def plate_size(bar: Bar, metrics: QFontMetricsF, grid: float = 8.0) -> QSizeF:
    """How large the plate of `bar` is, with text of these metrics."""
    width = max(bar.pixels, metrics.horizontalAdvance(bar.text)) + 2 * grid
    return QSizeF(width, metrics.height() + 1.75 * grid)


def paint_bar(painter: QPainter, corner: QPointF, bar: Bar, grid: float = 8.0) -> QRectF:
    """Paint the bar on its plate, the plate's lower left at `corner`, in the painter's font; the plate's place."""
    metrics = QFontMetricsF(painter.font())
    size = plate_size(bar, metrics, grid)
    plate = QRectF(QPointF(corner.x(), corner.y() - size.height()), size)
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    paint_plate(painter, plate, grid / 2)
    middle, thick = plate.center().x(), grid * 3 / 8
    bottom = plate.bottom() - grid * 0.75
    painter.fillRect(QRectF(middle - bar.pixels / 2, bottom - thick, bar.pixels, thick), INK)
    text = QRectF(plate.left(), plate.top() + grid / 4, plate.width(), metrics.height())
    painter.setPen(INK)
    painter.drawText(text, int(Qt.AlignCenter), bar.text)
    painter.restore()
    return plate


def paint_plate(painter: QPainter, place: QRectF, radius: float) -> None:
    """The translucent ground of everything that is written on a picture."""
    painter.setPen(Qt.NoPen)
    painter.setBrush(PLATE)
    painter.drawRoundedRect(place, radius, radius)
