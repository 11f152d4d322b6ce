"""The drawing tools: what a press, a drag and clicks on the frame add to the session.

While a shape is drawn it is in the session already, as one long drag, so that its image appears under the hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from PyQt5.QtCore import QObject, Qt, pyqtSignal

from ltdesk.geometry import AnyShape, Combination, Polygon, Size2D, Term, terms_of
from ltdesk.session import Detector, Session
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes.detector_edits import default_shape
from ltdesk.ui.shapes.gestures import Stroke, outline_shape, stroke_shape
from ltdesk.ui.shapes.shape_hits import TOLERANCE
from ltdesk.ui.shapes.shape_moves import YX, distance
from ltdesk.ui.shapes.tools import Tool

Combine = Literal["new", "+", "-", "&"]
DRAG_FROM = 3.0
"""Screen pixels that a press may tremble before it is a drag."""


@dataclass(frozen=True)
class Touch:
    """Where the hand is: `at` (y, x) in frame pixels, of which `pixel` make one screen pixel, and the keys it holds."""

    at: YX
    pixel: float
    shift: bool = False
    ctrl: bool = False


class DrawingTools(QObject):
    """Which tool is chosen, and what is being drawn with it.

    Signals
    -------
    tool_changed : (Tool) another tool is chosen
    combine_changed : (str) what is drawn next is a ``new`` detector or joins the selected one by ``+ - &``
    guide_changed : the corners of an unfinished polygon changed
    drawn : (id, term) a shape is done: the detector it is in, and which of its terms it is
    """

    tool_changed = pyqtSignal(object)
    combine_changed = pyqtSignal(str)
    guide_changed = pyqtSignal()
    drawn = pyqtSignal(str, int)

    def __init__(self, model: SessionModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.frame_shape: Size2D = (128, 128)
        self._model = model
        self._tool, self._stays = Tool.SELECT, False
        self._combine: Combine = "new"
        self._combine_now: Combine = "new"  # of the shape in hand; keys pressed meanwhile are for the next one
        self._stroke: Stroke | None
        self._trail: list[YX]
        self._corners: list[YX]
        self._pointer: YX | None
        self._base: Detector | None
        self._clear()
        model.dragging_changed.connect(self._follow_drag)
        model.opened.connect(lambda _: self._forget())

    @property
    def tool(self) -> Tool:
        return self._tool

    @property
    def combine(self) -> str:
        return self._combine

    @property
    def drawing(self) -> bool:
        """Is something half drawn?"""
        return self._stroke is not None or bool(self._corners)

    @property
    def guide(self) -> list[YX]:
        """The corners of an unfinished polygon, and the pointer last; empty when there is none."""
        return [*self._corners, self._pointer] if self._corners and self._pointer else []

    def choose(self, tool: Tool | str, stay: bool = False) -> None:
        """Take a tool in hand. It goes back to select after one shape, unless it is to `stay`."""
        if self.drawing:
            self.abandon()
        changed = tool != self._tool
        self._tool, self._stays = Tool(tool), stay
        if changed:
            self.tool_changed.emit(self._tool)

    def set_combine(self, combine: Combine) -> None:
        """What is drawn next: a ``new`` detector, or a further term (``+``, ``-``, ``&``) of the selected one."""
        if combine != self._combine:
            self._combine = combine
            self.combine_changed.emit(combine)

    def press(self, touch: Touch) -> None:
        if self._tool is Tool.POLYGON:
            self._add_corner(touch)
        elif self._tool is not Tool.SELECT:
            self._stroke, self._trail, self._from = Stroke(touch.at, touch.at), [touch.at], touch

    def move(self, touch: Touch) -> None:
        """The hand moves with the button held."""
        if self._stroke is None:
            return self.hover(touch)
        if not self._began and distance(touch.at, self._from.at) < DRAG_FROM * touch.pixel:
            return
        self._stroke = self._stroke.moved(touch.at, touch.shift, touch.ctrl)
        if distance(touch.at, self._trail[-1]) >= touch.pixel:
            self._trail.append(touch.at)
        shape = self._stroked(touch)
        if shape is not None:
            self._show(shape)

    def release(self, touch: Touch) -> None:
        if self._stroke is None:
            return
        if not self._began and self._tool is not Tool.FREEHAND:
            self._show(default_shape(self._tool.value, self.frame_shape, self._from.at))
        self._finish()

    def hover(self, touch: Touch) -> None:
        """The hand moves with no button held: the next side of a polygon follows."""
        if self._corners:
            self._pointer = touch.at
            self._show_corners()

    def double_click(self, touch: Touch) -> None:
        """Closes a polygon; its first half has added the last corner."""
        if self._tool is Tool.POLYGON:
            self.close_polygon()
        else:
            self.press(touch)

    def close_polygon(self) -> bool:
        """End the polygon at its last corner; False where it has too few."""
        if len(self._corners) < 3:
            return False
        self._show(Polygon(points=tuple(self._corners)))
        self._finish()
        return True

    def take_back_corner(self) -> bool:
        """Remove the last corner; with the only one the polygon is gone. False where there is none."""
        if not self._corners:
            return False
        if len(self._corners) == 1:
            self.abandon()
        else:
            self._corners.pop()
            self._show_corners()
        return True

    def abandon(self) -> bool:
        """Stop drawing and take back what was drawn; False where nothing was."""
        was = self.drawing
        began = self._began
        self._clear()
        if began:
            self._model.abandon_drag()
        if was:
            self.guide_changed.emit()
        return was

    def take_key(self, key: int) -> bool:
        """A key pressed on the frame; False where it means nothing to a tool."""
        if key == Qt.Key_Escape:
            if self.abandon():
                return True
            was_drawing_tool = self._tool is not Tool.SELECT
            self.choose(Tool.SELECT)
            return was_drawing_tool
        if key in (Qt.Key_Return, Qt.Key_Enter):
            return self.close_polygon()
        return key == Qt.Key_Backspace and self.take_back_corner()

    def _clear(self) -> None:
        self._stroke, self._from, self._trail = None, Touch((0.0, 0.0), 1.0), []
        self._corners, self._pointer = [], None
        self._began, self._joining, self._base = False, False, None

    def _forget(self) -> None:
        self._clear()
        self.guide_changed.emit()

    def _follow_drag(self, dragging: bool) -> None:
        """Somebody else ended the drag (Esc, undo): what was being drawn is no longer ours."""
        if not dragging and self._began:
            self._forget()

    def _stroked(self, touch: Touch) -> AnyShape | None:
        if self._tool is Tool.FREEHAND:
            # Finer than a fifth of a frame pixel changes no mask worth the corners.
            return outline_shape(self._trail, max(touch.pixel, 0.2))
        return stroke_shape(self._tool.value, self._stroke)

    def _add_corner(self, touch: Touch) -> None:
        near = TOLERANCE * touch.pixel
        if len(self._corners) >= 3 and distance(touch.at, self._corners[0]) <= near:
            self.close_polygon()
            return
        if not self._corners or distance(touch.at, self._corners[-1]) > DRAG_FROM * touch.pixel:
            self._corners.append(touch.at)
        self._pointer = touch.at
        self._show_corners()

    def _show_corners(self) -> None:
        points = [*self._corners, self._pointer]
        if points[-1] == points[-2]:
            points.pop()
        if len(points) >= 3:
            self._show(Polygon(points=tuple(points)))
        elif self._began:  # a corner was taken back: two make no polygon
            self._began = False
            self._model.abandon_drag()
        self.guide_changed.emit()

    def _show(self, shape: AnyShape) -> None:
        if not self._began:
            self._base = self._begin(shape)
            self._began = True
        self._model.drag(self._with(shape))

    def _begin(self, shape: AnyShape) -> Detector:
        """The detector that will hold the shape: the selected one, or a new one."""
        session = self._model.session
        selected = session.selected_detector
        self._combine_now = self._combine
        if self._combine != "new" and selected is not None:
            self._joining = True
            self._model.begin_drag(f"{self._combine} {self._tool} ({selected.name})")
            return selected
        self._model.begin_drag(f"Draw {self._tool}")
        return Detector(name=session.free_name(self._tool.value), colour=session.free_colour(), shape=shape)

    def _with(self, shape: AnyShape) -> Session:
        session, base = self._model.session, self._base
        if self._joining:
            term = Term.model_construct(op=self._combine_now, shape=shape)
            shape = Combination(terms=(*terms_of(base.shape), term))
        shown = session.shown if session.shown == "composite" else "detector"
        drawn = base.model_copy(update={"shape": shape, "visible": True})
        return session.with_detector(drawn).but(selected=drawn.id, shown=shown)

    def _finish(self) -> None:
        base, began = self._base, self._began
        chosen_since = began and self._combine != self._combine_now
        self._clear()
        if began:
            self._model.end_drag()
            self._announce(base)
        self.guide_changed.emit()
        if not (self._stays or chosen_since):
            self.set_combine("new")
        if not self._stays:
            self.choose(Tool.SELECT)

    def _announce(self, base: Any) -> None:
        detector = self._model.session.detector(base.id)
        if detector is not None:
            self.drawn.emit(detector.id, len(terms_of(detector.shape)) - 1)
