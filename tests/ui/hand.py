"""A hand on a view of the frame: Qt mouse events sent to the viewport, carrying the pressed button."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PyQt5.QtWidgets import QApplication

from ltdesk.session import Session
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes.detector_layer import DetectorLayer
from ltdesk.ui.shapes.drawing_tools import DrawingTools

YX = tuple[float, float]


class Hand:
    """A frame of 64x64 shown 8 screen pixels to a frame pixel, with a layer over it, and what a user does to it."""

    def __init__(self, session: Session | None = None, scale: int = 8, size: int = 64) -> None:
        self.model = SessionModel(session or Session())
        self.tools = DrawingTools(self.model)
        self.tools.frame_shape = (size, size)
        self.widget = pg.GraphicsLayoutWidget()
        self.widget.ci.setContentsMargins(0, 0, 0, 0)
        self.viewbox = self.widget.addViewBox(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0)
        self.viewbox.addItem(pg.ImageItem(np.zeros((size, size)), rect=(-0.5, -0.5, size, size)))
        self.layer = DetectorLayer(self.viewbox, self.model, self.tools)
        self.widget.resize(scale * size, scale * size)
        self.widget.show()
        self.viewbox.setRange(xRange=(-0.5, size - 0.5), yRange=(-0.5, size - 0.5), padding=0)
        self.settle()

    def settle(self) -> None:
        QApplication.processEvents()
        self.widget.grab()

    @property
    def session(self) -> Session:
        return self.model.session

    @property
    def shape(self) -> Any:
        """The selected detector's."""
        detector = self.session.selected_detector
        assert detector is not None
        return detector.shape

    @property
    def steps(self) -> list[str]:
        """The names of the steps that undo knows."""
        return [self.model.undo_stack.text(i) for i in range(self.model.undo_stack.index())]

    def press(self, at: YX, button: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        self._send(QEvent.MouseButtonPress, at, button, button, keys)

    def move(self, at: YX, held: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        self._send(QEvent.MouseMove, at, Qt.NoButton, held, keys)

    def release(self, at: YX, button: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        self._send(QEvent.MouseButtonRelease, at, button, Qt.NoButton, keys)

    def hover(self, at: YX) -> None:
        self.move(at, held=Qt.NoButton)

    def click(self, at: YX, button: Any = Qt.LeftButton, keys: Any = Qt.NoModifier) -> None:
        self.hover(at)
        self.press(at, button, keys)
        self.release(at, button, keys)

    def double_click(self, at: YX) -> None:
        self.click(at)
        self._send(QEvent.MouseButtonDblClick, at, Qt.LeftButton, Qt.LeftButton, Qt.NoModifier)
        self.release(at)

    def drag(self, *path: YX, keys: Any = Qt.NoModifier) -> None:
        """Press at the first point, go along the others, let go at the last."""
        self.hover(path[0])
        self.press(path[0], keys=keys)
        for at in path[1:]:
            self.move(at, keys=keys)
        self.release(path[-1], keys=keys)

    def wheel(self, at: YX, turn: int) -> None:
        place = self._place(at)
        around = self.widget.viewport().mapToGlobal(place)
        event = QWheelEvent(
            QPointF(place), QPointF(around), QPoint(), QPoint(0, turn),
            Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.widget.viewport(), event)

    def key(self, key: Any) -> None:
        for kind in (QEvent.KeyPress, QEvent.KeyRelease):
            QApplication.sendEvent(self.widget, QKeyEvent(kind, key, Qt.NoModifier))

    def close(self) -> None:
        self.widget.close()
        self.widget.deleteLater()

    def _place(self, at: YX) -> QPoint:
        return self.widget.mapFromScene(self.viewbox.mapViewToScene(QPointF(at[1], at[0])))

    def _send(self, kind: Any, at: YX, button: Any, held: Any, keys: Any) -> None:
        place = self._place(at)
        viewport = self.widget.viewport()
        where = QPointF(place)
        event = QMouseEvent(kind, where, QPointF(viewport.mapToGlobal(place)), button, held, keys)
        QApplication.sendEvent(viewport, event)
