"""The detectors over a view of the frame, and the hand on them: select, drag, resize, copy, draw.

One item over the whole view takes the mouse and finds what is under it by distance on the screen; those below only
paint. It takes Qt's own mouse events, not pyqtgraph's drags: these come at a limited rate and swallow exceptions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PyQt5.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtWidgets import QGraphicsObject

from ltdesk.geometry import terms_of
from ltdesk.session import Detector, Session
from ltdesk.ui import shape_moves
from ltdesk.ui.detector_edits import duplicated
from ltdesk.ui.drawing_tools import DRAG_FROM, DrawingTools, Tool, Touch
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.shape_handles import HandlesItem, cursor, guide_marks, marks
from ltdesk.ui.shape_hits import Hit, Screen, hits, movable
from ltdesk.ui.shape_items import DetectorItem, Look
from ltdesk.ui.shape_moves import BODY, YX

COPY_KEYS = Qt.AltModifier | Qt.ControlModifier
"""Alt, and Ctrl where the desktop takes Alt-drags for itself."""


@dataclass
class Hold:
    """A press that may become a drag: what it took, where, of which detector, and whether others lie below."""

    hit: Hit
    at: YX
    screen_at: QPointF
    detector: Detector
    was_selected: bool
    below: list[str]
    began: bool = False


class DetectorLayer(QGraphicsObject):
    """Shows the detectors of a `SessionModel` in a ViewBox (x right, y down, pixel centres on integers) and edits them.

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
        self._items: dict[str, DetectorItem] = {}
        self._hold: Hold | None = None
        self._hover: Hit | None = None
        self._term: int | None = None
        self._handles = HandlesItem(self)
        self.setZValue(50)
        self.setAcceptHoverEvents(True)
        self.setAcceptedMouseButtons(Qt.LeftButton | Qt.RightButton)
        self.setFlag(self.ItemIsFocusable)
        self._connect()
        self._follow(Session(), model.session)

    def _connect(self) -> None:
        self._model.changed.connect(self._follow)
        self._model.opened.connect(lambda _: self.pick_term(None))
        self._model.dragging_changed.connect(self._follow_drag)
        self._tools.tool_changed.connect(lambda _: self._point_at(None))
        self._tools.guide_changed.connect(self._show_handles)
        self._tools.drawn.connect(self._pick_drawn)
        self._viewbox.sigResized.connect(lambda _: self.prepareGeometryChange())
        self._viewbox.sigTransformChanged.connect(lambda _: self._show_handles())

    @property
    def term(self) -> int | None:
        """Which term of the selected detector is edited alone; None: the whole detector."""
        return self._term

    def item(self, id: str) -> DetectorItem:
        """The item that draws a detector. Raises KeyError."""
        return self._items[id]

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
        return self._edit_selected("Nudge", lambda shape: shape_moves.nudge(shape, dy, dx))

    def grow(self, by: float) -> bool:
        """Move the outline of what is selected out by frame pixels (in, where negative)."""
        return self._edit_selected("Resize", lambda shape: shape_moves.grow(shape, by))

    def take_key(self, key: int) -> bool:
        """For the window to ask before its own shortcuts; False where the key means nothing here and now.

        Esc, Enter and Backspace while drawing or dragging; Delete on the vertex under the pointer or the picked term.
        """
        if self._tools.take_key(key):
            return True
        if key == Qt.Key_Escape:
            return self._escape()
        return key in (Qt.Key_Delete, Qt.Key_Backspace) and (self.remove_vertex(self._hover) or self._remove_term())

    def remove_vertex(self, hit: Hit | None) -> bool:
        """Take a polygon's vertex away; False where `hit` is none, or the polygon would be gone."""
        if hit is None or not hit.part.startswith("vertex") or self._model.dragging:
            return False
        index = int(hit.part.partition(":")[2])
        return self._edit_term("Remove vertex", hit, lambda p: shape_moves.without_vertex(p, index))

    def add_vertex(self, hit: Hit | None, at: YX) -> bool:
        """Put a vertex on a polygon's edge; False where `hit` is none."""
        if hit is None or not hit.part.startswith("edge:"):
            return False
        index = int(hit.part.partition(":")[2])
        return self._edit_term("Add vertex", hit, lambda p: shape_moves.with_vertex(p, index, at))

    def screen(self) -> Screen:
        """How the frame lies on the view now."""
        t = self._viewbox.childTransform()
        return Screen((t.m11(), t.m12()), (t.m21(), t.m22()), (t.m31(), t.m32()))

    def boundingRect(self) -> QRectF:
        return self._viewbox.rect()

    def paint(self, painter: Any, option: Any, widget: Any = None) -> None:
        """Its children paint."""

    # -- what the hand does ------------------------------------------------------------------------------------------

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
        elif self._hold.began or self._began(event):
            self._drag(self._hold, event)

    def mouseReleaseEvent(self, event: Any) -> None:
        hold, self._hold = self._hold, None
        if hold is None:
            self._tools.release(self._touch(event))
        elif hold.began:
            self._model.end_drag()
        else:
            self._clicked(hold)
        self._point_at(self._at(event.pos()))

    def mouseDoubleClickEvent(self, event: Any) -> None:
        if event.button() != Qt.LeftButton:
            event.ignore()
        elif self._tools.tool is not Tool.SELECT:
            self._tools.double_click(self._touch(event))
        elif not self.add_vertex(self._hit(self._at(event.pos())), self._at(event.pos())):
            event.setAccepted(self._take(event))

    def hoverMoveEvent(self, event: Any) -> None:
        if self._tools.tool is Tool.SELECT:
            self._point_at(self._at(event.pos()))
        else:
            self._tools.hover(self._touch(event))

    def hoverLeaveEvent(self, event: Any) -> None:
        self._point_at(None)

    def keyPressEvent(self, event: Any) -> None:
        event.setAccepted(self.take_key(event.key()))

    def sceneEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.UngrabMouse and self._hold is not None and self._hold.began:
            self._hold = None  # another window took the mouse: what was dragged stays where it is
            self._model.end_drag()
        return super().sceneEvent(event)

    def _take(self, event: Any) -> bool:
        at = self._at(event.pos())
        found = self._hits(at)
        if not found:
            return False
        session, hit = self._model.session, found[0]
        was_selected = hit.id == session.selected
        below = [other.id for other in found[1:]]
        self._hold = Hold(hit, at, event.pos(), session.detector(hit.id), was_selected, below)
        if not was_selected:
            self._model.look(selected=hit.id)
        return True

    def _right_press(self, event: Any) -> bool:
        hit = self._hit(self._at(event.pos()))
        if self._tools.drawing or hit is None:
            return False
        if not self.remove_vertex(hit):
            self._model.look(selected=hit.id)
            self.menu_wanted.emit(hit.id, event.screenPos())
        return True

    def _began(self, event: Any) -> bool:
        """The press has become a drag: from now on its moves are one step of undo."""
        hold = self._hold
        if (event.pos() - hold.screen_at).manhattanLength() < DRAG_FROM or not self._moves(hold):
            return False
        hold.began = True
        kind = hold.detector.shape.kind if hold.hit.term is None else self._term_shape(hold).kind
        copies = bool(event.modifiers() & COPY_KEYS)
        verb = "Copy" if copies else "Move" if hold.hit.part == BODY else "Resize"
        self._model.begin_drag(f"{verb} {kind}")
        if copies:
            self._copy(hold)
        return True

    def _moves(self, hold: Hold) -> bool:
        return movable(hold.detector.shape if hold.hit.term is None else self._term_shape(hold))

    def _term_shape(self, hold: Hold) -> Any:
        return terms_of(hold.detector.shape)[hold.hit.term or 0].shape

    def _copy(self, hold: Hold) -> None:
        """The copy goes with the hand, whole; the original stays."""
        session = duplicated(self._model.session, hold.detector.id, 0.0)
        self._model.drag(session)
        hold.detector = session.selected_detector or hold.detector
        hold.hit = Hit(hold.detector.id, None, BODY)

    def _drag(self, hold: Hold, event: Any) -> None:
        now, keep = self._at(event.pos()), bool(event.modifiers() & Qt.ShiftModifier)
        shape, hit = hold.detector.shape, hold.hit
        if hit.term is None:
            shape = shape_moves.dragged(shape, hit.part, hold.at, now, keep)
        else:
            term = shape_moves.dragged(self._term_shape(hold), hit.part, hold.at, now, keep)
            shape = shape_moves.with_term(shape, hit.term, term)
        session = self._model.session
        detector = session.detector(hold.detector.id)
        if detector is not None:
            self._model.drag(session.with_detector(detector.model_copy(update={"shape": shape})))

    def _clicked(self, hold: Hold) -> None:
        """A press without a drag: on an outline it picks the term, on the selected's body what lies below."""
        if hold.hit.part != BODY:
            self.pick_term(hold.hit.term)
        elif hold.was_selected and hold.below and hold.hit.term is None and self._term is None:
            self._model.look(selected=hold.below[0])
        elif hold.hit.term is None:
            self.pick_term(None)

    def _escape(self) -> bool:
        if self._hold is not None and self._hold.began:
            self._hold = None
            self._model.abandon_drag()
            return True
        if self._term is None:
            return False
        self.pick_term(None)
        return True

    # -- edits -------------------------------------------------------------------------------------------------------

    def _edit_selected(self, text: str, change: Any) -> bool:
        session = self._model.session
        detector = session.selected_detector
        if detector is None or self._model.dragging:
            return False
        if self._term is None:
            shape = change(detector.shape)
        else:
            term = change(terms_of(detector.shape)[self._term].shape)
            shape = shape_moves.with_term(detector.shape, self._term, term)
        merge = f"{text} {detector.id} {self._term}"
        edited = session.with_detector(detector.model_copy(update={"shape": shape}))
        self._model.edit(f"{text} {detector.name}", edited, merge)
        return True

    def _edit_term(self, text: str, hit: Hit, change: Any) -> bool:
        session = self._model.session
        detector = session.detector(hit.id)
        index = hit.term or 0
        old = terms_of(detector.shape)[index].shape
        new = change(old)
        shape = shape_moves.with_term(detector.shape, index, new)
        self._model.edit(text, session.with_detector(detector.model_copy(update={"shape": shape})))
        self._point_at(None)
        return new is not old

    def _remove_term(self) -> bool:
        detector = self._model.session.selected_detector
        if detector is None or self._term is None or self._model.dragging:
            return False
        shape = shape_moves.without_term(detector.shape, self._term)
        session = self._model.session.with_detector(detector.model_copy(update={"shape": shape}))
        self.pick_term(None)
        self._model.edit("Remove part", session)
        return True

    # -- following ---------------------------------------------------------------------------------------------------

    def _follow(self, old: Session, new: Session) -> None:
        if new.detectors is old.detectors and new.selected == old.selected:
            return
        ids = {detector.id for detector in new.detectors}
        for id in [id for id in self._items if id not in ids]:
            self._viewbox.removeItem(self._items.pop(id))
        if self._hover is not None and self._hover.id not in ids:
            self._hover = None
        if new.selected != old.selected:
            self.pick_term(None)
        self.pick_term(self._term)  # which may be gone
        self._refresh()

    def _refresh(self) -> None:
        for detector in self._model.session.detectors:
            look = self._look(detector)
            if detector.id in self._items:
                self._items[detector.id].show_detector(detector, look)
            else:
                self._items[detector.id] = DetectorItem(detector, look)
                self._viewbox.addItem(self._items[detector.id], ignoreBounds=True)
        self._show_handles()

    def _look(self, detector: Detector) -> Look:
        selected = detector.id == self._model.session.selected
        hovered = self._hover is not None and self._hover.id == detector.id
        return Look(selected, hovered, self._term if selected else None)

    def _show_handles(self) -> None:
        if self._tools.guide:
            self._handles.show_marks(guide_marks(self._tools.guide, self.screen()), "#ffffff")
            return
        detector = self._model.session.selected_detector
        shown = detector is not None and detector.visible and not self._tools.drawing
        self._handles.show_marks(
            marks(detector.shape, self._term, self._hover, self.screen()) if shown else [],
            detector.colour if shown else "#ffffff",
        )

    def _follow_drag(self, dragging: bool) -> None:
        """Somebody else ended the drag: let go."""
        if not dragging and self._hold is not None and self._hold.began:
            self._hold = None

    def _pick_drawn(self, id: str, term: int) -> None:
        if id == self._model.session.selected:
            self.pick_term(term)

    # -- the pointer -------------------------------------------------------------------------------------------------

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
        hit = self._hit(at) if at is not None and self._tools.tool is Tool.SELECT else None
        if hit != self._hover:
            self._hover = hit
            self._refresh()
        if self._tools.tool is not Tool.SELECT:
            self.setCursor(Qt.CrossCursor)
        elif hit is None:
            self.unsetCursor()
        else:
            self._show_cursor(hit)

    def _show_cursor(self, hit: Hit) -> None:
        detector = self._model.session.detector(hit.id)
        shape = detector.shape if hit.term is None else terms_of(detector.shape)[hit.term].shape
        selected = hit.id == self._model.session.selected
        self.setCursor(cursor(shape, hit, self.screen(), selected))
        self.setToolTip("" if movable(shape) else "A mask from a file stays where it is.")
