"""The detectors over a view of the frame, and the hand on them: select, drag, resize, copy, draw.

One item over the whole view takes the mouse and finds what is under it by distance on the screen; those below only
paint. It takes Qt's own mouse events, not pyqtgraph's drags: these come at a limited rate and swallow exceptions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtWidgets import QGraphicsObject

from ltdesk.geometry import terms_of
from ltdesk.session import Detector, Session
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shapes import shape_moves
from ltdesk.ui.shapes.drawing_tools import DRAG_FROM, DrawingTools, Touch
from ltdesk.ui.shapes.hold import Hold
from ltdesk.ui.shapes.shape_edits import add_vertex, edit_selected, remove_term, remove_vertex
from ltdesk.ui.shapes.shape_handles import HandlesItem, Mark, cursor, guide_marks, marks
from ltdesk.ui.shapes.shape_hits import Hit, Screen, hits, movable
from ltdesk.ui.shapes.shape_items import DetectorGroup, DetectorItem, Look
from ltdesk.ui.shapes.shape_moves import YX
from ltdesk.ui.shapes.tools import Tool

COPY_KEYS = Qt.AltModifier | Qt.ControlModifier
"""Alt, and Ctrl where the desktop takes Alt-drags for itself."""


class DetectorLayer(QGraphicsObject):
    """Shows the detectors of a `SessionModel` in a ViewBox (x right, y down, pixel centres on integers) and edits them.

    Hiding it hides them all.

    Parameters
    ----------
    viewbox : where the frame is shown
    model : what is shown and edited
    tools : what a press on the frame draws

    Signals
    -------
    term_changed : (int or None) which term of the selected detector is picked out, to be edited alone
    menu_wanted : (id, QPoint) a right click on a detector, in global coordinates
    """

    term_changed = pyqtSignal(object)
    menu_wanted = pyqtSignal(str, QPoint)

    def __init__(self, viewbox: pg.ViewBox, model: SessionModel, tools: DrawingTools) -> None:
        super().__init__(viewbox)
        self._viewbox, self._model, self._tools = viewbox, model, tools
        self._hold: Hold | None = None
        self._hover: Hit | None = None
        self._term: int | None = None
        self._pressed = QPointF()
        self._pointer: YX | None = None
        self._handles = HandlesItem(self)
        self._painted = DetectorGroup()
        viewbox.addItem(self._painted, ignoreBounds=True)
        self._take_part()
        self._connect()
        self._refresh()

    def _take_part(self) -> None:
        self.setZValue(50)
        self._painted.setZValue(20)
        self.setAcceptHoverEvents(True)
        self.setAcceptedMouseButtons(Qt.LeftButton | Qt.RightButton)
        self.setFlag(self.ItemIsFocusable)

    def _connect(self) -> None:
        self._model.changed.connect(self._follow)
        self._model.opened.connect(self._start_afresh)
        self._model.dragging_changed.connect(self._follow_drag)
        self._tools.tool_changed.connect(self._take_tool)
        self._tools.guide_changed.connect(self._show_handles)
        self._tools.drawn.connect(self._pick_drawn)
        self._viewbox.sigResized.connect(self._resize)
        self._viewbox.sigTransformChanged.connect(self._show_handles)
        self.visibleChanged.connect(lambda: self._painted.setVisible(self.isVisible()))

    @property
    def term(self) -> int | None:
        """Which term of the selected detector is edited alone; None: the whole detector."""
        return self._term

    def item(self, id: str) -> DetectorItem:
        """The item that draws a detector. Raises KeyError."""
        return self._painted.items[id]

    @property
    def marks(self) -> Sequence[Mark]:
        """The handles as drawn, in screen pixels of the view."""
        return self._handles.marks

    def pick_term(self, term: int | None) -> None:
        """Edit one term of the selected detector alone, or the whole again."""
        detector = self._model.session.selected_detector
        count = len(terms_of(detector.shape)) if detector else 0
        term = term if term is not None and count > 1 and term < count else None
        if term != self._term:
            self._term = term
            self.term_changed.emit(term)
            self._refresh()

    def nudge(self, dy: float, dx: float) -> bool:
        """Move what is selected by frame pixels: a step of undo, merged with those before it."""
        return edit_selected(self._model, "Nudge", self._term, lambda s: shape_moves.nudge(s, dy, dx))

    def grow(self, by: float) -> bool:
        """Move the outline of what is selected out by frame pixels (in, where negative)."""
        return edit_selected(self._model, "Resize", self._term, lambda s: shape_moves.grow(s, by))

    def take_key(self, key: int) -> bool:
        """For the window to ask before its own shortcuts; False where the key means nothing here and now.

        Esc, Enter and Backspace while drawing or dragging; Delete on the vertex under the pointer or the picked term.
        """
        if self._tools.take_key(key):
            return True
        if key == Qt.Key_Escape:
            return self._escape()
        return key == Qt.Key_Delete and (
            remove_vertex(self._model, self._hover) or remove_term(self._model, self._term)
        )

    def screen(self) -> Screen:
        """How the frame lies on the view now."""
        t = self._viewbox.childTransform()
        return Screen((t.m11(), t.m12()), (t.m21(), t.m22()), (t.m31(), t.m32()))

    def boundingRect(self) -> QRectF:
        return self._viewbox.rect()

    def paint(self, painter: Any, option: Any, widget: Any = None) -> None:
        """Nothing: its children do."""

    # Qt's events

    def mousePressEvent(self, event: Any) -> None:
        if event.button() == Qt.RightButton:
            event.setAccepted(self._right_press(event))
        elif self._tools.tool is not Tool.SELECT:
            self._tools.press(self._touch(event))
        else:
            event.setAccepted(self._take(event))

    def mouseMoveEvent(self, event: Any) -> None:
        if self._hold is None:
            self._tools.move(self._touch(event))
        elif self._hold.began or self._begin(self._hold, event):
            keep = bool(event.modifiers() & Qt.ShiftModifier)
            self._model.drag(self._hold.dragged(self._model.session, self._at(event.pos()), keep))

    def mouseReleaseEvent(self, event: Any) -> None:
        hold, self._hold = self._hold, None
        if hold is None:
            self._tools.release(self._touch(event))
        elif hold.began:
            self._model.end_drag()
        else:
            self._click(hold)
        self._point_at(self._at(event.pos()))

    def mouseDoubleClickEvent(self, event: Any) -> None:
        at = self._at(event.pos())
        if event.button() != Qt.LeftButton:
            event.ignore()
        elif self._tools.tool is not Tool.SELECT:
            self._tools.double_click(self._touch(event))
        elif not add_vertex(self._model, self._hit(at), at):
            event.setAccepted(self._take(event))

    def hoverMoveEvent(self, event: Any) -> None:
        self._tools.hover(self._touch(event))
        self._point_at(self._at(event.pos()))

    def hoverLeaveEvent(self, event: Any) -> None:
        self._point_at(None)

    def keyPressEvent(self, event: Any) -> None:
        event.setAccepted(self.take_key(event.key()))

    def sceneEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.UngrabMouse and self._hold is not None and self._hold.began:
            self._hold = None  # another window took the mouse: what was dragged stays where it is
            self._model.end_drag()
        return super().sceneEvent(event)

    # What the hand does

    def _take(self, event: Any) -> bool:
        """Press on a detector: it is selected, and held."""
        at, session = self._at(event.pos()), self._model.session
        found = self._hits(at)
        if not found:
            return False
        hit, below = found[0], tuple(other.id for other in found[1:])
        detector = next(d for d in session.detectors if d.id == hit.id)
        self._pressed = event.pos()
        self._hold = Hold(hit, at, detector, hit.id == session.selected, below)
        self._model.look(selected=hit.id)
        return True

    def _begin(self, hold: Hold, event: Any) -> bool:
        """The press becomes a drag, if it went far enough: from now on its moves are one step of undo."""
        if (event.pos() - self._pressed).manhattanLength() < DRAG_FROM or not hold.movable:
            return False
        hold = replace(hold, began=True)
        if event.modifiers() & COPY_KEYS:
            self._model.begin_drag(f"Copy {hold.detector.name}")
            hold, session = hold.copied(self._model.session)
            self._model.drag(session)
        else:
            self._model.begin_drag(hold.text)
        self._hold = hold
        return True

    def _click(self, hold: Hold) -> None:
        """A press without a drag: on an outline it picks the term, on the selected's body what lies below."""
        if hold.hit.term is not None:
            self.pick_term(hold.hit.term)
        elif self._term is not None:
            self.pick_term(None)
        elif hold.was_selected and hold.below:
            self._model.look(selected=hold.below[0])

    def _right_press(self, event: Any) -> bool:
        if self._tools.tool is not Tool.SELECT:
            return self._tools.close_polygon()
        hit = self._hit(self._at(event.pos()))
        if self._hold is not None or hit is None:
            return False
        if not remove_vertex(self._model, hit):
            self._model.look(selected=hit.id)
            self.menu_wanted.emit(hit.id, event.screenPos())
        return True

    def _escape(self) -> bool:
        """Take back the drag, or let go of the picked term; False where there is neither."""
        if self._hold is not None and self._hold.began:
            self._model.abandon_drag()
            return True
        was = self._term
        self.pick_term(None)
        return was is not None

    # What follows the session and the tools

    def _follow(self, old: Session, new: Session) -> None:
        if new.detectors is old.detectors and new.selected == old.selected:
            return
        self.pick_term(self._term if new.selected == old.selected else None)
        self._refresh()
        if self._hover is not None and not self._model.dragging:
            self._point_at(self._pointer)  # what was under the pointer may have moved away

    def _refresh(self) -> None:
        session = self._model.session
        if self._hover is not None and session.detector(self._hover.id) is None:
            self._hover = None
        self._painted.show_detectors(session.detectors, self._look)
        self._show_handles()

    def _look(self, detector: Detector) -> Look:
        selected = detector.id == self._model.session.selected
        hovered = self._hover is not None and self._hover.id == detector.id
        return Look(selected, hovered, self._term if selected else None)

    def _show_handles(self, _view: Any = None) -> None:
        detector, guide = self._model.session.selected_detector, self._tools.guide
        if guide:
            self._handles.show_marks(guide_marks(guide, self.screen()), "#ffffff")
        elif detector is None or not detector.visible or self._tools.drawing:
            self._handles.show_marks([], "#ffffff")
        else:
            shown = marks(detector.shape, self._term, self._hover_on(detector), self.screen())
            self._handles.show_marks(shown, detector.colour)

    def _hover_on(self, detector: Detector) -> Hit | None:
        return self._hover if self._hover is not None and self._hover.id == detector.id else None

    def _follow_drag(self, dragging: bool) -> None:
        """Somebody else ended the drag: let go."""
        if not dragging and self._hold is not None and self._hold.began:
            self._hold = None

    def _start_afresh(self, session: Session) -> None:
        self._hold = None
        self.pick_term(None)

    def _take_tool(self, tool: Tool) -> None:
        self._point_at(None)

    def _pick_drawn(self, id: str, term: int) -> None:
        if id == self._model.session.selected:
            self.pick_term(term)

    def _resize(self, _view: Any) -> None:
        self.prepareGeometryChange()

    # The pointer

    def _at(self, pos: QPointF) -> YX:
        inside = self._viewbox.mapToView(pos)
        return inside.y(), inside.x()

    def _touch(self, event: Any) -> Touch:
        keys = event.modifiers()
        pixel = 1.0 / (self.screen().scale or 1.0)
        at = self._at(event.pos())
        return Touch(at, pixel, bool(keys & Qt.ShiftModifier), bool(keys & Qt.ControlModifier))

    def _hits(self, at: YX) -> list[Hit]:
        session = self._model.session
        return hits(session.detectors, session.selected, self._term, at, self.screen())

    def _hit(self, at: YX) -> Hit | None:
        return next(iter(self._hits(at)), None)

    def _point_at(self, at: YX | None) -> None:
        """Light up what is under the pointer and show what the hand would do there."""
        self._pointer = at
        selecting = self._tools.tool is Tool.SELECT
        hit = self._hit(at) if at is not None and selecting else None
        if hit != self._hover:
            self._hover = hit
            self._refresh()
        if hit is not None:
            self._show_cursor(hit)
        elif selecting:
            self.unsetCursor()
        else:
            self.setCursor(Qt.CrossCursor)

    def _show_cursor(self, hit: Hit) -> None:
        detector = self._model.session.detector(hit.id)
        shape = detector.shape if hit.term is None else terms_of(detector.shape)[hit.term].shape
        self.setCursor(cursor(shape, hit, self.screen(), hit.id == self._model.session.selected))
        self.setToolTip("" if movable(shape) else "A mask from a file stays where it is.")
