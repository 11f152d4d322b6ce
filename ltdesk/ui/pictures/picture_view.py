"""A picture with all that belongs to it: used left for the diffraction frame and right for the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QImage, QPalette
from PyQt5.QtWidgets import QApplication, QGraphicsItem, QMenu, QVBoxLayout, QWidget

from ltdesk.geometry import AnyShape
from ltdesk.session import Display
from ltdesk.ui.look import style
from ltdesk.ui.pictures import display_scale
from ltdesk.ui.pictures.composite import Layer
from ltdesk.ui.pictures.content import Content, Work, content_of, tells_angles
from ltdesk.ui.pictures.levels_bar import LevelsBar
from ltdesk.ui.pictures.picture_canvas import PictureCanvas
from ltdesk.ui.pictures.picture_export import picture_image
from ltdesk.ui.pictures.picture_header import PictureHeader
from ltdesk.ui.pictures.plates import PlateLayer, status_tip
from ltdesk.ui.pictures.prepare import Picture, Prepared, Status
from ltdesk.ui.pictures.preparer import Preparer
from ltdesk.ui.pictures.readout import Kind, PixelScale, readout_text
from ltdesk.ui.pictures.scale_bar import bar_for
from ltdesk.ui.pictures.vectors import Vectors

pg.setConfigOptions(imageAxisOrder="row-major", mouseRateLimit=-1)

BAR_SHARE, LONGEST_BAR = 0.28, 160.0
NAN_MESSAGE = "No value here is a number: all are NaN."
LEAST_PLATES = QSize(54 * style.GRID, 20 * style.GRID)
"""A picture that is seen smaller has its plates beside it."""


class PictureView(QWidget):
    """One picture: title and display controls above, the picture, histogram and levels below.

    `kind` is ``frame`` (readout ``k y, x``; left drags belong to tools and to items on the picture) or ``scan``
    (the cursor's cross to drag; Ctrl and a drag mark a region). All positions are data coordinates: pixel (y, x) has
    its centre at (y, x). What the user does is told as signals; the view shows it at once, and being set to what it
    already shows does nothing.

    Signals
    -------
    display_changed : (Display) the user changed scale, colour map or levels
    display_dragging : (bool) a drag of the levels began or ended: all changes between are one step
    cursor_moved : (y, x) the user picked a scan position; cursor_dragging : (bool)
    region_dragging, region_drawn : (y0, x0, y1, x1) half-open, of whole positions; region_abandoned : () Esc
    pressed, moved, released : (y, x, modifiers, button) floats, while a tool is active; tool_cancelled : () Esc
    clicked : (y, x, modifiers, button) a click that nothing on the picture took
    double_clicked : (y, x)
    overlays_shown : (bool) what lies over the picture is shown or hidden, for those that draw there on their own
    view_changed : () zoom, pan or size
    """

    display_changed = pyqtSignal(object)
    display_dragging = pyqtSignal(bool)
    cursor_moved = pyqtSignal(int, int)
    cursor_dragging = pyqtSignal(bool)
    region_dragging = pyqtSignal(int, int, int, int)
    region_drawn = pyqtSignal(int, int, int, int)
    region_abandoned = pyqtSignal()
    pressed = pyqtSignal(float, float, object, object)
    moved = pyqtSignal(float, float, object, object)
    released = pyqtSignal(float, float, object, object)
    tool_cancelled = pyqtSignal()
    clicked = pyqtSignal(float, float, object, object)
    double_clicked = pyqtSignal(float, float)
    overlays_shown = pyqtSignal(bool)
    view_changed = pyqtSignal()

    def __init__(self, title: str = "", kind: Kind = "frame", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind: Kind = kind
        self._display = Display()
        self._content: Content | None = None
        self._status: Status = ""
        self._unit = ""
        self._prepared: Prepared | None = None
        self._scale: PixelScale | None = None
        self._cursor: tuple[int, int] | None = None
        self._region: AnyShape | None = None
        self._hovered: tuple[int, int] | None = None
        self._said: object = None
        self._message = ""
        self._nan_message = NAN_MESSAGE
        self._build(title)
        self.preparer = Preparer(self)
        self._connect()
        self.header.show_display(self._display)
        self.setAccessibleName(title)

    def _build(self, title: str) -> None:
        self.header = PictureHeader(title)
        self.canvas = PictureCanvas(self._kind)
        self.canvas.setAccessibleName(f"{title}: picture")
        self.plates = PlateLayer(self.canvas.viewport())
        self.levels_bar = LevelsBar()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.GRID // 2)
        column.addWidget(self.header)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.levels_bar)
        self._paint_ground()

    def _connect(self) -> None:
        for name in ("cursor_dragging", "region_drawn", "pressed", "moved", "released", "tool_cancelled"):
            getattr(self.canvas, name).connect(getattr(self, name))
        self.preparer.prepared.connect(self._show)
        self.canvas.clicked.connect(self.clicked)
        self.canvas.double_clicked.connect(self.double_clicked)
        self.canvas.cursor_moved.connect(self._cursor_picked)
        self.canvas.region_dragging.connect(self._region_dragged)
        self.canvas.region_abandoned.connect(self._region_given_up)
        self.canvas.hovered.connect(self._hover)
        self.canvas.resized.connect(self._resized)
        self.canvas.box.transformed.connect(self._view_changed)
        self.header.scale_chosen.connect(lambda name: self._change_display(scale=name))
        self.header.colour_map_chosen.connect(lambda name: self._change_display(colour_map=name, levels=None))
        self.header.auto_wanted.connect(self.auto_levels)
        self.levels_bar.auto_wanted.connect(self.auto_levels)
        self.levels_bar.levels_changed.connect(lambda low, high: self._change_display(levels=(low, high)))
        self.levels_bar.dragging.connect(self.display_dragging)

    def stop(self) -> None:
        """End the thread that prepares large pictures, now; without it, it ends with the widget."""
        self.preparer.stop()

    # What is shown

    def set_picture(
        self,
        values: Any,
        valid: Any = None,
        failed: Any = None,
        unit: str = "",
        status: Status = "",
        missing: int = 0,
    ) -> None:
        """Show values ``(h, w)`` of any integer or float dtype; they must not be changed afterwards.

        `valid` (h, w) bool: done; None: all. `failed`: will not come. `missing`: how many positions have no frame. A
        large picture is prepared in a thread and appears a moment later; of several in a row the latest is sure to.
        """
        self._content = Picture(values, valid, failed, unit, status, missing=missing)
        self._status, self._unit = status, unit
        self._refresh()

    def set_composite(self, layers: Sequence[Layer | tuple[Any, ...]], unit: str = "", status: Status = "") -> None:
        """Show several pictures of one shape in one: `Layer`s, or tuples of their fields."""
        if not layers:
            self.clear()
            return
        self._content, self._status, self._unit = tuple(Layer(*layer) for layer in layers), status, unit
        self._refresh()

    def set_vectors(self, vectors: Vectors) -> None:
        """Show vectors: direction as colour, with a wheel in the corner, length as brightness."""
        self._content, self._status, self._unit = vectors, vectors.status, vectors.unit
        self._refresh()

    def set_work(self, work: Work, status: Status = "") -> None:
        """Show what `work` makes; in the thread, where it takes long."""
        self._content, self._status, self._unit = work, status, ""
        self._refresh()

    def show_prepared(self, prepared: Prepared) -> None:
        """Show what `prepare`, `prepare_vectors` or `prepare_composite` made, in whatever thread."""
        self.preparer.drop(prepared)
        self._content = content_of(prepared)
        self._unit, self._status = prepared.picture.unit, prepared.picture.status
        self._display = prepared.display
        self.header.show_display(self._display)
        self._show(prepared)

    def clear(self, message: str = "") -> None:
        """Show no picture; `message` in its place."""
        self.preparer.drop(None)
        self._content = self._prepared = None
        self.canvas.show_prepared(None)
        self._place_plates()
        self.levels_bar.show_prepared(None)
        self.plates.status.set_status("")
        self.plates.wheel.set_colour_map(None)
        self.set_message(message)
        self._update_texts()

    def set_message(self, text: str) -> None:
        """A line in the middle of the picture (an empty mask, a lost cluster); empty: none."""
        self._message = text
        self._say_message()

    def set_nan_message(self, text: str) -> None:
        """What is said where no value of the picture is a number and there is no other message."""
        self._nan_message = text
        self._say_message()

    def _say_message(self) -> None:
        all_nan = self._prepared is not None and self._prepared.all_nan
        self.plates.message.set_text(self._message or (self._nan_message if all_nan else ""))

    def set_display(self, display: Display) -> None:
        """Draw in this way from now on. Emits nothing."""
        if display != self._display:
            self._display = display
            self.header.show_display(display)
            self._refresh()

    def set_calibration(
        self,
        pixel_size: float | None,
        unit: str = "",
        origin: tuple[float, float] | None = None,
        size_y: float | None = None,
    ) -> None:
        """What a pixel measures; None: not known, the scale bar counts pixels.

        With an `origin` ``(y, x)`` in pixels the readout tells the distance from there. `size_y`: where a pixel
        measures something else along y.
        """
        scale = PixelScale(pixel_size, unit, origin, size_y) if pixel_size else None
        if scale != self._scale:
            self._scale = scale
            self._update_texts()

    def follow_drag(self, dragging: bool) -> None:
        """A drag began or ended, whoever did that (Esc, undo): levels that are held end with it."""
        if not dragging:
            self.levels_bar.strip.let_go()

    def add_bar(self, bar: QWidget) -> None:
        """Put a bar of controls between the picture and its levels."""
        self.layout().insertWidget(self.layout().indexOf(self.levels_bar), bar)

    def set_title(self, title: str) -> None:
        """The heading of the picture."""
        self.header.title.set_text(title)
        self.setAccessibleName(title)

    def set_source(self, text: str, menu: QMenu | None = None) -> None:
        """The words beside the title (``at (12, 31)``, ``BF``), with a menu to choose others."""
        self.header.set_source(text, menu)

    def set_cursor(self, position: tuple[int, int] | None) -> None:
        """Mark a scan position with the cross; None: no cross. Emits nothing."""
        self._cursor = position
        self.canvas.set_cursor(position)
        self._update_readout()

    def set_region(self, region: AnyShape | None) -> None:
        """Outline the scan region; None: none. Emits nothing."""
        self._region = region
        self.canvas.set_region(region)

    def set_overlays_visible(self, visible: bool) -> None:
        """Whether what lies over the picture is seen: detectors, cross, region, plates. Hatches always are."""
        self.canvas.overlay_group.setVisible(visible)
        self.plates.setVisible(visible)
        self.overlays_shown.emit(visible)

    def set_tool_active(self, active: bool, cursor: Qt.CursorShape = Qt.CrossCursor) -> None:
        """Whether left drags go to `pressed`, `moved`, `released` alone, whatever lies under the mouse."""
        self.canvas.set_tool_active(active, cursor)

    # What can be asked

    @property
    def display(self) -> Display:
        return self._display

    @property
    def status(self) -> str:
        return self.plates.status.status

    @property
    def prepared(self) -> Prepared | None:
        """What is on the screen, or will be at the next paint."""
        return self._prepared

    @property
    def viewbox(self):
        """The pyqtgraph ViewBox: mapSceneToView, viewRect, …"""
        return self.canvas.box

    @property
    def overlay_group(self):
        """The item that holds what lies over the picture, in data coordinates."""
        return self.canvas.overlay_group

    def add_overlay(self, item: QGraphicsItem, z: float = 0) -> None:
        """Put an item over the picture, in data coordinates; `z` orders it among the others."""
        self.canvas.add_overlay(item, z)

    def remove_overlay(self, item: QGraphicsItem) -> None:
        """Take it away again."""
        self.canvas.remove_overlay(item)

    def data_at(self, screen: QPointF) -> tuple[float, float]:
        """Data (y, x) at a place of `canvas.viewport()`."""
        point = self.canvas.data_at(QPointF(screen))
        return point.y(), point.x()

    def screen_at(self, y: float, x: float) -> QPointF:
        """The place of `canvas.viewport()` where data (y, x) are drawn."""
        return self.canvas.screen_at(y, x)

    @property
    def readout(self) -> str:
        """What the readout says."""
        return self.plates.readout.text

    def to_image(self, size: QSize | None = None, scale_bar: bool = True) -> QImage:
        """The whole picture for export, in whole screen pixels each, at most `size`; raises ValueError without one."""
        if self._prepared is None:
            raise ValueError("there is no picture to export")
        return picture_image(self._prepared, size, self._scale if scale_bar else None, bar=scale_bar)

    def copy(self) -> bool:
        """Put the picture with its scale bar on the clipboard; False where there is none."""
        if self._prepared is None:
            return False
        QApplication.clipboard().setImage(self.to_image())
        return True

    # What the window's actions do

    def next_scale(self) -> None:
        """Linear, square root, logarithm, and round again."""
        names = display_scale.NAMES
        self._change_display(scale=names[(names.index(self._display.scale) + 1) % len(names)])

    def auto_levels(self) -> None:
        """Automatic contrast, from now on for every picture."""
        self._change_display(levels=None)

    def fit(self) -> None:
        """Show the whole picture."""
        self.canvas.box.fit()

    def zoom(self, factor: float) -> None:
        """Zoom about the middle of the view."""
        self.canvas.box.zoom(factor, self.canvas.box.viewRect().center())

    def cancel_gesture(self) -> bool:
        """Esc: give up what the mouse is doing on the picture; False where it does nothing."""
        return self.canvas.cancel_gesture()

    # Inside

    def _change_display(self, **changes: Any) -> None:
        display = self._display.model_copy(update=changes)
        if display != self._display:
            self.set_display(display)
            self.display_changed.emit(display)

    def _refresh(self) -> None:
        if self._content is not None:
            self.preparer.prepare(self._content, self._display, self._unit, self._status)

    def _show(self, prepared: Prepared) -> None:
        self._prepared = prepared
        composite = bool(prepared.colours)
        self.canvas.show_prepared(prepared)
        self._place_plates()
        self.canvas.set_region(self._region)
        self.levels_bar.show_prepared(prepared)
        self.header.show_composite(composite)
        said = (prepared.picture.unit, prepared.wheel, composite)
        if said != self._said:
            self._said = said
            self.plates.readout.forget_width()
        picture = prepared.picture
        self.plates.status.set_status(picture.status, picture.values.size, picture.missing)
        angles = not prepared.wheel and tells_angles(prepared)
        self.plates.wheel.set_colour_map(prepared.display.colour_map if prepared.wheel or angles else None, angles)
        self.canvas.setAccessibleDescription(status_tip(picture.status, picture.values.size, picture.missing))
        self._say_message()
        self._update_texts()

    def _cursor_picked(self, y: int, x: int) -> None:
        self._cursor = (y, x)
        self._update_readout()
        self.cursor_moved.emit(y, x)

    def _region_dragged(self, y0: int, x0: int, y1: int, x1: int) -> None:
        self.canvas.show_rectangle(y0, x0, y1, x1)
        self.region_dragging.emit(y0, x0, y1, x1)

    def _region_given_up(self) -> None:
        self.canvas.set_region(self._region)
        self.region_abandoned.emit()

    def _hover(self, y: int, x: int, inside: bool) -> None:
        self._hovered = (y, x) if inside else None
        self._update_readout()

    def _resized(self) -> None:
        self._place_plates()
        self._update_texts()

    def _place_plates(self) -> None:
        """In the corners of what is seen of the picture, or where that is too small, of the view."""
        view = self.canvas.viewport().rect()
        seen = view if self._prepared is None else self.canvas.picture_rect().toAlignedRect().intersected(view)
        roomy = seen.width() >= LEAST_PLATES.width() and seen.height() >= LEAST_PLATES.height()
        self.plates.setGeometry(seen if roomy else view)

    def _view_changed(self) -> None:
        self._place_plates()
        self._update_bar()
        self.view_changed.emit()

    def _update_texts(self) -> None:
        self._update_bar()
        self._update_readout()

    def _update_bar(self) -> None:
        if self._prepared is None:
            self.plates.scale_bar.set_bar(None)
            self.plates.note.set_text("")
            return
        stretched = self.canvas.box.stretched
        self.plates.note.set_text(f"stretched along {stretched}: not to scale" if stretched else "")
        longest = min(self.canvas.viewport().width() * BAR_SHARE, LONGEST_BAR)
        along_x = self.canvas.box.screen_per_pixel[1]
        bar = bar_for(along_x, self._scale, longest) if stretched != "x" else None
        self.plates.scale_bar.set_bar(bar)

    def _update_readout(self) -> None:
        at = self._hovered or (self._cursor if self._kind == "scan" else None)
        if self._prepared is None or at is None:
            self.plates.readout.set_text("")
            return
        height, width = self._prepared.shape
        inside = at[0] < height and at[1] < width
        self.plates.readout.set_text(readout_text(self._prepared, *at, self._kind, self._scale) if inside else "")

    def _paint_ground(self) -> None:
        """The colour beside the picture: the theme's, a shade off black and off white, so that both stand out."""
        colours = self.palette()
        dark = colours.color(QPalette.Window).lightness() < 128
        self.canvas.setBackground(colours.color(QPalette.Base if dark else QPalette.Button))

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (event.PaletteChange, event.StyleChange) and hasattr(self, "canvas"):
            self._paint_ground()

    def picture_rect(self) -> QRectF:
        """What the picture covers of `canvas.viewport()`."""
        return self.canvas.picture_rect()
