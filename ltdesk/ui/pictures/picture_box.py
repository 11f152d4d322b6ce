"""The part of the view that has data coordinates: fit, zoom at the pointer, pan, and pictures too long to be square."""

from __future__ import annotations

import pyqtgraph as pg
from PyQt5.QtCore import QPointF, QRectF, Qt, pyqtSignal

from ltdesk.ui.pictures.picture_item import extent

PADDING = 0.015
LARGEST_PIXEL = 128.0
"""Screen pixels that one pixel of the picture is zoomed to at most, unless it is larger when fitted."""
SMALLEST_FIT = 0.5
"""How far one can zoom out, as a part of the fitted size."""
LINE_ASPECT = 32
"""A picture more than this many times as long as it is wide is stretched across: at true scale one would see a hair."""
STRIP = 0.4
"""The part of the view that a stretched picture fills across."""


class PictureBox(pg.ViewBox):
    """A ViewBox for one picture: y grows downwards, the aspect is locked, left drags are for tools.

    Signals
    -------
    clicked : (y, x, modifiers, button) a click that no item took
    transformed : () the mapping of data to screen changed
    """

    clicked = pyqtSignal(float, float, object, object)
    transformed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0)
        self._shape: tuple[int, int] | None = None
        self._fitted = True
        self.disableAutoRange()
        self.sigResized.connect(self._resized)
        self.sigTransformChanged.connect(lambda _: self.transformed.emit())

    @property
    def fitted(self) -> bool:
        """Whether the whole picture is shown, as after `fit`, and will be after a resize."""
        return self._fitted

    @property
    def stretched(self) -> str:
        """``y`` or ``x`` where the picture is drawn longer along that axis than it is, else empty."""
        height, width = self._shape or (1, 1)
        return "y" if width > LINE_ASPECT * height else "x" if height > LINE_ASPECT * width else ""

    @property
    def screen_per_pixel(self) -> tuple[float, float]:
        """Screen pixels (device independent) of a pixel of the picture along y and x."""
        view, box = self.viewRect(), self.rect()
        return box.height() / view.height(), box.width() / view.width()

    def set_shape(self, shape: tuple[int, int]) -> None:
        """The picture is (h, w) from now on; the zoom stays if it was so before."""
        if shape != self._shape:
            self._shape = shape
            self.setAspectLocked(not self.stretched)
            self.fit()

    def fit(self) -> None:
        """Show the whole picture."""
        self._fitted = True
        if self._shape is None or self.rect().isEmpty():
            return
        place = extent(self._shape)
        across = 0.5 * (1 / STRIP - 1)
        if self.stretched == "y":
            place.adjust(0, -across * place.height(), 0, across * place.height())
        elif self.stretched == "x":
            place.adjust(-across * place.width(), 0, across * place.width(), 0)
        self.setRange(place, padding=PADDING)
        self.updateMatrix()

    def zoom(self, factor: float, about: QPointF) -> None:
        """Draw everything `factor` times as large; the data point `about` stays where it is."""
        if self._shape is None:
            return
        now = self.screen_per_pixel[0 if self.stretched == "x" else 1]
        fitting = self._fitting_scale()
        wanted = min(max(now * factor, fitting * SMALLEST_FIT), max(LARGEST_PIXEL, fitting * 4))
        if wanted == now:
            return
        self._fitted = False
        shrink = now / wanted
        along_x, along_y = self.stretched != "x", self.stretched != "y"
        view = self.viewRect()
        left, top, right, bottom = view.left(), view.top(), view.right(), view.bottom()
        if along_x:
            left, right = (about.x() + (edge - about.x()) * shrink for edge in (left, right))
        if along_y:
            top, bottom = (about.y() + (edge - about.y()) * shrink for edge in (top, bottom))
        self._show(QRectF(QPointF(left, top), QPointF(right, bottom)))

    def pan(self, dy: float, dx: float) -> None:
        """Move the picture by so many of its pixels; its edge never passes the middle of the view."""
        if self._shape is None:
            return
        self._fitted = False
        dy, dx = (0.0 if self.stretched == "y" else dy), (0.0 if self.stretched == "x" else dx)
        self._show(self.viewRect().translated(-dx, -dy))

    def _show(self, view: QRectF) -> None:
        place = extent(self._shape)
        centre = view.center()
        centre.setX(min(max(centre.x(), place.left()), place.right()))
        centre.setY(min(max(centre.y(), place.top()), place.bottom()))
        view.moveCenter(centre)
        self.setRange(view, padding=0)
        self.updateMatrix()

    def _fitting_scale(self) -> float:
        height, width = self._shape
        by_width = self.rect().width() / (width * (1 + 2 * PADDING))
        by_height = self.rect().height() / (height * (1 + 2 * PADDING))
        if self.stretched:
            return by_width if self.stretched == "y" else by_height
        return min(by_width, by_height)

    def _resized(self) -> None:
        if self._fitted:
            self.fit()

    def mouseClickEvent(self, event) -> None:
        if event.button() in (Qt.LeftButton, Qt.RightButton):
            point = self.mapSceneToView(event.scenePos())
            self.clicked.emit(point.y(), point.x(), event.modifiers(), event.button())

    def mouseDragEvent(self, event, axis=None) -> None:
        event.ignore()

    def keyPressEvent(self, event) -> None:
        event.ignore()
