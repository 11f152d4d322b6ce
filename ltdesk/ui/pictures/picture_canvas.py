"""Where the picture is drawn and the mouse works on it: pyqtgraph's view, one box, what lies over the picture."""

from __future__ import annotations

from math import floor

import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtWidgets import QGraphicsItem

from ltdesk.geometry import AnyShape, Rectangle
from ltdesk.ui.pictures.picture_box import PictureBox
from ltdesk.ui.pictures.picture_gestures import CursorGesture, Gesture, PanGesture, Press, RegionGesture, ToolGesture
from ltdesk.ui.pictures.picture_item import PictureItem, extent
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.readout import Kind
from ltdesk.ui.pictures.region_outline import RegionOutline
from ltdesk.ui.pictures.scan_cursor import GRIP, PixelFrame, ScanCursor

WHEEL_STEP = 1.25
OVERLAY_Z, REGION_Z, CURSOR_Z = 10, 20, 30


class OverlayGroup(pg.ItemGroup):
    """What is drawn over the picture, in data coordinates: shown and hidden together."""


class PictureCanvas(pg.GraphicsView):
    """A picture with its overlays. Positions are floats in data coordinates: pixel (y, x) has its centre there.

    Signals
    -------
    pressed, moved, released : (y, x, modifiers, button) the left button while a tool is active; `moved` with
        Qt.NoButton where nothing is pressed
    tool_cancelled : () Esc while a tool has the mouse pressed
    clicked : (y, x, modifiers, button) a click that nothing on the picture took
    double_clicked : (y, x)
    hovered : (y, x, inside) the pixel under the mouse; inside is False where there is none
    cursor_moved : (y, x) the user picked this position
    cursor_dragging : (bool) the cross is taken hold of or let go
    region_dragging, region_drawn : (y0, x0, y1, x1) half-open, while it is drawn and at its end
    region_abandoned : () Esc while it is drawn
    resized : ()
    """

    pressed = pyqtSignal(float, float, object, object)
    moved = pyqtSignal(float, float, object, object)
    released = pyqtSignal(float, float, object, object)
    tool_cancelled = pyqtSignal()
    clicked = pyqtSignal(float, float, object, object)
    double_clicked = pyqtSignal(float, float)
    hovered = pyqtSignal(int, int, bool)
    cursor_moved = pyqtSignal(int, int)
    cursor_dragging = pyqtSignal(bool)
    region_dragging = pyqtSignal(int, int, int, int)
    region_drawn = pyqtSignal(int, int, int, int)
    region_abandoned = pyqtSignal()
    resized = pyqtSignal()

    def __init__(self, kind: Kind) -> None:
        super().__init__()
        self._kind, self._shape = kind, (0, 0)
        self._tool_active, self._tool_cursor = False, Qt.CrossCursor
        self._mouse_shape: Qt.CursorShape | None = None
        self._gesture: Gesture | None = None
        self.box = PictureBox()
        self.item = PictureItem()
        self.overlay_group = OverlayGroup()
        self._region, self._cross, self._frame = RegionOutline(), ScanCursor(), PixelFrame()
        self.setCentralItem(self.box)
        self._add_items()
        self._over_scan = True
        self.box.clicked.connect(self.clicked)
        self.box.clicked.connect(self._pick)
        self.scene().sigMouseMoved.connect(self._hover)
        self.setAcceptDrops(False)  # a file dropped here is the window's

    def _add_items(self) -> None:
        self.box.addItem(self.item, ignoreBounds=True)
        self.box.addItem(self.overlay_group, ignoreBounds=True)
        self.overlay_group.setZValue(OVERLAY_Z)
        for item, z in ((self._region, REGION_Z), (self._frame, CURSOR_Z), (self._cross, CURSOR_Z)):
            item.setParentItem(self.overlay_group)
            item.setZValue(z)
        self._cross.hide()
        self._frame.hide()

    # What is shown

    def show_prepared(self, prepared: Prepared | None) -> None:
        """Show a picture; the zoom stays where it has the shape of the one before."""
        self.item.show_prepared(prepared)
        if prepared is not None and prepared.shape != self._shape:
            self._shape = prepared.shape
            self.box.set_shape(prepared.shape)

    def add_overlay(self, item: QGraphicsItem, z: float = 0) -> None:
        """Put an item over the picture, in data coordinates."""
        item.setParentItem(self.overlay_group)
        item.setZValue(z)

    def remove_overlay(self, item: QGraphicsItem) -> None:
        """Take it away again."""
        if item.scene() is not None:
            item.scene().removeItem(item)

    def set_cursor(self, position: tuple[int, int] | None) -> None:
        """Mark a scan position; None: none. Emits nothing."""
        if position is not None:
            self._cross.move_to(*position)
            self._frame.move_to(*position)
        self._over_scan = position is not None
        for item in (self._cross, self._frame):
            item.setVisible(position is not None)

    def cursor_position(self) -> tuple[int, int]:
        return self._cross.position

    def move_cursor(self, y: int, x: int) -> None:
        """The user picked a position."""
        if (y, x) != self._cross.position or not self._cross.isVisible():
            self.set_cursor((y, x))
            self.cursor_moved.emit(y, x)

    def hold_cursor(self, held: bool) -> None:
        """Draw the cross as taken hold of."""
        self._cross.set_held(held)

    def set_region(self, shape: AnyShape | None) -> None:
        """Outline the scan positions of a region; None: none. Emits nothing."""
        self._region.show_shape(shape, self._shape)

    def show_rectangle(self, y0: int, x0: int, y1: int, x1: int) -> None:
        """Outline a region while it is drawn."""
        self.set_region(Rectangle(y0=y0, x0=x0, y1=y1, x1=x1))

    def set_tool_active(self, active: bool, cursor: Qt.CursorShape = Qt.CrossCursor) -> None:
        """While active, left presses, moves and releases go to `pressed`, `moved`, `released`, and to nothing else."""
        self._tool_active, self._tool_cursor = active, cursor
        self._follow_mouse(None)

    # Where things are

    def data_at(self, screen: QPointF) -> QPointF:
        """Data coordinates (x, y) at a place of the viewport."""
        scene, _ = self.viewportTransform().inverted()
        return self.box.mapSceneToView(scene.map(screen))

    def screen_at(self, y: float, x: float) -> QPointF:
        """The place of the viewport where data (y, x) are drawn."""
        return self.viewportTransform().map(self.box.mapViewToScene(QPointF(x, y)))

    def picture_rect(self) -> QRectF:
        """What the picture covers of the viewport."""
        return self.box.mapRectToScene(self.box.childGroup.mapRectToParent(extent(self._shape)))

    def pixel_at(self, y: float, x: float) -> tuple[int, int]:
        """The picture's pixel nearest to data (y, x)."""
        height, width = self._shape
        return (
            min(max(floor(y + 0.5), 0), max(height - 1, 0)),
            min(max(floor(x + 0.5), 0), max(width - 1, 0)),
        )

    # The mouse

    def mousePressEvent(self, event) -> None:
        if self._gesture is not None:
            event.accept()
            return
        press = self._press(event)
        self._gesture = self._begin(press)
        if self._gesture is None:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event) -> None:
        press = self._press(event)
        if self._gesture is not None:
            self._hover(self.mapToScene(event.pos()))
            self._gesture.move(press)
            return
        if self._tool_active and not event.buttons():
            self.moved.emit(press.y, press.x, press.modifiers, Qt.NoButton)
        super().mouseMoveEvent(event)
        if not event.buttons():
            self._follow_mouse(press)

    def mouseReleaseEvent(self, event) -> None:
        if self._gesture is None:
            super().mouseReleaseEvent(event)
        elif event.button() == self._gesture.button:
            gesture, self._gesture = self._gesture, None
            press = self._press(event)
            gesture.release(press)
            self._follow_mouse(press)

    def mouseDoubleClickEvent(self, event) -> None:
        if self._gesture is not None or event.button() != Qt.LeftButton:
            return
        press = self._press(event)
        self.double_clicked.emit(press.y, press.x)
        if self._kind == "scan" and not self._tool_active and self._inside(press):
            self._pick(press.y, press.x, Qt.NoModifier, Qt.LeftButton)
        elif not self._tool_active:
            super().mouseDoubleClickEvent(event)

    def wheelEvent(self, event) -> None:
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        self.box.zoom(WHEEL_STEP**notches, self.data_at(event.position()))
        event.accept()

    def keyPressEvent(self, event) -> None:
        if event.key() == Qt.Key_Escape and self.cancel_gesture():
            event.accept()
        else:
            event.ignore()  # the window's actions, not the scene

    def cancel_gesture(self) -> bool:
        """Esc: give up what the mouse is doing and put back what it changed; whether there was anything."""
        gesture, self._gesture = self._gesture, None
        if gesture is not None:
            gesture.cancel()
            self._follow_mouse(None)
        return gesture is not None

    def leaveEvent(self, event) -> None:
        super().leaveEvent(event)
        self.hovered.emit(0, 0, False)

    def viewportEvent(self, event) -> bool:
        if event.type() == QEvent.NativeGesture and event.gestureType() == Qt.ZoomNativeGesture:
            self.box.zoom(1 + event.value(), self.data_at(QPointF(event.pos())))
            return True
        return super().viewportEvent(event)

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def _press(self, event) -> Press:
        point = self.data_at(event.localPos())
        return Press(event.localPos(), point.y(), point.x(), event.modifiers(), event.button())

    def _begin(self, press: Press) -> Gesture | None:
        if press.button == Qt.MiddleButton:
            return PanGesture(self, press)
        if press.button != Qt.LeftButton:
            return None
        if self._tool_active:
            return ToolGesture(self, press)
        if self._kind == "frame":
            return None
        if press.modifiers & Qt.ControlModifier:
            return RegionGesture(self, press) if self._over_scan else None
        return CursorGesture(self, press) if self._on_cross(press) else None

    def _on_cross(self, press: Press) -> bool:
        if self._kind != "scan" or not (self._cross.isVisible() and self._inside(press)):
            return False
        middle = self.screen_at(*self._cross.position)
        return (press.screen - middle).manhattanLength() <= GRIP or (
            self.pixel_at(press.y, press.x) == self._cross.position
        )

    def _pick(self, y: float, x: float, modifiers: Qt.KeyboardModifiers, button: Qt.MouseButton) -> None:
        """A click on the scan goes there; not where its picture is over something else, as frequencies are."""
        plain = button == Qt.LeftButton and modifiers == Qt.NoModifier
        if self._kind == "scan" and self._over_scan and plain and extent(self._shape).contains(x, y):
            self.move_cursor(*self.pixel_at(y, x))

    def _inside(self, press: Press) -> bool:
        return extent(self._shape).contains(press.x, press.y)

    def _hover(self, scene_pos: QPointF) -> None:
        point = self.box.mapSceneToView(scene_pos)
        inside = extent(self._shape).contains(point)
        y, x = self.pixel_at(point.y(), point.x())
        self.hovered.emit(y, x, inside)

    def set_mouse_shape(self, shape: Qt.CursorShape | None) -> None:
        """The pointer's shape over the picture; None: leave it to the items."""
        if shape == self._mouse_shape:
            return
        self._mouse_shape = shape
        if shape is None:
            self.viewport().unsetCursor()
        else:
            self.viewport().setCursor(shape)

    def _follow_mouse(self, press: Press | None) -> None:
        on_cross = press is not None and self._on_cross(press)
        idle = Qt.OpenHandCursor if on_cross else None
        self.set_mouse_shape(self._tool_cursor if self._tool_active else idle)
