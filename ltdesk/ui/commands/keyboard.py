"""Keys on the pictures that are no actions: arrows, Return, Backspace, holding Space."""

from __future__ import annotations

from PyQt5.QtCore import QEvent, QObject, Qt
from PyQt5.QtGui import QKeyEvent

from ltdesk.engine.dataset import Dataset
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes.detector_layer import DetectorLayer

ARROWS = {Qt.Key_Up: (-1, 0), Qt.Key_Down: (1, 0), Qt.Key_Left: (0, -1), Qt.Key_Right: (0, 1)}


class Keyboard(QObject):
    """Arrows move the cursor on the image and the selected detector on the frame; Space hides what lies over both."""

    def __init__(
        self, frame_view: PictureView, image_view: PictureView, layer: DetectorLayer, model: SessionModel
    ) -> None:
        super().__init__(frame_view)
        self._views = (frame_view, image_view)
        self._frame, self._image = frame_view.canvas, image_view.canvas
        self._layer, self._model = layer, model
        self._dataset: Dataset | None = None
        self._hidden = False
        self._shown, self._spectrum = True, False
        for view in self._views:
            view.canvas.installEventFilter(self)

    def set_dataset(self, dataset: Dataset | None) -> None:
        """The scan that the cursor stays in."""
        self._dataset = dataset

    def show_overlays(self, on: bool) -> None:
        """Show or hide what lies over the pictures; while Space is held they are hidden."""
        self._shown = on
        self._show()

    def set_spectrum(self, on: bool) -> None:
        """The left picture is over frequencies, where no detector lies."""
        self._spectrum = on
        self._show()

    def _show(self) -> None:
        shown = self._shown and not self._hidden
        for view in self._views:
            view.set_overlays_visible(shown)
        self._layer.setVisible(shown and not self._spectrum)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.KeyPress:
            return self._press(watched, event)
        if event.type() == QEvent.KeyRelease and event.key() == Qt.Key_Space and not event.isAutoRepeat():
            return self._release_space()
        if event.type() == QEvent.FocusOut:
            self._release_space()
        return False

    def _press(self, watched: QObject, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key_Space:
            self._hidden = True
            self._show()
            return True
        if event.key() in ARROWS:
            return self._arrow(watched, event)
        return watched is self._frame and not self._spectrum and self._layer.take_key(event.key())

    def _release_space(self) -> bool:
        if self._hidden:
            self._hidden = False
            self._show()
            return True
        return False

    def _arrow(self, watched: QObject, event: QKeyEvent) -> bool:
        dy, dx = ARROWS[event.key()]
        keys = event.modifiers()
        far = 10 if keys & Qt.ShiftModifier else 1
        has_detector = not self._spectrum and self._model.session.selected_detector is not None
        if watched is self._frame and has_detector:
            step = 0.1 if keys & Qt.ControlModifier else far
            self._layer.nudge(dy * step, dx * step)
        else:
            self._move_cursor(dy * far, dx * far)
        return True

    def _move_cursor(self, dy: int, dx: int) -> None:
        if self._dataset is not None:
            (y, x), (sy, sx) = self._model.session.cursor, self._dataset.scan_shape
            position = min(max(y + dy, 0), sy - 1), min(max(x + dx, 0), sx - 1)
            self._model.look(cursor=position, frame_source="cursor")
