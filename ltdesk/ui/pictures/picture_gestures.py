"""What the mouse does on a picture, from press to release: pan, draw with a tool, move the cross, mark a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PyQt5.QtCore import QPointF, Qt

if TYPE_CHECKING:
    from ltdesk.ui.pictures.picture_canvas import PictureCanvas


class Press(NamedTuple):
    """A mouse event on the picture: where on the screen and in the data, with which keys and button."""

    screen: QPointF
    y: float
    x: float
    modifiers: Qt.KeyboardModifiers
    button: Qt.MouseButton


class Gesture:
    """From press to release. `cancel` is Esc: back to where it began."""

    def __init__(self, canvas: PictureCanvas, press: Press) -> None:
        self._canvas, self._press = canvas, press

    @property
    def button(self) -> Qt.MouseButton:
        """The button that began it, and whose release ends it."""
        return self._press.button

    def move(self, event: Press) -> None: ...

    def release(self, event: Press) -> None: ...

    def cancel(self) -> None: ...


class PanGesture(Gesture):
    """The picture follows the hand."""

    def __init__(self, canvas: PictureCanvas, press: Press) -> None:
        super().__init__(canvas, press)
        self._last = press.screen
        canvas.set_mouse_shape(Qt.ClosedHandCursor)

    def move(self, event: Press) -> None:
        step = event.screen - self._last
        self._last = event.screen
        high, wide = self._canvas.box.screen_per_pixel
        self._canvas.box.pan(step.y() / high, step.x() / wide)


class ToolGesture(Gesture):
    """A drawing tool gets everything, in data coordinates."""

    def __init__(self, canvas: PictureCanvas, press: Press) -> None:
        super().__init__(canvas, press)
        canvas.pressed.emit(press.y, press.x, press.modifiers, press.button)

    def move(self, event: Press) -> None:
        self._canvas.moved.emit(event.y, event.x, event.modifiers, self.button)

    def release(self, event: Press) -> None:
        self._canvas.released.emit(event.y, event.x, event.modifiers, self.button)

    def cancel(self) -> None:
        self._canvas.tool_cancelled.emit()


class CursorGesture(Gesture):
    """The cross follows the hand, from pixel to pixel."""

    def __init__(self, canvas: PictureCanvas, press: Press) -> None:
        super().__init__(canvas, press)
        self._began_at = canvas.cursor_position()
        canvas.set_mouse_shape(Qt.ClosedHandCursor)
        canvas.hold_cursor(True)
        canvas.cursor_dragging.emit(True)

    def move(self, event: Press) -> None:
        self._canvas.move_cursor(*self._canvas.pixel_at(event.y, event.x))

    def release(self, event: Press) -> None:
        self._canvas.hold_cursor(False)
        self._canvas.cursor_dragging.emit(False)

    def cancel(self) -> None:
        self._canvas.move_cursor(*self._began_at)
        self.release(self._press)


class RegionGesture(Gesture):
    """A rectangle of whole pixels from where the mouse was pressed to where it is: half-open (y0, x0, y1, x1)."""

    def __init__(self, canvas: PictureCanvas, press: Press) -> None:
        super().__init__(canvas, press)
        self._region: tuple[int, int, int, int] | None = None

    def move(self, event: Press) -> None:
        region = self._up_to(event)
        if region != self._region:
            self._region = region
            self._canvas.region_dragging.emit(*region)

    def release(self, event: Press) -> None:
        if self._region is not None:  # a click with Ctrl marks nothing
            self._canvas.region_drawn.emit(*self._up_to(event))

    def cancel(self) -> None:
        if self._region is not None:
            self._canvas.region_abandoned.emit()

    def _up_to(self, event: Press) -> tuple[int, int, int, int]:
        y0, x0 = self._canvas.pixel_at(self._press.y, self._press.x)
        y1, x1 = self._canvas.pixel_at(event.y, event.x)
        return min(y0, y1), min(x0, x1), max(y0, y1) + 1, max(x0, x1) + 1
