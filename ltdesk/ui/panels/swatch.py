"""Colour swatches, and the menu that chooses a detector's colour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PyQt5.QtWidgets import QColorDialog, QMenu, QWidget

from ltdesk.session import OKABE_ITO

COLOUR_NAMES = ("Orange", "Sky blue", "Bluish green", "Yellow", "Blue", "Vermillion", "Reddish purple")
SIDE = 14


def paint_swatch(painter: QPainter, centre: QPointF, colour: str, hollow: bool = False) -> None:
    """A rounded square of `colour` about `centre`; hollow for what is hidden."""
    box = QRectF(centre.x() - SIDE / 2, centre.y() - SIDE / 2, SIDE, SIDE)
    painter.save()
    painter.setRenderHint(QPainter.Antialiasing)
    painter.setPen(QPen(QColor(colour), 2) if hollow else Qt.NoPen)
    painter.setBrush(Qt.NoBrush if hollow else QColor(colour))
    painter.drawRoundedRect(box.adjusted(1, 1, -1, -1) if hollow else box, 3, 3)
    painter.restore()


def swatch_icon(colour: str, ratio: float = 2.0) -> QIcon:
    """A swatch for a menu, sharp up to `ratio` device pixels a pixel."""
    picture = QPixmap(round(20 * ratio), round(20 * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.transparent)
    painter = QPainter(picture)
    paint_swatch(painter, QPointF(10, 10), colour)
    painter.end()
    return QIcon(picture)


def colour_menu(parent: QWidget, colour: str, choose: Callable[[str], None]) -> QMenu:
    """A menu of the colours that colour-blind readers tell apart, and any other; calls `choose` with ``#rrggbb``."""
    menu = QMenu("Colour", parent)
    for name, value in zip(COLOUR_NAMES, OKABE_ITO, strict=True):
        action = menu.addAction(swatch_icon(value), name, partial(choose, value))
        action.setCheckable(True)
        action.setChecked(value.lower() == colour.lower())
        if action.isChecked():  # the swatch stands where the tick would
            bold = action.font()
            bold.setBold(True)
            action.setFont(bold)
    menu.addSeparator()
    menu.addAction("Other colour…", partial(_ask, parent, colour, choose))
    return menu


def _ask(parent: QWidget, colour: str, choose: Callable[[str], None]) -> None:
    dialog = QColorDialog(QColor(colour), parent)
    dialog.setWindowTitle("Colour of the detector")
    dialog.setAttribute(Qt.WA_DeleteOnClose)
    dialog.colorSelected.connect(lambda chosen: choose(chosen.name()))
    dialog.open()
