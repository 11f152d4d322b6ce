"""A hand on a `PictureView`: mouse events sent to its viewport, with the pressed button, and the pixels it shows."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QColor, QKeyEvent, QMouseEvent, QWheelEvent
from PyQt5.QtWidgets import QApplication, QWidget

from ltdesk.ui.pictures.picture_view import PictureView

YX = tuple[float, float]


def send_mouse(widget: QWidget, kind: Any, at: QPointF, button: Any, held: Any, keys: Any = Qt.NoModifier) -> None:
    """Send one mouse event to a widget, `at` in its coordinates."""
    where = QPointF(widget.mapToGlobal(at.toPoint()))
    QApplication.sendEvent(widget, QMouseEvent(kind, at, where, button, held, keys))


def drag(widget: QWidget, *path: QPointF) -> None:
    """Press at the first point, go along the others, let go at the last."""
    send_mouse(widget, QEvent.MouseButtonPress, path[0], Qt.LeftButton, Qt.LeftButton)
    for at in path[1:]:
        send_mouse(widget, QEvent.MouseMove, at, Qt.NoButton, Qt.LeftButton)
    send_mouse(widget, QEvent.MouseButtonRelease, path[-1], Qt.LeftButton, Qt.NoButton)


class PictureHand:
    """What a user does to a picture, at data coordinates ``(y, x)``."""

    def __init__(self, view: PictureView) -> None:
        self.view = view
        self.viewport = view.canvas.viewport()

    def press(self, at: YX, button: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        send_mouse(self.viewport, QEvent.MouseButtonPress, self.place(at), button, button, keys)

    def move(self, at: YX, held: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        send_mouse(self.viewport, QEvent.MouseMove, self.place(at), Qt.NoButton, held, keys)

    def release(self, at: YX, button: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        send_mouse(self.viewport, QEvent.MouseButtonRelease, self.place(at), button, Qt.NoButton, keys)

    def hover(self, at: YX) -> None:
        self.move(at, held=Qt.NoButton)

    def drag(self, *path: YX, button: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        self.hover(path[0])
        self.press(path[0], button, keys)
        for at in path[1:]:
            self.move(at, button, keys)
        self.release(path[-1], button, keys)

    def double_click(self, at: YX) -> None:
        self.press(at)
        self.release(at)
        send_mouse(self.viewport, QEvent.MouseButtonDblClick, self.place(at), Qt.LeftButton, Qt.LeftButton)
        self.release(at)

    def wheel(self, at: YX, notches: int) -> None:
        place = self.place(at)
        event = QWheelEvent(
            place,
            QPointF(self.viewport.mapToGlobal(place.toPoint())),
            QPoint(),
            QPoint(0, 120 * notches),
            Qt.NoButton,
            Qt.NoModifier,
            Qt.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.viewport, event)

    def key(self, key: Any, keys: Any = Qt.NoModifier) -> None:
        QApplication.sendEvent(self.view.canvas, QKeyEvent(QEvent.KeyPress, key, keys))

    def place(self, at: YX) -> QPointF:
        """Where data coordinates are on the viewport."""
        return QPointF(self.view.screen_at(*at))

    def colour(self, at: YX) -> QColor:
        """The colour on the screen at data coordinates."""
        image = self.viewport.grab().toImage()
        ratio = image.devicePixelRatio()
        place = self.place(at)
        return image.pixelColor(int(place.x() * ratio), int(place.y() * ratio))
