"""A small picture of an array, with a line of words below: for previews in dialogs."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QColor, QPainter, QPaintEvent
from PyQt5.QtWidgets import QSizePolicy, QWidget

from ltdesk.session import Display
from ltdesk.ui.look import style
from ltdesk.ui.pictures.picture_item import paint_picture
from ltdesk.ui.pictures.prepare import Picture, Prepared, prepare

FRAME = Display(scale="log", colour_map="inferno")
IMAGE = Display()


def thumbnail_of(values: NDArray[Any], display: Display) -> Prepared:
    """What `Thumbnail.show_picture` takes; made in any thread."""
    return prepare(Picture(values), display)


class Thumbnail(QWidget):
    """Shows one picture as large as it fits, its pixels square, or words where there is none."""

    def __init__(self, title: str, side: int = 24 * style.GRID, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title, self._side = title, side
        self.picture: Prepared | None = None
        self.words = ""
        self.setAccessibleName(title)
        self.setSizePolicy(QSizePolicy.MinimumExpanding, QSizePolicy.MinimumExpanding)

    def sizeHint(self) -> QSize:
        return QSize(self._side, self._side + self.fontMetrics().height() + style.GRID)

    minimumSizeHint = sizeHint

    def show_picture(self, picture: Prepared, words: str = "") -> None:
        """Show a picture and words below."""
        self.picture, self.words = picture, words
        self.setAccessibleDescription(words)
        self.update()

    def show_words(self, words: str) -> None:
        """Show words in place of a picture."""
        self.picture, self.words = None, words
        self.setAccessibleDescription(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, colours = QPainter(self), style.current()
        line = self.fontMetrics().height()
        area = self.rect().adjusted(0, 0, 0, -line - style.GRID // 2)
        painter.fillRect(area, QColor(colours.field))
        if self.picture is not None:
            self._paint_picture(painter, area)
        else:
            painter.setPen(QColor(colours.dim))
            edge = style.GRID
            inner = area.adjusted(edge, edge, -edge, -edge)
            painter.drawText(inner, int(Qt.AlignCenter | Qt.TextWordWrap), self.words)
        below = self.rect().adjusted(0, self.height() - line, 0, 0)
        painter.setPen(QColor(colours.dim))
        text = f"{self._title}  {self.words}" if self.picture is not None and self.words else self._title
        painter.drawText(below, Qt.AlignLeft, self.fontMetrics().elidedText(text, Qt.ElideRight, below.width()))

    def _paint_picture(self, painter: QPainter, area) -> None:
        height, width = self.picture.shape
        factor = min(area.width() / width, area.height() / height)
        painter.save()
        painter.translate(
            area.x() + (area.width() - factor * width) / 2, area.y() + (area.height() - factor * height) / 2
        )
        painter.scale(factor, factor)
        painter.translate(0.5, 0.5)  # a pixel's centre is at whole coordinates
        paint_picture(painter, self.picture)
        painter.restore()
